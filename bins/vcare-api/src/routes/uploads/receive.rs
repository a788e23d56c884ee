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
use vcare_app::{App, AppError};
use vcare_domain::UploadRefusal;

use crate::problem::{Code, Problem};

/// So much is stored at once.
const PIECE: usize = 256 * 1024;
/// So long at most bytes wait to be stored: what a power cut takes of a slow upload.
const STORE_EVERY: Duration = Duration::from_secs(4);
/// So long a line may say nothing.
const SILENCE: Duration = Duration::from_secs(60);
/// So long a request may take in all: 10 MiB at 6 kbit/s take longer, and go on with the next one.
const LONGEST: Duration = Duration::from_secs(3600);
/// The longest body that is sent with a checksum: it is held in memory until it has proved right.
const LONGEST_CHECKED: usize = 1024 * 1024;
/// So many bodies are taken in at once.
pub const AT_ONCE: usize = 256;

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
            || Problem::field("Upload-Checksum", "expected sha1 or sha256, a blank, and the checksum in base64");
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

/// Takes a body in. Answers how far the upload is, and how many bytes are missing.
pub async fn receive(
    req: &HttpRequest,
    app: &App,
    pen: UploadPen,
    body: Payload,
    checksum: Option<Checksum>,
) -> Result<(Appended, u32), Problem> {
    let missing = pen.missing() as usize;
    must_fit(req, missing)?;
    if let Some(checksum) = checksum {
        return receive_checked(app, pen, body, &checksum).await;
    }
    let (frames, arriving) = mpsc::channel(4);
    // A task of its own: when the line is cut, whoever answers is gone at once, and what has arrived is stored all the same.
    let kept = tokio::spawn(keep(app.clone(), pen, arriving));
    let ended = forward(body, frames).await;
    let kept = kept.await.map_err(|_| Problem::internal())??;
    ended.map(|()| kept)
}

/// Stores what arrives, piece by piece.
async fn keep(app: App, mut pen: UploadPen, mut arriving: mpsc::Receiver<Bytes>) -> Result<(Appended, u32), AppError> {
    let mut waiting = BytesMut::new();
    let mut store_at = Instant::now() + STORE_EVERY;
    loop {
        let ended = match timeout_at(store_at, arriving.recv()).await {
            Ok(Some(frame)) => {
                waiting.extend_from_slice(&frame);
                if waiting.len() > pen.missing() as usize {
                    return Err(UploadRefusal::TooLong { max: pen.at().offset + pen.missing() }.into());
                }
                if waiting.len() < PIECE {
                    continue;
                }
                false
            }
            Ok(None) => true,
            Err(_) => false,
        };
        app.append_to_upload(&mut pen, waiting.split().freeze()).await?;
        if ended {
            return Ok((pen.at(), pen.missing()));
        }
        store_at = Instant::now() + STORE_EVERY;
    }
}

/// The body's next frame; an error when it is cut, or says nothing for too long.
async fn next(body: &mut Payload) -> Result<Option<Bytes>, Problem> {
    match timeout(SILENCE, body.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(frame))) => Ok(Some(frame)),
        Ok(Some(Err(_))) => Err(Problem::field("body", "could not be read to its end")),
        Err(_) => Err(Problem::too_slow()),
    }
}

/// Hands the body's frames on until it ends, or whoever stores them has given up, and says why.
async fn forward(mut body: Payload, frames: mpsc::Sender<Bytes>) -> Result<(), Problem> {
    let all = async {
        while let Some(frame) = next(&mut body).await? {
            if frames.send(frame).await.is_err() {
                break;
            }
        }
        Ok(())
    };
    timeout(LONGEST, all).await.unwrap_or_else(|_| Err(Problem::too_slow()))
}

/// With a checksum it is all or nothing.
async fn receive_checked(
    app: &App,
    mut pen: UploadPen,
    mut body: Payload,
    checksum: &Checksum,
) -> Result<(Appended, u32), Problem> {
    let most = LONGEST_CHECKED.min(pen.missing() as usize);
    let mut whole = BytesMut::new();
    while let Some(frame) = next(&mut body).await? {
        whole.extend_from_slice(&frame);
        if whole.len() > most {
            return Err(too_long(most));
        }
    }
    if !checksum.fits(&whole) {
        return Err(Problem::wrong_checksum());
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
