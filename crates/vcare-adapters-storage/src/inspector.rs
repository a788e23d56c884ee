//! What something is, by its content, and what may be shown of it.

use async_trait::async_trait;
use bytes::Bytes;
use vcare_app::ports::{ContentInspector, InspectError, Recognised, Showable};
use vcare_domain::{MediaType, RejectReason, UploadKind};

use crate::{audio, document, picture, recognise};

/// A picture's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    Webp,
}

enum Found {
    Picture(Format),
    Audio(audio::Container),
    Document,
}

/// By the first bytes. HEIC begins like M4A and is known by its brand; there is no decoder of it in safe Rust.
fn find(bytes: &[u8]) -> Option<Found> {
    let at = |from: usize, text: &[u8]| bytes.get(from..).is_some_and(|rest| rest.starts_with(text));
    if at(0, b"\xFF\xD8\xFF") {
        Some(Found::Picture(Format::Jpeg))
    } else if at(0, b"\x89PNG\r\n\x1A\n") {
        Some(Found::Picture(Format::Png))
    } else if at(0, b"RIFF") && at(8, b"WEBP") {
        Some(Found::Picture(Format::Webp))
    } else if recognise::picture_brand(bytes).is_some() {
        None
    } else if at(0, b"%PDF-") {
        Some(Found::Document)
    } else {
        audio::container(bytes).map(Found::Audio)
    }
}

/// A picture's format, by the first bytes; `None` for what is none.
pub(crate) fn picture_format(bytes: &[u8]) -> Option<Format> {
    match find(bytes)? {
        Found::Picture(format) => Some(format),
        Found::Audio(_) | Found::Document => None,
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
        (Found::Picture(format), _) => picture::rewrite(format, bytes)?,
        (Found::Audio(_) | Found::Document, UploadKind::Preview) => return Err(RejectReason::NotAPicture),
        (Found::Audio(container), UploadKind::Original) => audio::rewrite(container, bytes)?,
        (Found::Document, UploadKind::Original) => (MediaType::Pdf, document::rewrite(bytes)?),
    };
    Ok(Showable { media_type, bytes: Bytes::from(written) })
}

#[async_trait]
impl ContentInspector for Inspector {
    fn recognise(&self, first: &[u8]) -> Recognised {
        recognise::recognise(first)
    }

    async fn inspect(&self, kind: UploadKind, bytes: Bytes) -> Result<Showable, InspectError> {
        let _turn = self.turn.acquire().await.map_err(|_| InspectError::Failed)?;
        // A decoder that panics is a failure of ours, and ends no process.
        let looked = tokio::task::spawn_blocking(move || inspect(kind, &bytes)).await;
        looked.map_err(|_| InspectError::Failed)?.map_err(InspectError::Rejected)
    }
}
