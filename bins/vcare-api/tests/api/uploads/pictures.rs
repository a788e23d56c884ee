//! Pictures as phones take them, made here.

use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, Rgb, RgbImage};

/// What no picture that is shown may hold.
pub const SECRETS: [&[u8]; 3] = [b"34.5553 N 69.2075 E", b"Ahmad's phone", b"PK\x03\x04"];

/// A picture that cannot be made small: noise in colours.
fn noise(width: u32, height: u32) -> RgbImage {
    let mut state = 1_u32;
    RgbImage::from_fn(width, height, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [_, a, b, c] = state.to_be_bytes();
        Rgb([a, b, c])
    })
}

/// A photo that lies on its side, with the place, the phone's name and a comment in it.
pub fn photo(width: u32, height: u32) -> Vec<u8> {
    let mut plain = Vec::new();
    noise(width, height).write_with_encoder(JpegEncoder::new_with_quality(&mut plain, 80)).unwrap();
    let exif = exif();
    let mut photo = plain[..2].to_vec();
    for (marker, content) in [(0xE1, exif.as_slice()), (0xFE, SECRETS[0])] {
        photo.extend_from_slice(&[0xFF, marker]);
        photo.extend_from_slice(&u16::try_from(content.len() + 2).unwrap().to_be_bytes());
        photo.extend_from_slice(content);
    }
    photo.extend_from_slice(&plain[2..]);
    // An archive behind the picture: a file that is both.
    photo.extend_from_slice(SECRETS[2]);
    photo.extend_from_slice(SECRETS[1]);
    photo
}

/// Orientation 6 (the right side is up), who made it, and where.
fn exif() -> Vec<u8> {
    let maker = [SECRETS[1], SECRETS[0]].concat();
    let mut exif = b"Exif\0\0MM\0\x2A\0\0\0\x08\0\x02".to_vec();
    exif.extend_from_slice(&[0x01, 0x0F, 0, 2]);
    exif.extend_from_slice(&u32::try_from(maker.len()).unwrap().to_be_bytes());
    exif.extend_from_slice(&38_u32.to_be_bytes());
    exif.extend_from_slice(&[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0]);
    exif.extend_from_slice(&[0; 4]);
    exif.extend_from_slice(&maker);
    exif
}

/// A small picture of the same.
pub fn preview() -> Vec<u8> {
    let mut plain = Vec::new();
    noise(48, 48).write_with_encoder(JpegEncoder::new_with_quality(&mut plain, 60)).unwrap();
    plain
}

/// A PNG whose head says that it is so large, of hardly a kilobyte.
pub fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    RgbImage::new(8, 8).write_to(&mut png, ImageFormat::Png).unwrap();
    let mut png = png.into_inner();
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc32(&png[12..29]).to_be_bytes();
    png[29..33].copy_from_slice(&sum);
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 })
    })
}
