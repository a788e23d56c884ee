//! How a visit was held over time: video, audio, messages.

use time::OffsetDateTime;

use crate::time_span::TimeSpan;

/// The medium of a part of a visit; the richest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MediaMode {
    /// Picture and sound.
    Video,
    /// Sound only.
    Audio,
    /// Written messages.
    Message,
}

impl MediaMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Video, Self::Audio, Self::Message];

    /// The mode's name in answers, events and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Message => "message",
        }
    }

    /// The one of both that carries less.
    #[must_use]
    pub fn poorer(self, other: Self) -> Self {
        self.max(other)
    }

    /// The mode of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }
}

/// Why a segment began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SegmentCause {
    /// The visit began.
    Started,
    /// The link was too poor for the mode before.
    LinkDegraded,
    /// The link was good again.
    LinkRecovered,
    /// Somebody chose it.
    Chosen,
}

impl SegmentCause {
    /// Every cause.
    pub const ALL: [Self; 4] = [Self::Started, Self::LinkDegraded, Self::LinkRecovered, Self::Chosen];

    /// The cause's name in answers, events and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::LinkDegraded => "link_degraded",
            Self::LinkRecovered => "link_recovered",
            Self::Chosen => "chosen",
        }
    }

    /// The cause of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == name)
    }
}

/// A stretch of a visit in one mode. There is a gap where the visit was given up and went on later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaSegment {
    /// The medium.
    pub mode: MediaMode,
    /// When it began.
    pub from: OffsetDateTime,
    /// When it ended; `None` while it runs.
    pub to: Option<OffsetDateTime>,
    /// Why it began.
    pub cause: SegmentCause,
}

/// Whole seconds per medium; their sum is the duration of the visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SecondsPerMode {
    /// Seconds with picture.
    pub video: u32,
    /// Seconds with sound only.
    pub audio: u32,
    /// Seconds in messages.
    pub message: u32,
}

impl SecondsPerMode {
    /// Adds up closed segments whose borders are whole seconds, as [`crate::SessionParts::held`] answers them.
    #[must_use]
    pub fn of(segments: &[MediaSegment]) -> Self {
        let mut seconds = Self::default();
        for segment in segments {
            let length = TimeSpan { from: segment.from, to: segment.to }.whole_seconds();
            match segment.mode {
                MediaMode::Video => seconds.video += length,
                MediaMode::Audio => seconds.audio += length,
                MediaMode::Message => seconds.message += length,
            }
        }
        seconds
    }

    /// The sum: the visit's duration in seconds.
    #[must_use]
    pub const fn total(self) -> u32 {
        self.video + self.audio + self.message
    }
}
