//! Logos for a page of a few kilobytes: redrawn from their pixels, as large as fits.

use async_trait::async_trait;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, GenericImageView, Rgb, RgbImage};
use vcare_app::ports::{Logo, LogoFault, LogoResizer, MAX_LOGO_BYTES};
use vcare_domain::{MediaType, RejectReason};

use crate::inspector::{Format, picture_format};
use crate::picture;

/// The longest sides that are tried, in pixels. The page shows a logo about 48 high, on screens with two pixels for one.
const SIDES: [u32; 6] = [128, 96, 72, 56, 40, 28];
/// The worst quality of a JPEG that still looks like a logo.
const QUALITY: u8 = 60;

/// Makes small copies of logos, on a thread of their own.
#[derive(Debug, Default)]
pub struct SmallLogos;

/// SVG is left out: it is a document that can hold scripts, and our copy becomes part of our page.
fn format_of(file: &[u8]) -> Result<Format, LogoFault> {
    picture_format(file).ok_or(LogoFault::NotAPicture)
}

fn press(file: &[u8]) -> Result<Logo, LogoFault> {
    let picture = picture::open(format_of(file)?, file).map_err(|reason| match reason {
        RejectReason::TooManyPixels => LogoFault::TooLarge,
        _ => LogoFault::NotAPicture,
    })?;
    let (width, height) = picture.dimensions();
    for side in SIDES.into_iter().filter(|side| *side <= width.max(height).max(SIDES[SIDES.len() - 1])) {
        let small = match width.max(height) > side {
            true => picture.thumbnail(side, side),
            false => picture.clone(),
        };
        for (media_type, bytes) in [(MediaType::Png, as_png(&small)), (MediaType::Jpeg, as_jpeg(&small))] {
            let bytes = bytes?;
            if bytes.len() <= MAX_LOGO_BYTES {
                return Ok(Logo { media_type, bytes });
            }
        }
    }
    Err(LogoFault::TooLarge)
}

fn as_png(picture: &DynamicImage) -> Result<Vec<u8>, LogoFault> {
    let mut written = Vec::new();
    let encoder = PngEncoder::new_with_quality(&mut written, CompressionType::Best, FilterType::Adaptive);
    let encoded = match picture.color().has_alpha() {
        true => picture.to_rgba8().write_with_encoder(encoder),
        false => picture.to_rgb8().write_with_encoder(encoder),
    };
    encoded.map_err(|_| LogoFault::NotAPicture)?;
    Ok(written)
}

/// On white, as the page has it behind a logo: a JPEG has nothing transparent.
fn as_jpeg(picture: &DynamicImage) -> Result<Vec<u8>, LogoFault> {
    let picture = picture.to_rgba8();
    let on_white = RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue, alpha] = picture.get_pixel(x, y).0;
        let over = |channel: u8| {
            let mixed = (u16::from(channel) * u16::from(alpha) + 255 * (255 - u16::from(alpha))) / 255;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Rgb([over(red), over(green), over(blue)])
    });
    let mut written = Vec::new();
    let encoded = on_white.write_with_encoder(JpegEncoder::new_with_quality(&mut written, QUALITY));
    encoded.map_err(|_| LogoFault::NotAPicture)?;
    Ok(written)
}

#[async_trait]
impl LogoResizer for SmallLogos {
    async fn resize(&self, file: Vec<u8>) -> Result<Logo, LogoFault> {
        // A decoder that panics ends no process.
        let pressed = tokio::task::spawn_blocking(move || press(&file)).await;
        pressed.map_err(|_| LogoFault::NotAPicture)?
    }
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Rgba, RgbaImage};

    use super::*;

    /// A picture in which no two pixels are alike: nothing packs it.
    fn noise(side: u32) -> DynamicImage {
        let mut seed = 1_u32;
        let mut next = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            u8::try_from(seed >> 24).unwrap_or(0)
        };
        RgbaImage::from_fn(side, side, |_, _| Rgba([next(), next(), next(), 255])).into()
    }

    fn plain(width: u32, height: u32) -> DynamicImage {
        RgbaImage::from_fn(width, height, |x, _| if x % 40 < 20 { Rgba([10, 95, 79, 255]) } else { Rgba([0; 4]) })
            .into()
    }

    fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn every_copy_fits_and_is_a_picture_redrawn() {
        for (what, picture) in [("plain", plain(600, 300)), ("noise", noise(400)), ("one pixel", plain(1, 1))] {
            for format in [ImageFormat::Png, ImageFormat::WebP] {
                let mut file = written(&picture, format);
                file.extend_from_slice(b"<script>alert(1)</script>");
                let logo = press(&file).unwrap();
                assert!(logo.bytes.len() <= MAX_LOGO_BYTES, "{what}: {} bytes", logo.bytes.len());
                assert!(!logo.bytes.windows(7).any(|part| part == b"<script"), "{what}");
                assert!(picture_format(&logo.bytes).is_some(), "{what}");
                let copy = image::load_from_memory(&logo.bytes).unwrap();
                assert!(copy.width() <= 128 && copy.height() <= 128, "{what}");
            }
        }
        assert_eq!(press(&written(&plain(600, 300), ImageFormat::Png)).unwrap().media_type, MediaType::Png);
    }

    #[test]
    fn what_is_no_picture_is_refused_whatever_it_says_that_it_is() {
        for file in [
            &b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"[..],
            b"<html>",
            b"",
            b"GIF89a",
            b"\x89PNG\r\n\x1A\n but no more",
            b"\xFF\xD8\xFF",
        ] {
            assert_eq!(press(file), Err(LogoFault::NotAPicture));
        }
    }
}
