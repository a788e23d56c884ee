//! Voice notes: the sound stays as it is, bit by bit; the file around it is written anew from the parts that are known.
//!
//! Titles, places and devices stand in parts of their own in each of these formats, and so does what somebody hides in one.
//! A part that is not needed to play the sound is left out, and what cannot be read to its end is no voice note.

mod mp3;
mod mp4;
mod ogg;
mod wav;
mod webm;

use vcare_domain::{MediaType, RejectReason};

/// Writes a voice note anew.
pub(crate) fn write_anew(media_type: MediaType, bytes: &[u8]) -> Result<Vec<u8>, RejectReason> {
    let written = match media_type {
        MediaType::Mp3 => mp3::write_anew(bytes),
        MediaType::M4a => return mp4::write_anew(bytes),
        MediaType::Ogg => ogg::write_anew(bytes),
        MediaType::Wav => wav::write_anew(bytes),
        MediaType::Webm => return webm::write_anew(bytes),
        MediaType::Jpeg | MediaType::Png => None,
    };
    written.ok_or(RejectReason::Damaged)
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
