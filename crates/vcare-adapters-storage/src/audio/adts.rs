//! AAC as frames one behind the other (ADTS), as recorders write that cannot go back. Browsers play it, but cannot say how
//! long it is nor seek in it, and some tell it from MP3 by nothing but its name: the frames are put into M4A as they are.

use vcare_domain::{MediaType, RejectReason};

use super::mp4::{Aac, head_of_mp4};
use super::take;

/// Rates by index.
const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// Whether this looks like a frame.
pub(super) fn begins(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0xFF) && bytes.get(1).is_some_and(|byte| byte & 0xF6 == 0xF0)
}

/// What the head of a frame says.
struct Head {
    /// What must be the same in all frames: profile, rate, channels.
    kind: (u8, u8, u8),
    /// How long the head is.
    length: usize,
    /// How long both are.
    whole: usize,
    blocks: u8,
}

fn head(file: &[u8]) -> Option<Head> {
    let head = file.first_chunk::<7>()?;
    begins(head).then_some(())?;
    let kind = (head[2] >> 6, head[2] >> 2 & 15, (head[2] & 1) << 2 | head[3] >> 6);
    let whole = usize::from(head[3] & 3) << 11 | usize::from(head[4]) << 3 | usize::from(head[5] >> 5);
    // A checksum stands behind the head, unless a bit says that there is none.
    let length = if head[1] & 1 == 1 { 7 } else { 9 };
    Some(Head { kind, length, whole, blocks: head[6] & 3 })
}

/// The frame that begins here: its head, and its sound. A line that was cut in the middle of one: the frame is left out.
fn frame<'a>(file: &mut &'a [u8]) -> Option<(Head, &'a [u8])> {
    let head = head(file)?;
    let mut rest = *file;
    let sound = take(&mut rest, head.whole)?.get(head.length..)?;
    *file = rest;
    Some((head, sound))
}

pub(super) fn rewrite(mut bytes: &[u8]) -> Result<(MediaType, Vec<u8>), RejectReason> {
    let file = &mut bytes;
    let first = head(file).ok_or(RejectReason::Damaged)?;
    let (profile, rate, channels) = first.kind;
    // LC, also below HE-AAC; one channel or two. Several blocks in a frame are allowed, and nobody writes them.
    if profile != 1 || !matches!(channels, 1 | 2) || first.blocks != 0 {
        return Err(RejectReason::UnknownType);
    }
    let hertz = RATES.get(usize::from(rate)).copied().ok_or(RejectReason::Damaged)?;
    // Object type, rate and channels, and nothing else: 5, 4 and 4 bits.
    let config = (2_u16 << 11 | u16::from(rate) << 7 | u16::from(channels) << 3).to_be_bytes();
    let mut aac = Aac { hertz, channels, config, sizes: Vec::new() };
    let start = *file;
    while let Some((head, sound)) = frame(file) {
        if head.kind != first.kind || head.blocks != 0 || sound.is_empty() {
            return Err(RejectReason::Damaged);
        }
        aac.sizes.push(u32::try_from(sound.len()).map_err(|_| RejectReason::Damaged)?);
    }
    // As with MP3: two bytes that look like a frame are found in anything.
    let behind = file.is_empty() || file.starts_with(b"TAG") || head(file).is_some();
    if aac.sizes.len() < 3 || !behind {
        return Err(RejectReason::Damaged);
    }
    let mut written = head_of_mp4(&aac).ok_or(RejectReason::Damaged)?;
    let mut frames = start;
    while let Some((_, sound)) = frame(&mut frames) {
        written.extend_from_slice(sound);
    }
    Ok((MediaType::M4a, written))
}
