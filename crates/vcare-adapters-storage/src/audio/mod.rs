//! Voice notes. Which codec is in them decides, not which file is around it.
//!
//! What browsers play keeps its sound bit by bit, and the file around it is rewritten from the parts that are known. What
//! phones record and browsers do not play is decoded and written down as Opus, packet by packet; Opus and AAC in a file that
//! not all browsers open are put into one that they do. Anything else is refused: nothing is shown that nobody can hear.
//!
//! Titles, places and devices stand in parts of their own in each of these formats, and so does what somebody hides in one.
//! A part that is not needed to play the sound is left out, and what cannot be read to its end is no voice note.

mod adts;
mod amr;
mod decoders;
mod mp3;
mod mp4;
mod ogg;
mod opus;
mod resample;
mod vorbis;
mod wav;
mod webm;

use std::panic::{UnwindSafe, catch_unwind};

use vcare_domain::{MAX_UPLOAD_BYTES, MediaType, RejectReason};

/// What is around the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    /// Nothing: frames of MP3 or AAC, one after the other.
    Frames,
    Mp4,
    Ogg,
    Wav,
    Webm,
    Amr,
}

/// Whether this begins like a frame of MP3 or AAC, with or without a checksum.
pub(crate) fn frames_begin(bytes: &[u8]) -> bool {
    mp3::begins(bytes) || adts::begins(bytes)
}

/// By the first bytes.
pub(crate) fn container(bytes: &[u8]) -> Option<Container> {
    let at = |from: usize, text: &[u8]| bytes.get(from..).is_some_and(|rest| rest.starts_with(text));
    if at(0, b"RIFF") && at(8, b"WAVE") {
        Some(Container::Wav)
    } else if at(0, b"OggS") {
        Some(Container::Ogg)
    } else if at(0, b"\x1A\x45\xDF\xA3") {
        Some(Container::Webm)
    } else if at(4, b"ftyp") {
        Some(Container::Mp4)
    } else if amr::begins(bytes) {
        Some(Container::Amr)
    } else if at(0, b"ID3") || frames_begin(bytes) {
        Some(Container::Frames)
    } else {
        None
    }
}

/// Rewrites a voice note.
pub(crate) fn rewrite(container: Container, bytes: &[u8]) -> Result<(MediaType, Vec<u8>), RejectReason> {
    let (media_type, written) = match container {
        Container::Frames => {
            let frames = mp3::untagged(bytes).ok_or(RejectReason::Damaged)?;
            if adts::begins(frames) { adts::rewrite(frames) } else { mp3::rewrite(frames) }
        }
        Container::Mp4 => mp4::rewrite(bytes),
        Container::Ogg => ogg::rewrite(bytes),
        Container::Wav => wav::rewrite(bytes),
        Container::Webm => webm::rewrite(bytes),
        Container::Amr => amr::rewrite(bytes),
    }?;
    // A file around the same sound may be larger than the one it came in.
    if written.len() > MAX_UPLOAD_BYTES as usize {
        return Err(RejectReason::TooLong);
    }
    Ok((media_type, written))
}

/// Has the code of others decode what strangers have sent. Where it panics, the note is damaged: what one of them trips over
/// is no reason to try the note five times.
fn decoded(
    work: impl FnOnce() -> Result<Vec<u8>, RejectReason> + UnwindSafe,
) -> Result<(MediaType, Vec<u8>), RejectReason> {
    let written = catch_unwind(work).unwrap_or(Err(RejectReason::Damaged))?;
    Ok((MediaType::Ogg, written))
}

/// Takes `count` bytes from the front.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (front, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(front)
}

fn take_array<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    take(bytes, N)?.try_into().ok()
}
