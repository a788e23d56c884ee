//! What something is, by its content, and what may be shown of it.

use async_trait::async_trait;
use bytes::Bytes;
use vcare_app::ports::{ContentInspector, InspectError, Showable};
use vcare_domain::{MediaType, RejectReason, UploadKind};

use crate::{audio, picture};

/// The most pixels of a picture: what a telephone's 50-megapixel camera makes.
pub(crate) const MAX_PIXELS: u64 = 52_000_000;
/// The longest side. Longer ones are panoramas, or made to do harm.
pub(crate) const MAX_SIDE: u32 = 16_384;
/// The most memory that decoding may take.
pub(crate) const MAX_DECODING_BYTES: u64 = 256 * 1024 * 1024;

/// A picture's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    Webp,
}

enum Found {
    Picture(Format),
    Audio(MediaType),
}

/// By the first bytes. HEIC begins like M4A and is told from it by its brand; there is no decoder of it in safe Rust.
fn find(bytes: &[u8]) -> Option<Found> {
    let at = |from: usize, text: &[u8]| bytes.get(from..).is_some_and(|rest| rest.starts_with(text));
    if at(0, b"\xFF\xD8\xFF") {
        Some(Found::Picture(Format::Jpeg))
    } else if at(0, b"\x89PNG\r\n\x1A\n") {
        Some(Found::Picture(Format::Png))
    } else if at(0, b"RIFF") && at(8, b"WEBP") {
        Some(Found::Picture(Format::Webp))
    } else if at(0, b"RIFF") && at(8, b"WAVE") {
        Some(Found::Audio(MediaType::Wav))
    } else if at(0, b"OggS") {
        Some(Found::Audio(MediaType::Ogg))
    } else if at(0, b"\x1A\x45\xDF\xA3") {
        Some(Found::Audio(MediaType::Webm))
    } else if at(4, b"ftyp") {
        Some(Found::Audio(MediaType::M4a))
    } else if at(0, b"ID3") || (at(0, b"\xFF") && bytes.get(1).is_some_and(|byte| byte & 0xE6 == 0xE2)) {
        Some(Found::Audio(MediaType::Mp3))
    } else {
        None
    }
}

/// A picture's format, by the first bytes; `None` for what is none.
pub(crate) fn picture_format(bytes: &[u8]) -> Option<Format> {
    match find(bytes)? {
        Found::Picture(format) => Some(format),
        Found::Audio(_) => None,
    }
}

/// Looks at content on threads of its own, one at a time: a picture may take hundreds of megabytes while it is open.
#[derive(Debug)]
pub struct Inspector {
    turn: tokio::sync::Semaphore,
}

impl Default for Inspector {
    fn default() -> Self {
        Self { turn: tokio::sync::Semaphore::new(1) }
    }
}

fn inspect(kind: UploadKind, bytes: &[u8]) -> Result<Showable, RejectReason> {
    let (media_type, written) = match (find(bytes).ok_or(RejectReason::UnknownType)?, kind) {
        (Found::Picture(format), _) => picture::write_anew(format, bytes)?,
        (Found::Audio(_), UploadKind::Preview) => return Err(RejectReason::NotAPicture),
        (Found::Audio(media_type), UploadKind::Original) => (media_type, audio::write_anew(media_type, bytes)?),
    };
    Ok(Showable { media_type, bytes: Bytes::from(written) })
}

#[async_trait]
impl ContentInspector for Inspector {
    async fn inspect(&self, kind: UploadKind, bytes: Bytes) -> Result<Showable, InspectError> {
        let _turn = self.turn.acquire().await.map_err(|_| InspectError::Failed)?;
        // A decoder that panics is a failure of ours, and ends no process.
        let looked = tokio::task::spawn_blocking(move || inspect(kind, &bytes)).await;
        looked.map_err(|_| InspectError::Failed)?.map_err(InspectError::Rejected)
    }
}
