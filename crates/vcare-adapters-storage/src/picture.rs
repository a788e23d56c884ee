//! Pictures: decoded within limits, and written anew from their pixels alone.

use std::io::Cursor;

use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::codecs::png::{CompressionType, FilterType, PngDecoder, PngEncoder};
use image::codecs::webp::WebPDecoder;
use image::error::ImageError;
use image::{DynamicImage, ImageDecoder, Limits};
use vcare_domain::{MediaType, RejectReason};

use crate::inspector::{Format, MAX_DECODING_BYTES, MAX_PIXELS, MAX_SIDE};

/// What the eye does not tell from the photo that was taken.
const QUALITY: u8 = 90;

/// Writes a picture anew, upright, without a byte of what came with it: no place, no device, no comment, nothing behind its
/// end. What was lossless stays so; a WebP becomes a JPEG, or a PNG when parts of it are transparent.
pub(crate) fn write_anew(format: Format, bytes: &[u8]) -> Result<(MediaType, Vec<u8>), RejectReason> {
    let picture = open(format, bytes)?;
    let lossless = format == Format::Png || picture.color().has_alpha();
    if lossless { as_png(picture) } else { as_jpeg(picture) }
}

/// The pixels of a picture, upright.
pub(crate) fn open(format: Format, bytes: &[u8]) -> Result<DynamicImage, RejectReason> {
    let from = Cursor::new(bytes);
    match format {
        Format::Jpeg => decode(JpegDecoder::new(from).map_err(told)?),
        Format::Png => decode(PngDecoder::with_limits(from, limits()).map_err(told)?),
        Format::Webp => decode(WebPDecoder::new(from).map_err(told)?),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODING_BYTES);
    limits
}

/// The sides are known from the head: a bomb is refused before a pixel of it is unpacked.
fn decode(mut decoder: impl ImageDecoder) -> Result<DynamicImage, RejectReason> {
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(RejectReason::Damaged);
    }
    let too_large = width > MAX_SIDE || height > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS;
    if too_large || decoder.total_bytes() > MAX_DECODING_BYTES {
        return Err(RejectReason::TooManyPixels);
    }
    decoder.set_limits(limits()).map_err(told)?;
    // What says which side is up may be nonsense, and the picture good.
    let orientation = decoder.orientation().ok();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(told)?;
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    Ok(picture)
}

fn told(error: ImageError) -> RejectReason {
    match error {
        ImageError::Limits(_) => RejectReason::TooManyPixels,
        _ => RejectReason::Damaged,
    }
}

fn as_jpeg(picture: DynamicImage) -> Result<(MediaType, Vec<u8>), RejectReason> {
    let mut written = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut written, QUALITY);
    let encoded = match picture {
        DynamicImage::ImageLuma8(grey) => grey.write_with_encoder(encoder),
        DynamicImage::ImageRgb8(colour) => colour.write_with_encoder(encoder),
        other => other.into_rgb8().write_with_encoder(encoder),
    };
    encoded.map_err(told)?;
    Ok((MediaType::Jpeg, written))
}

fn as_png(picture: DynamicImage) -> Result<(MediaType, Vec<u8>), RejectReason> {
    let mut written = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut written, CompressionType::Fast, FilterType::Adaptive);
    picture.write_with_encoder(encoder).map_err(told)?;
    Ok((MediaType::Png, written))
}
