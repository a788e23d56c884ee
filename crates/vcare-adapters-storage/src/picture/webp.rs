//! WebP: the first picture of an animation, or the only one.

use std::io::Cursor;

use image::codecs::webp::WebPDecoder;
use image::error::ImageError;
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, Limits};
use vcare_domain::RejectReason;

use super::limits::{LAYERED_WEBP_BYTES, LOSSLESS_WEBP_BYTES, LOSSY_WEBP_BYTES, MAX_OPEN_BYTES, MAX_SIDE, check_sides};
use super::pixels::Pixels;

/// The pixels, with opacity when the file says that it has some.
pub(crate) fn open(bytes: &[u8]) -> Result<Pixels, RejectReason> {
    check_whole(bytes)?;
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(rejected)?;
    let (width, height) = decoder.dimensions();
    let pixels = check_sides(width, height)?;
    let colour = decoder.color_type();
    let each = match bytes.get(12..16) {
        Some(b"VP8X") if decoder.has_animation() || colour == ColorType::Rgba8 => LAYERED_WEBP_BYTES,
        Some(b"VP8 ") => LOSSY_WEBP_BYTES,
        _ => LOSSLESS_WEBP_BYTES,
    };
    if pixels * each > MAX_OPEN_BYTES {
        return Err(RejectReason::TooManyPixels);
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_OPEN_BYTES);
    decoder.set_limits(limits).map_err(rejected)?;
    // What says which side is up may be nonsense, and the picture good.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut data = vec![0; usize::try_from(decoder.total_bytes()).map_err(|_| RejectReason::TooManyPixels)?];
    decoder.read_image(&mut data).map_err(rejected)?;
    Pixels::new((width, height), if colour == ColorType::Rgba8 { 4 } else { 3 }, data, orientation)
}

/// Each chunk must be there to its last byte: the decoder takes what is missing for zeros.
fn check_whole(bytes: &[u8]) -> Result<(), RejectReason> {
    let length = |at: usize| -> Option<usize> {
        let length: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(length)).ok()
    };
    let end = length(4).and_then(|length| length.checked_add(8)).ok_or(RejectReason::Damaged)?;
    let mut at = 12_usize;
    while at + 8 <= end {
        let next = length(at + 4).and_then(|length| length.checked_add(at + 8)).ok_or(RejectReason::Damaged)?;
        if next > bytes.len() {
            return Err(RejectReason::Damaged);
        }
        // Whose length is odd is followed by a byte of nothing. Some programs forget the last.
        at = next + next % 2;
    }
    if at <= 12 || bytes.len() + 1 < end { Err(RejectReason::Damaged) } else { Ok(()) }
}

fn rejected(error: ImageError) -> RejectReason {
    match error {
        ImageError::Limits(_) => RejectReason::TooManyPixels,
        _ => RejectReason::Damaged,
    }
}
