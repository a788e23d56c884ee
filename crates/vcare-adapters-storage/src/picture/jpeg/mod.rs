//! JPEG: looked at whether it is whole, decoded, and written with no more care than it came with.

mod bits;
mod huffman;
mod markers;
mod quality;
mod scans;
mod transform;
mod write;

use vcare_domain::RejectReason;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

pub(crate) use quality::Quality;

use super::limits::{COEFFICIENT_BYTES, MAX_OPEN_BYTES, MAX_SIDE, check_sides};
use super::pixels::{Pixels, View};
use markers::Walk;
use write::Counted;

/// The pixels, and the quality they came with.
pub(crate) fn open(bytes: &[u8]) -> Result<(Pixels, Quality), RejectReason> {
    let (walk, frame) = Walk::begin(bytes)?;
    let pixels = check_sides(frame.width, frame.height)?;
    let channels = if frame.components.len() == 1 { 1 } else { 3 };
    if frame.is_odd() || (walk.several_sequential_scans() && frame.is_sampled()) {
        return Err(RejectReason::Damaged);
    }
    let coefficients = match frame.progressive || walk.several_sequential_scans() {
        true => frame.blocks() * 64 * COEFFICIENT_BYTES,
        false => 0,
    };
    if pixels * channels + coefficients > MAX_OPEN_BYTES {
        return Err(RejectReason::TooManyPixels);
    }
    let (orientation, quality) = (walk.orientation, Quality::of(&walk, &frame));
    walk.check()?;

    let colours = if channels == 1 { ColorSpace::Luma } else { ColorSpace::RGB };
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(colours)
        .set_strict_mode(false)
        .set_max_width(MAX_SIDE as usize)
        .set_max_height(MAX_SIDE as usize);
    let mut data = vec![0; usize::try_from(pixels * channels).map_err(|_| RejectReason::TooManyPixels)?];
    JpegDecoder::new_with_options(ZCursor::new(bytes), options).decode_into(&mut data).map_err(rejected)?;
    let channels = usize::try_from(channels).unwrap_or(3);
    Ok((Pixels::new((frame.width, frame.height), channels, data, orientation)?, quality))
}

fn rejected(error: DecodeErrors) -> RejectReason {
    match error {
        DecodeErrors::LargeDimensions(_) => RejectReason::TooManyPixels,
        _ => RejectReason::Damaged,
    }
}

/// How much coarser it is tried, in hundredths, before a picture becomes larger than it came.
const COARSER: [u32; 2] = [125, 160];
/// How much coarser it is when it must be small, before it is made smaller.
const COARSEST: u32 = 250;

/// Writes a picture in at most `wished` bytes if a little less quality does it, and in at most `most` bytes whatever it takes.
pub(crate) fn write(view: View<'_>, quality: &Quality, wished: usize, most: usize) -> Result<Vec<u8>, RejectReason> {
    let view = view.without_opacity();
    let mut counted = Counted::of(view, quality);
    for percent in COARSER {
        // What is far too much is not counted once more for a little less, nor what has next to nothing but its codes.
        let before = counted.bytes();
        if before <= wished || before > wished * 2 {
            break;
        }
        counted = Counted::of(view, &quality.coarser(percent));
        if counted.bytes() > before - before / 100 {
            break;
        }
    }
    let mut square = 1;
    loop {
        if let Some(written) = counted.write(most) {
            return Ok(written);
        }
        if square > MAX_SIDE as usize {
            return Err(RejectReason::TooManyPixels);
        }
        counted = Counted::of(view.smaller(square), &quality.coarser(COARSEST));
        square *= 2;
    }
}
