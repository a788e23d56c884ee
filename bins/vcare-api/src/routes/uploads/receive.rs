//! Taking in the body of an upload's request: what arrives is kept, whatever becomes of the request.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, BytesMut, Payload};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use ring::digest;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use vcare_app::uploads::{Appended, UploadPen};
use vcare_app::{App, AppError, Caller};
use vcare_domain::{UploadId, UploadRefusal};

use crate::problem::{Code, Problem};
use crate::server::Api;
use crate::transfers::TransferPermit;

/// So much is stored at once.
const PIECE: usize = 256 * 1024;
/// So long at most bytes wait to be stored: what a power cut takes of a slow upload.
const STORE_EVERY: Duration = Duration::from_secs(4);
/// Within [`AttachmentsConfig::stall_seconds`](vcare_boot::AttachmentsConfig) so much must come.
const PROGRESS_BYTES: usize = 4096;
/// So long a request may take in all: 10 MiB at 6 kbit/s take longer, and go on with the next one.
const LONGEST: Duration = Duration::from_secs(3600);
/// The longest body that is sent with a checksum: it is held in memory until it has proved right.
const LONGEST_CHECKED: usize = 1024 * 1024;
const OFFSET_STREAM: &str = "application/offset+octet-stream";

/// What the bytes of a request are to add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    algorithm: &'static str,
    sum: Vec<u8>,
}

impl Checksum {
    /// Reads `Upload-Checksum: sha1 <base64>`.
    pub fn of(req: &HttpRequest) -> Result<Option<Self>, Problem> {
        let Some(header) = req.headers().get("upload-checksum") else { return Ok(None) };
        let read = header.to_str().ok().and_then(Self::parse);
        let wrong =
            || Problem::header("Upload-Checksum", "expected sha1 or sha256, a blank, and the checksum in base64");
        read.map(Some).ok_or_else(wrong)
    }

    fn parse(text: &str) -> Option<Self> {
        let (name, sum) = text.split_once(' ')?;
        let (algorithm, length) = match name {
            "sha1" => ("sha1", 20),
            "sha256" => ("sha256", 32),
            _ => return None,
        };
        let sum = STANDARD.decode(sum.trim()).ok().filter(|sum| sum.len() == length)?;
        Some(Self { algorithm, sum })
    }

    fn fits(&self, bytes: &[u8]) -> bool {
        let algorithm = match self.algorithm {
            "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            _ => &digest::SHA256,
        };
        digest::digest(algorithm, bytes).as_ref() == self.sum
    }
}

/// Whether a request brings bytes, by its type.
pub fn brings_bytes(req: &HttpRequest) -> bool {
    req.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == OFFSET_STREAM)
}

/// Refuses a body of another type.
pub fn must_bring_bytes(req: &HttpRequest) -> Result<(), Problem> {
    if brings_bytes(req) {
        return Ok(());
    }
    Err(Problem::wrong_media_type(OFFSET_STREAM))
}

/// Refuses what is announced to be too long, before it is sent over a bad link for nothing.
fn must_fit(req: &HttpRequest, missing: usize) -> Result<(), Problem> {
    let announced = req.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|announced| announced > missing as u64) { Err(too_long(missing)) } else { Ok(()) }
}

fn too_long(most: usize) -> Problem {
    Problem::new(Code::PayloadTooLarge).detail(format!("expected {most} bytes at most"))
}

/// Takes in a body that belongs at `offset`. Answers how far the upload is, and how many bytes are missing.
pub async fn receive(
    api: &Api,
    caller: &Caller,
    id: UploadId,
    offset: u32,
    req: &HttpRequest,
    body: Payload,
    checksum: Option<Checksum>,
) -> Result<(Appended, u32), Problem> {
    let permit = api.uploads.begin(&caller.tenant_id, &caller.user_id, Some(id))?;
    let pen = {
        // One after the other: who is let in last by the database is the one who ends the others here.
        let _turn = api.openings.turn(id).await;
        let pen = api.app.open_upload(caller, id, offset).await?;
        // Known to be the caller's only now.
        permit.supersede();
        pen
    };
    must_fit(req, pen.missing() as usize)?;
    let body = Body::new(body, api.upload_stall);
    if let Some(checksum) = checksum {
        return receive_checked(&api.app, pen, body, &checksum, &permit).await;
    }
    let (frames, arriving) = mpsc::channel(4);
    // A task of its own: when the line is cut, whoever answers is gone at once, and what has arrived is stored all the same.
    let kept = tokio::spawn(keep(api.app.clone(), pen, arriving));
    let ended = tokio::select! {
        ended = forward(body, frames) => Some(ended),
        () = permit.superseded() => None,
    };
    let kept = kept.await.map_err(|_| Problem::internal())??;
    match ended {
        Some(ended) => ended.map(|()| kept),
        None => Err(superseded(kept.0)),
    }
}

fn superseded(at: Appended) -> Problem {
    AppError::from(UploadRefusal::Superseded { offset: at.offset }).into()
}

/// Stores what arrives, piece by piece.
async fn keep(app: App, mut pen: UploadPen, mut arriving: mpsc::Receiver<Bytes>) -> Result<(Appended, u32), AppError> {
    let mut waiting = BytesMut::new();
    let mut recognised = false;
    let mut store_at = Instant::now() + STORE_EVERY;
    loop {
        let ended = match timeout_at(store_at, arriving.recv()).await {
            Ok(Some(frame)) => {
                waiting.extend_from_slice(&frame);
                if waiting.len() > pen.missing() as usize {
                    return Err(UploadRefusal::TooLong { max: pen.at().offset + pen.missing() }.into());
                }
                if !recognised {
                    recognised = pen.at().offset > 0 || app.recognise_upload(&pen, &waiting).await?;
                }
                if waiting.len() < PIECE {
                    continue;
                }
                false
            }
            Ok(None) => true,
            // A silent request that another process has superseded ends as well, and not only when it says something.
            Err(_) if waiting.is_empty() => {
                app.check_upload_pen(&pen).await?;
                false
            }
            Err(_) => false,
        };
        app.append_to_upload(&mut pen, waiting.split().freeze()).await?;
        if ended {
            return Ok((pen.at(), pen.missing()));
        }
        store_at = Instant::now() + STORE_EVERY;
    }
}

/// A body, and how slowly it comes.
struct Body {
    payload: Payload,
    stall: Duration,
    /// By then [`PROGRESS_BYTES`] must have come.
    due: Instant,
    lately: usize,
}

impl Body {
    fn new(payload: Payload, stall: Duration) -> Self {
        Self { payload, stall, due: Instant::now() + stall, lately: 0 }
    }

    /// The next frame; an error when the body is cut, or comes too slowly.
    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let Ok(frame) = timeout_at(self.due, self.payload.next()).await else { return Err(Problem::too_slow()) };
        let Some(frame) = frame else { return Ok(None) };
        let frame = frame.map_err(|_| Problem::body_cut_short())?;
        self.lately += frame.len();
        if self.lately >= PROGRESS_BYTES {
            (self.due, self.lately) = (Instant::now() + self.stall, 0);
        }
        Ok(Some(frame))
    }
}

/// Hands the body's frames on until it ends, or whoever stores them has given up, and says why.
async fn forward(mut body: Body, frames: mpsc::Sender<Bytes>) -> Result<(), Problem> {
    let all = async {
        loop {
            let frame = tokio::select! {
                frame = body.next() => frame?,
                () = frames.closed() => return Ok(()),
            };
            let Some(frame) = frame else { return Ok(()) };
            let began = Instant::now();
            if frames.send(frame).await.is_err() {
                return Ok(());
            }
            // How long storing takes is not the sender's fault.
            body.due += began.elapsed();
        }
    };
    timeout(LONGEST, all).await.unwrap_or_else(|_| Err(Problem::too_slow()))
}

/// With a checksum it is all or nothing.
async fn receive_checked(
    app: &App,
    mut pen: UploadPen,
    mut body: Body,
    checksum: &Checksum,
    permit: &TransferPermit,
) -> Result<(Appended, u32), Problem> {
    let most = LONGEST_CHECKED.min(pen.missing() as usize);
    let mut whole = BytesMut::new();
    loop {
        let frame = tokio::select! {
            frame = body.next() => frame?,
            () = permit.superseded() => return Err(superseded(pen.at())),
        };
        let Some(frame) = frame else { break };
        whole.extend_from_slice(&frame);
        if whole.len() > most {
            return Err(too_long(most));
        }
    }
    if !checksum.fits(&whole) {
        return Err(Problem::wrong_checksum());
    }
    if pen.at().offset == 0 && !whole.is_empty() {
        app.recognise_upload(&pen, &whole).await?;
    }
    app.append_to_upload(&mut pen, whole.freeze()).await?;
    Ok((pen.at(), pen.missing()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_read_and_compared() {
        let sha1 = Checksum::parse("sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=").unwrap();
        assert!(sha1.fits(b"abc") && !sha1.fits(b"abd"));
        let sha256 = Checksum::parse("sha256 ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=").unwrap();
        assert!(sha256.fits(b"abc") && !sha256.fits(b""));
        for bad in ["", "sha1", "md5 kAFQmDzST7DWlj99KOF/cg==", "sha1 !!!", "sha256 qZk+NkcGgWq6PiVxeFDCbJzQ2J0="] {
            assert_eq!(Checksum::parse(bad), None, "{bad}");
        }
    }
}
