//! Kinds of audio: by the name that is given to them, and by how they begin.

/// A kind of audio file or stream that is transcribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AudioKind {
    /// What Chromium records.
    WebM,
    /// What Firefox records.
    Ogg,
    /// What Safari and phones record.
    Mp4,
    /// MPEG layer 3.
    Mp3,
    /// AAC without a container.
    Aac,
    /// Free lossless audio.
    Flac,
    /// Plain samples.
    Wav,
    /// What older phones record.
    Amr,
}

impl AudioKind {
    /// Every kind.
    pub const ALL: [Self; 8] =
        [Self::WebM, Self::Ogg, Self::Mp4, Self::Mp3, Self::Aac, Self::Flac, Self::Wav, Self::Amr];
    /// So many bytes from the beginning tell what it is.
    pub const MAGIC_BYTES: usize = 12;

    /// The kind that a media type names, whatever its parameters (`audio/webm;codecs=opus`).
    #[must_use]
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|kind| kind.names().contains(&essence.as_str()))
    }

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        self.names()[0]
    }

    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::WebM => &["audio/webm"],
            Self::Ogg => &["audio/ogg", "audio/opus"],
            Self::Mp4 => &["audio/mp4", "audio/m4a", "audio/x-m4a", "audio/3gpp"],
            Self::Mp3 => &["audio/mpeg", "audio/mp3"],
            Self::Aac => &["audio/aac", "audio/x-aac"],
            Self::Flac => &["audio/flac", "audio/x-flac"],
            Self::Wav => &["audio/wav", "audio/wave", "audio/x-wav", "audio/vnd.wave"],
            Self::Amr => &["audio/amr", "audio/amr-wb"],
        }
    }

    /// Whether something that begins like this is of that kind.
    #[must_use]
    pub fn fits(self, beginning: &[u8]) -> bool {
        let at = |place: usize, bytes: &[u8]| beginning.get(place..).is_some_and(|rest| rest.starts_with(bytes));
        // Eleven bits of ones begin a frame; the two of its layer tell MP3 from AAC.
        let frame = |layer: u8| matches!(beginning, [0xFF, second, ..] if second & 0xE6 == 0xE0 | layer);
        match self {
            Self::WebM => at(0, b"\x1A\x45\xDF\xA3"),
            Self::Ogg => at(0, b"OggS"),
            Self::Mp4 => at(4, b"ftyp"),
            Self::Mp3 => at(0, b"ID3") || frame(2),
            Self::Aac => frame(0) || at(0, b"ADIF"),
            Self::Flac => at(0, b"fLaC"),
            Self::Wav => at(0, b"RIFF") && at(8, b"WAVE"),
            Self::Amr => at(0, b"#!AMR"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGINNINGS: [(AudioKind, &[u8]); 10] = [
        (AudioKind::WebM, b"\x1A\x45\xDF\xA3\x9FB\x86\x81\x01B\xF7\x81"),
        (AudioKind::Ogg, b"OggS\0\x02\0\0\0\0\0\0"),
        (AudioKind::Mp4, b"\0\0\0\x1CftypM4A "),
        (AudioKind::Mp3, b"ID3\x04\0\0\0\0\0\0\0\0"),
        (AudioKind::Mp3, b"\xFF\xFB\x90\x64\0\0\0\0\0\0\0\0"),
        (AudioKind::Aac, b"\xFF\xF1\x50\x80\x02\x1F\xFC\0\0\0\0\0"),
        (AudioKind::Aac, b"\xFF\xF9\x50\x80\x02\x1F\xFC\0\0\0\0\0"),
        (AudioKind::Flac, b"fLaC\0\0\0\x22\x10\0\x10\0"),
        (AudioKind::Wav, b"RIFF\x24\x08\0\0WAVE"),
        (AudioKind::Amr, b"#!AMR\n\x3C\0\0\0\0\0"),
    ];

    #[test]
    fn each_kind_is_known_by_its_beginning_and_by_no_others() {
        for (kind, beginning) in BEGINNINGS {
            let fitting: Vec<_> = AudioKind::ALL.into_iter().filter(|one| one.fits(beginning)).collect();
            assert_eq!(fitting, [kind]);
        }
    }

    #[test]
    fn what_is_no_audio_fits_no_kind() {
        let others: [&[u8]; 8] = [
            b"",
            b"Good morning",
            b"{\"text\": 1}",
            b"<html><body>",
            b"\0\0\0\0\0\0\0\0\0\0\0\0",
            b"%PDF-1.7\n%\xE2\xE3",
            b"RIFF\x24\x08\0\0AVI ",
            b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01",
        ];
        for other in others {
            assert!(!AudioKind::ALL.into_iter().any(|kind| kind.fits(other)), "{other:?}");
        }
    }

    #[test]
    fn a_media_type_names_its_kind_whatever_its_case_and_parameters() {
        for kind in AudioKind::ALL {
            assert_eq!(AudioKind::from_media_type(kind.media_type()), Some(kind));
        }
        assert_eq!(AudioKind::from_media_type(" Audio/WebM ;codecs=opus"), Some(AudioKind::WebM));
        for other in ["", "audio/", "audio/*", "audio/basic", "video/webm", "text/plain", "webm", "audio/webm2"] {
            assert_eq!(AudioKind::from_media_type(other), None, "{other}");
        }
    }
}
