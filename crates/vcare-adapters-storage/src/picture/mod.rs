//! Pictures: decoded within limits, and rewritten from their pixels alone.

mod jpeg;
mod limits;
mod lossless;
mod pixels;
mod png_rows;
mod webp;

use image::DynamicImage;
use vcare_domain::{MediaType, RejectReason};

use crate::inspector::Format;
use jpeg::Quality;
pub(crate) use limits::most_written;
use pixels::{Pixels, View};

/// Rewrites a picture, upright, without a byte of what came with it: no place, no device, no comment, nothing behind its
/// end. What was lossless stays so as long as it fits; a WebP becomes a JPEG, or a PNG when parts of it are transparent.
pub(crate) fn rewrite(format: Format, bytes: &[u8]) -> Result<(MediaType, Vec<u8>), RejectReason> {
    let most = most_written(bytes.len());
    match format {
        Format::Jpeg => {
            let (pixels, quality) = jpeg::open(bytes)?;
            let view = View::of(&pixels);
            let quality = if view.is_turned() { quality.turned() } else { quality };
            Ok((MediaType::Jpeg, jpeg::write(view, &quality, bytes.len(), most)?))
        }
        Format::Png => lossless::write(png_rows::open(bytes)?, most),
        Format::Webp => {
            let pixels = webp::open(bytes)?;
            match pixels.channels {
                4 => lossless::write(lossless::Source::Pixels(pixels), most),
                _ => Ok((MediaType::Jpeg, jpeg::write(View::of(&pixels), &Quality::best(), most, most)?)),
            }
        }
    }
}

/// The pixels of a picture, upright.
pub(crate) fn open(format: Format, bytes: &[u8]) -> Result<DynamicImage, RejectReason> {
    let pixels: Pixels = match format {
        Format::Jpeg => jpeg::open(bytes)?.0,
        Format::Png => png_rows::open(bytes)?.into_pixels()?,
        Format::Webp => webp::open(bytes)?,
    };
    pixels.into_image()
}
