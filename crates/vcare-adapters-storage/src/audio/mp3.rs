//! MPEG audio, layer III: frame by frame; tags in front and behind are left out.

use vcare_domain::{MediaType, RejectReason};

use super::take;

/// Kilobits a second by index: MPEG 1, and MPEG 2 and 2.5.
const RATES: [[u32; 15]; 2] = [
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// Whether this looks like a frame of layer III.
pub(super) fn begins(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0xFF) && bytes.get(1).is_some_and(|byte| byte & 0xE6 == 0xE2)
}

/// What stands behind the tags that may be in front of frames.
pub(super) fn untagged(mut bytes: &[u8]) -> Option<&[u8]> {
    let file = &mut bytes;
    while file.starts_with(b"ID3") {
        let head = take(file, 10)?;
        let size = head
            .get(6..10)?
            .iter()
            .try_fold(0_usize, |size, byte| (*byte < 0x80).then_some(size << 7 | usize::from(*byte)))?;
        let footer = if head.get(5)? & 0x10 == 0 { 0 } else { 10 };
        take(file, size + footer)?;
    }
    // Some writers leave zeros behind their tag.
    while file.first() == Some(&0) {
        take(file, 1)?;
    }
    Some(bytes)
}

/// The length of the frame that begins here.
fn frame(head: &[u8]) -> Option<usize> {
    let [first, second, third, fourth] = *head.first_chunk::<4>()?;
    let version = second >> 3 & 3;
    let is_frame = first == 0xFF && second >> 5 == 7 && version != 1 && second >> 1 & 3 == 1 && fourth & 3 != 2;
    is_frame.then_some(())?;
    let mpeg1 = version == 3;
    let rate = *RATES.get(usize::from(!mpeg1))?.get(usize::from(third >> 4)).filter(|rate| **rate > 0)?;
    let hertz = [44_100_u32, 48_000, 32_000].get(usize::from(third >> 2 & 3))? >> [2, 0, 1, 0][usize::from(version)];
    let samples = if mpeg1 { 144_000 } else { 72_000 };
    let length = samples * rate / hertz + u32::from(third >> 1 & 1);
    usize::try_from(length).ok()
}

pub(super) fn rewrite(bytes: &[u8]) -> Result<(MediaType, Vec<u8>), RejectReason> {
    // Behind a tag there may be something else: layers I and II, which not all browsers play, or FLAC.
    let other_layer = bytes.first() == Some(&0xFF) && bytes.get(1).is_some_and(|byte| byte & 0xE0 == 0xE0);
    if bytes.starts_with(b"fLaC") || (other_layer && !begins(bytes)) {
        return Err(RejectReason::UnknownType);
    }
    Ok((MediaType::Mp3, frames(bytes).ok_or(RejectReason::Damaged)?))
}

fn frames(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let file = &mut bytes;
    let mut written = Vec::with_capacity(file.len());
    let mut frames = 0_u32;
    while let Some(length) = frame(file) {
        // A line that was cut in the middle of a frame: the frame is left out.
        let Some(sound) = take(file, length) else { break };
        written.extend_from_slice(sound);
        frames += 1;
    }
    // Two bytes that look like a frame are found in anything; a row of them is not.
    let behind = file.is_empty() || file.starts_with(b"TAG") || file.starts_with(b"APETAGEX") || frame(file).is_some();
    (frames >= 3 && behind).then_some(written)
}
