//! What phones and computers record, and what a clinician gets of it.

use vcare_domain::{MediaType, RejectReason};

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Becomes {
    /// The same sound, bit by bit.
    Kept(MediaType),
    /// The same sound, decoded and written as Opus in Ogg.
    Converted,
    /// Nothing.
    Refused(RejectReason),
}

/// A file, what is in it, and what becomes of it.
pub struct Sample {
    pub name: &'static str,
    pub bytes: &'static [u8],
    pub becomes: Becomes,
    /// How long it is heard.
    pub seconds: f64,
    /// The tone in it.
    pub hertz: f64,
}

use Becomes::{Converted, Kept, Refused};

macro_rules! samples {
    ($($name:literal $seconds:literal s $hertz:literal Hz => $becomes:expr,)*) => {
        &[$(Sample {
            name: $name,
            bytes: include_bytes!(concat!("../samples/", $name)),
            becomes: $becomes,
            seconds: $seconds,
            hertz: $hertz,
        },)*]
    };
}

const UNKNOWN: Becomes = Refused(RejectReason::UnknownType);

/// Those called `note` and `frag` are older. The tones are made by ffmpeg 5.1 of Debian: `-f lavfi -i
/// sine=frequency=440:duration=0.6`, and a title, a name and a place where the format has room for them. `voice_…` come from
/// another place.
pub const SAMPLES: &[Sample] = samples! {
    "note.ogg" 0.5 s 440.0 Hz => Kept(MediaType::Ogg),
    "note.webm" 0.5 s 440.0 Hz => Kept(MediaType::Webm),
    "note.m4a" 0.5 s 440.0 Hz => Kept(MediaType::M4a),
    "frag.m4a" 0.5 s 440.0 Hz => Kept(MediaType::M4a),
    "note.mp3" 0.5 s 440.0 Hz => Kept(MediaType::Mp3),
    "note.wav" 0.5 s 440.0 Hz => Kept(MediaType::Wav),
    // Opus: Android, browsers; in MPEG-4, Chrome.
    "tone-opus.ogg" 0.6 s 440.0 Hz => Kept(MediaType::Ogg),
    "tone-opus.webm" 0.6 s 440.0 Hz => Kept(MediaType::Webm),
    "tone-opus.mp4" 0.6 s 440.0 Hz => Kept(MediaType::Ogg),
    "tone-opus-fragments.mp4" 0.6 s 440.0 Hz => Kept(MediaType::Ogg),
    // AAC: phones.
    "tone-aac.m4a" 0.6 s 440.0 Hz => Kept(MediaType::M4a),
    "tone-aac-fragments.m4a" 0.6 s 440.0 Hz => Kept(MediaType::M4a),
    "tone-aac.mov" 0.6 s 440.0 Hz => Kept(MediaType::M4a),
    // Frames alone do not say how much of the first and last of them is not sound.
    "tone.aac" 0.7 s 440.0 Hz => Kept(MediaType::M4a),
    "tone-id3.aac" 0.7 s 440.0 Hz => Kept(MediaType::M4a),
    "tone.mp3" 0.6 s 440.0 Hz => Kept(MediaType::Mp3),
    // WAV as browsers play it.
    "tone-8.wav" 0.6 s 440.0 Hz => Kept(MediaType::Wav),
    "tone-16.wav" 0.6 s 440.0 Hz => Kept(MediaType::Wav),
    "tone-24.wav" 0.6 s 440.0 Hz => Kept(MediaType::Wav),
    "tone-float.wav" 0.6 s 440.0 Hz => Kept(MediaType::Wav),
    // WAV as they do not, or not all of them.
    "tone-32.wav" 0.6 s 440.0 Hz => Converted,
    "tone-double.wav" 0.6 s 440.0 Hz => Converted,
    // Packed in blocks of a quarter of a second, the last of them filled up.
    "tone-ima.wav" 0.765 s 440.0 Hz => Converted,
    "tone-ima-stereo.wav" 0.6 s 440.0 Hz => Converted,
    "voice_adpcm_300ms.wav" 0.3 s 300.0 Hz => Converted,
    "tone-ms.wav" 0.765 s 440.0 Hz => Converted,
    "tone-mulaw.wav" 0.6 s 440.0 Hz => Converted,
    "tone-alaw.wav" 0.6 s 440.0 Hz => Converted,
    // Older recorders, and Apple's.
    "tone-vorbis.ogg" 0.6 s 440.0 Hz => Converted,
    "tone-vorbis-stereo.ogg" 0.6 s 440.0 Hz => Converted,
    "tone-alac.m4a" 0.6 s 440.0 Hz => Converted,
    "tone-alac-stereo.m4a" 0.6 s 440.0 Hz => Converted,
    // Cheap phones.
    "tone-amr-nb.3gp" 0.6 s 440.0 Hz => Converted,
    "tone-amr-wb.3gp" 0.6 s 440.0 Hz => Converted,
    "voice_amr_300ms.3gp" 0.3 s 300.0 Hz => Converted,
    "tone-nb.amr" 0.6 s 440.0 Hz => Converted,
    "tone-wb.amr" 0.6 s 440.0 Hz => Converted,
    "tone-dtx.amr" 1.2 s 440.0 Hz => Converted,
    // Sound in a file that is known, in a codec that is not.
    "tone-flac.ogg" 0.6 s 440.0 Hz => UNKNOWN,
    "tone-speex.ogg" 0.6 s 440.0 Hz => UNKNOWN,
    "tone-vorbis.webm" 0.6 s 440.0 Hz => UNKNOWN,
    "tone-gsm.wav" 0.6 s 440.0 Hz => UNKNOWN,
    "tone-ac3.mp4" 0.6 s 440.0 Hz => UNKNOWN,
    "tone-mp3.mp4" 0.6 s 440.0 Hz => UNKNOWN,
    "tone.mp2" 0.6 s 440.0 Hz => UNKNOWN,
    "tone.flac" 0.6 s 440.0 Hz => UNKNOWN,
    "film.mp4" 0.6 s 440.0 Hz => UNKNOWN,
};
