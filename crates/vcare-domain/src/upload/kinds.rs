//! The words of uploads: kinds, types, reasons, refusals.

use std::fmt;

use super::{MAX_PREVIEW_BYTES, MAX_UPLOAD_BYTES};
use crate::words::words;

words! {
    /// What of an attachment an upload is.
    UploadKind {
        /// The attachment itself.
        Original = "original",
        /// A small picture of it, to be seen while the attachment is on its way.
        Preview = "preview",
    }

    /// What an attachment is, by its content.
    MediaType {
        /// A photo.
        Jpeg = "image/jpeg",
        /// A picture without loss.
        Png = "image/png",
        /// A voice note: Opus in Ogg.
        Ogg = "audio/ogg",
        /// A voice note: AAC in MPEG-4.
        M4a = "audio/mp4",
        /// A voice note.
        Mp3 = "audio/mpeg",
        /// A voice note.
        Wav = "audio/wav",
        /// A voice note: Opus in WebM.
        Webm = "audio/webm",
        /// A document: a laboratory's report.
        Pdf = "application/pdf",
    }

    /// Why an attachment is not shown.
    RejectReason {
        /// It is none of the types that are taken, whatever it was called.
        UnknownType = "unknown_type",
        /// It begins like one of them and cannot be read to its end.
        Damaged = "damaged",
        /// A picture of more pixels than are taken.
        TooManyPixels = "too_many_pixels",
        /// A voice note that lasts longer than is converted.
        TooLong = "too_long",
        /// A preview that is no picture.
        NotAPicture = "not_a_picture",
        /// A document that would do something by itself: run a script, start a program, bring other files along.
        ActiveContent = "active_content",
        /// A document that is locked, so that nobody can look what is in it.
        Encrypted = "encrypted",
        /// The scanner found something in it.
        Malware = "malware",
        /// Checking it never came to an end.
        Uncheckable = "uncheckable",
        /// Bytes that had been received are no longer in the storage.
        Lost = "lost",
    }
}

impl UploadKind {
    /// The most bytes it may have.
    #[must_use]
    pub const fn max_bytes(self) -> u32 {
        match self {
            Self::Original => MAX_UPLOAD_BYTES,
            Self::Preview => MAX_PREVIEW_BYTES,
        }
    }
}

impl MediaType {
    /// What a file of it is called behind the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Ogg => "ogg",
            Self::M4a => "m4a",
            Self::Mp3 => "mp3",
            Self::Wav => "wav",
            Self::Webm => "webm",
            Self::Pdf => "pdf",
        }
    }
}

/// An uploader's relation to the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Uploader {
    /// The patient, or a proxy.
    Patient,
    /// A clinician or nurse practitioner.
    Staff,
}

impl Uploader {
    /// Everybody who uploads.
    pub const ALL: [Self; 2] = [Self::Patient, Self::Staff];

    /// The name in answers and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Staff => "staff",
        }
    }

    /// Who is called that.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|uploader| uploader.as_str() == name)
    }
}

/// What is shown: not the bytes that came in, but what was made of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Its name in the upload's folder.
    pub key: StorageKey,
    /// What it is.
    pub media_type: MediaType,
    /// How many bytes it has.
    pub size: u32,
}

/// A name in the storage: 128 random bits as 32 hex digits. It tells of nobody, and nothing from outside goes into it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StorageKey(String);

/// A text that is no name in the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 lower-case hex digits")]
pub struct InvalidKey;

impl StorageKey {
    /// The name that these random bytes make.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// A name as it was stored.
    ///
    /// # Errors
    /// [`InvalidKey`] for anything else.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidKey> {
        let text = text.into();
        let good = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if good { Ok(Self(text)) } else { Err(InvalidKey) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why something cannot be done with an upload; nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UploadRefusal {
    /// More bytes than it may have.
    #[error("must be at most {max} bytes")]
    TooLong {
        /// The most it may have.
        max: u32,
    },
    /// Bytes that do not follow on those that are there.
    #[error("the upload is at offset {offset}")]
    WrongOffset {
        /// Where it is.
        offset: u32,
    },
    /// Another request brings bytes since.
    #[error("another request has taken the upload over; it is at offset {offset}")]
    Superseded {
        /// Where it is.
        offset: u32,
    },
    /// Its time is over.
    #[error("the upload has expired")]
    Expired,
    /// Bytes that had been received are no longer in the storage.
    #[error("bytes of the upload were lost; start it again")]
    Lost,
    /// Its first bytes are those of a format that is not taken.
    #[error("{} cannot be sent; JPEG, PNG, WebP, PDF and voice notes can", .format.unwrap_or("a file of this format"))]
    UnknownFormat {
        /// The format's name, when it is known and was just seen.
        format: Option<&'static str>,
    },
    /// The same slot was begun with something of another length.
    #[error("this attachment was begun with another length; delete that upload first")]
    Differs,
    /// The visit that it would belong to was answered.
    #[error("the visit was answered; nothing is added to it any more")]
    Answered,
    /// It is part of a visit.
    #[error("the upload belongs to a visit that was submitted")]
    InVisit,
}
