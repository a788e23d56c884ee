//! Audio in a request: its kind is known at once, and the rest is passed on as it comes.

use std::future::{Ready, ready};
use std::pin::pin;
use std::time::Duration;

use actix_multipart::{Field, Multipart};
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout, timeout_at};
use vcare_app::AppError;
use vcare_app::ports::{AudioFault, AudioFeed, AudioUpload, audio_channel};
use vcare_domain::AudioKind;

use crate::problem::{Code, Problem};

/// The part of a form that holds the audio.
const PART: &str = "audio";
/// Within the time for which a body may stand still, so much of it must come.
const PROGRESS_BYTES: u64 = 4096;
/// What a form has beside its audio.
const FORM_BYTES: u64 = 16 * 1024;

/// How much audio is taken, and how slowly.
#[derive(Debug, Clone, Copy)]
pub struct AudioLimits {
    /// The most bytes of one piece.
    pub max_bytes: u64,
    /// How long it may stand still.
    pub stall: Duration,
    /// How long it may take in all.
    pub deadline: Duration,
}

impl Default for AudioLimits {
    fn default() -> Self {
        Self { max_bytes: 30 * 1024 * 1024, stall: Duration::from_secs(30), deadline: Duration::from_secs(1800) }
    }
}

/// Audio that begins to come: the body itself, or the part `audio` of a form.
pub struct AudioRequest {
    form: Form,
    length: Option<u64>,
    payload: Payload,
}

enum Form {
    Body(AudioKind),
    /// With what it takes to read the form.
    Multipart(HeaderMap),
}

impl FromRequest for AudioRequest {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let length = req.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
        ready(form(req).map(|form| Self { form, length, payload: payload.take() }))
    }
}

fn form(req: &HttpRequest) -> Result<Form, Problem> {
    // A packed body would be another one than its length and its first bytes say.
    if req.headers().contains_key(CONTENT_ENCODING) {
        return Err(unsupported());
    }
    if req.content_type().eq_ignore_ascii_case("multipart/form-data") {
        return Ok(Form::Multipart(req.headers().clone()));
    }
    let kind = req.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.and_then(AudioKind::from_media_type).map(Form::Body).ok_or_else(unsupported)
}

fn unsupported() -> Problem {
    let kinds = AudioKind::ALL.map(AudioKind::media_type).join(", ");
    Problem::new(Code::UnsupportedMediaType)
        .detail(format!("expected {kinds}, or multipart/form-data with one of them as the part {PART}"))
}

impl AudioRequest {
    /// Hands the audio to `take` while it comes; answers what that answers, at once when it does.
    ///
    /// # Errors
    /// What is wrong with the audio, or with what was done with it.
    pub async fn pass_to<T>(
        self,
        limits: AudioLimits,
        take: impl AsyncFnOnce(AudioUpload) -> Result<T, AppError>,
    ) -> Result<T, Problem> {
        let Self { form, length, payload } = self;
        let most = limits.max_bytes + if matches!(form, Form::Body(_)) { 0 } else { FORM_BYTES };
        if length.is_some_and(|length| length > most) {
            return Err(AudioFault::TooLong { limit: limits.max_bytes }.into());
        }
        let (kind, source) = match form {
            Form::Body(kind) => (kind, Source::Body(payload)),
            Form::Multipart(headers) => {
                let begun = timeout(limits.stall, Source::open(&headers, payload)).await;
                begun.unwrap_or(Err(AudioFault::Stalled.into()))?
            }
        };
        let (feed, body) = audio_channel();
        let mut taking = pin!(take(AudioUpload { kind, body }));
        let mut feeding = pin!(pass(source, feed, limits));
        let mut fed = false;
        loop {
            tokio::select! {
                taken = &mut taking => return taken.map_err(Problem::from),
                () = &mut feeding, if !fed => fed = true,
            }
        }
    }
}

/// Where the audio comes from.
enum Source {
    Body(Payload),
    Part { audio: Option<Box<Field>>, form: Multipart },
}

impl Source {
    /// Reads a form up to its audio.
    async fn open(headers: &HeaderMap, payload: Payload) -> Result<(AudioKind, Self), Problem> {
        let mut form = Multipart::new(headers, payload);
        let part = match form.next().await {
            Some(Ok(part)) => part,
            Some(Err(_)) => return Err(Problem::field("body", "must be multipart/form-data")),
            None => return Err(Problem::missing(PART)),
        };
        if part.name() != Some(PART) {
            return Err(Problem::field(PART, "must be the first part, and the only one"));
        }
        let kind = part.content_type().and_then(|kind| AudioKind::from_media_type(kind.essence_str()));
        Ok((kind.ok_or_else(unsupported)?, Self::Part { audio: Some(Box::new(part)), form }))
    }

    async fn next(&mut self) -> Option<Result<Bytes, AudioFault>> {
        match self {
            Self::Body(payload) => Some(payload.next().await?.map_err(|_| AudioFault::CutShort)),
            Self::Part { audio, form } => {
                if let Some(part) = audio
                    && let Some(piece) = part.next().await
                {
                    return Some(piece.map_err(|_| AudioFault::CutShort));
                }
                // The form goes on when its part is let go; and only its own end is the end of the audio.
                *audio = None;
                Some(Err(match form.next().await? {
                    Ok(_) => AudioFault::Malformed { field: PART, message: "must be the only part" },
                    Err(_) => AudioFault::CutShort,
                }))
            }
        }
    }
}

/// Passes audio on to its end, or to what is wrong with it. Waits for who takes it, and not for who does not send it.
async fn pass(mut source: Source, feed: AudioFeed, limits: AudioLimits) {
    let (mut passed, mut lately) = (0, 0);
    let mut due = Instant::now() + limits.stall;
    loop {
        let piece = match timeout_at(due, source.next()).await {
            Err(_) => return feed.fail(AudioFault::Stalled),
            Ok(None) => return feed.finish().await,
            Ok(Some(Err(fault))) => return feed.fail(fault),
            Ok(Some(Ok(piece))) => piece,
        };
        passed += piece.len() as u64;
        lately += piece.len() as u64;
        if passed > limits.max_bytes {
            return feed.fail(AudioFault::TooLong { limit: limits.max_bytes });
        }
        let waiting = Instant::now();
        match timeout(limits.stall, feed.feed(piece)).await {
            Err(_) => return feed.fail(AudioFault::NotTaken),
            Ok(false) => return feed.leave(),
            Ok(true) => {}
        }
        if lately >= PROGRESS_BYTES {
            (due, lately) = (Instant::now() + limits.stall, 0);
        } else {
            due += waiting.elapsed();
        }
    }
}
