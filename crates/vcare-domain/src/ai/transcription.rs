//! What a machine heard, and what of it counts as heard.

use crate::text::{InvalidText, LanguageTag, Transcript};

/// A stretch as likely silent as this is taken for silent: speech recognition is known to invent words for silence, and to
/// know that it does.
const SILENT: f64 = 0.6;

/// What the machine says it heard.
#[derive(Debug, Clone)]
pub struct HeardSpeech {
    /// Everything, as one text; `None` when there is none.
    pub text: Option<Transcript>,
    /// Whether it says that nobody spoke.
    pub silent: Option<bool>,
    /// Stretch by stretch; `None` when it does not tell.
    pub segments: Option<Vec<HeardSegment>>,
    /// In which language.
    pub language: Option<LanguageTag>,
}

/// A stretch, as the machine says it.
#[derive(Debug, Clone)]
pub struct HeardSegment {
    /// The stretch.
    pub spoken: SpokenSegment,
    /// How likely it was silent, 0 to 1.
    pub silent: Option<f64>,
}

/// A stretch in which somebody spoke.
#[derive(Debug, Clone, PartialEq)]
pub struct SpokenSegment {
    /// Seconds from the beginning of the audio.
    pub start: f64,
    /// Seconds from the beginning of the audio.
    pub end: f64,
    /// What was said.
    pub text: Transcript,
}

/// What was said in a piece of audio.
#[derive(Debug, Clone, PartialEq)]
pub enum Transcription {
    /// Nobody spoke.
    Silence,
    /// Somebody did.
    Speech {
        /// Everything.
        text: Transcript,
        /// In which language, where that is known.
        language: Option<LanguageTag>,
        /// Stretch by stretch, where that is known.
        segments: Vec<SpokenSegment>,
    },
}

impl Transcription {
    /// What counts of what was heard: no text of a stretch that was likely silent, and no text at all that stands on no
    /// stretch, unless the machine says by name that somebody spoke.
    ///
    /// # Errors
    /// [`InvalidText::TooLong`] when all stretches together are more than a transcript holds.
    pub fn of(heard: HeardSpeech) -> Result<Self, InvalidText> {
        let HeardSpeech { text, silent, segments, language } = heard;
        let told = segments.is_some();
        let all = segments.unwrap_or_default();
        let count = all.len();
        let spoken = |one: HeardSegment| one.silent.is_none_or(|silent| silent < SILENT).then_some(one.spoken);
        let segments: Vec<SpokenSegment> = all.into_iter().filter_map(spoken).collect();
        let nothing_stands = segments.is_empty() && told && (count > 0 || silent.is_none());
        if silent == Some(true) || nothing_stands {
            return Ok(Self::Silence);
        }
        let whole = text.filter(|_| segments.len() == count);
        let text = match whole {
            Some(text) => text,
            None if segments.is_empty() => return Ok(Self::Silence),
            None => {
                let texts: Vec<&str> = segments.iter().map(|segment| segment.text.as_str().trim()).collect();
                Transcript::parse(texts.join(" "))?
            }
        };
        Ok(Self::Speech { text, language, segments })
    }
}
