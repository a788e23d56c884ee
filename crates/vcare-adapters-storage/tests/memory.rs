//! What is allocated while the worst pictures and documents are open. One test, so that nothing else is counted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::io::Write as _;

use bytes::Bytes;
use common::look_at;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage, RgbaImage};
use peak_alloc::PeakAlloc;
use vcare_app::ports::InspectError;
use vcare_domain::{MediaType, RejectReason, UploadKind};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// A worker's memory above what it has without a picture.
const MOST: usize = 150_000_000;
/// The most pixels, by a side whose half a JPEG's colours have.
const SIDES: (u32, u32) = (8_000, 5_000);

/// What becomes of it, in how many bytes, and how many were allocated at once meanwhile.
fn peak(bytes: Vec<u8>) -> (Result<(MediaType, usize), InspectError>, usize) {
    let bytes = Bytes::from(bytes);
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let shown = look_at(UploadKind::Original, bytes);
    (shown.map(|shown| (shown.media_type, shown.bytes.len())), ALLOCATED.peak_usage() - before)
}

/// Some detail, so that it is no small file, but made quickly.
fn colours((width, height): (u32, u32)) -> RgbImage {
    let row: Vec<u8> = (0..width)
        .flat_map(|x| [(x * 2 % 256) as u8, (x / 3 % 256) as u8, (x / 2 % 2 * 30 + x / 50 % 200) as u8])
        .collect();
    let mut pixels = Vec::with_capacity(row.len() * height as usize);
    for y in 0..height as usize {
        let from = y * 2 % (row.len() / 3) * 3;
        pixels.extend_from_slice(&row[from..]);
        pixels.extend_from_slice(&row[..from]);
    }
    RgbImage::from_raw(width, height, pixels).unwrap()
}

fn written(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut written = std::io::Cursor::new(Vec::new());
    picture.into().write_to(&mut written, format).unwrap();
    written.into_inner()
}

/// A JPEG of one colour, whose every block takes the fewest bits, baseline or progressive; `sampling` is brightness'.
fn flat_jpeg((width, height): (u32, u32), sampling: u32, progressive: bool, orientation: u16) -> Vec<u8> {
    let [[h1, h2], [w1, w2]] = [height, width].map(|side| u16::try_from(side).unwrap().to_be_bytes());
    let sampled = (sampling << 4 | sampling) as u8;
    let mut jpeg = b"\xFF\xD8".to_vec();
    let mut segment = |marker: u8, content: &[u8]| {
        jpeg.extend_from_slice(&[0xFF, marker]);
        jpeg.extend_from_slice(&u16::try_from(content.len() + 2).unwrap().to_be_bytes());
        jpeg.extend_from_slice(content);
    };
    segment(0xE1, &[b"Exif\0\0", &common::exif(orientation)[..]].concat());
    segment(0xDB, &[&[0][..], &[16; 64]].concat());
    let frame = [8, h1, h2, w1, w2, 3, 1, sampled, 0, 2, 0x11, 0, 3, 0x11, 0];
    segment(if progressive { 0xC2 } else { 0xC0 }, &frame);
    // One code of one bit: no difference to the block before, and nothing else in the block.
    let code = |which: u8| [&[which, 1][..], &[0; 15], &[0]].concat();
    segment(0xC4, &code(0x00));
    segment(0xC4, &code(0x10));
    segment(0xDA, &[3, 1, 0, 2, 0, 3, 0, 0, if progressive { 0 } else { 63 }, 0]);
    let units = width.div_ceil(8 * sampling) as usize * height.div_ceil(8 * sampling) as usize;
    let blocks = units * (sampling as usize * sampling as usize + 2);
    jpeg.resize(jpeg.len() + (blocks * if progressive { 1 } else { 2 }).div_ceil(8), 0);
    jpeg.extend_from_slice(b"\xFF\xD9");
    jpeg
}

/// A PNG of rows of zeros, of whatever layout.
fn flat_png(sides: (u32, u32), depth: u8, colour: u8, interlaced: bool) -> Vec<u8> {
    png(sides, depth, colour, interlaced, &[0; 1 << 20])
}

/// A PNG whose rows are each the one before plus the same noise. It packs to nothing, but only with the filter of the file.
fn noisy_png((width, height): (u32, u32), colour: u8) -> Vec<u8> {
    let mut seed = 1_u32;
    let mut row = vec![2; width as usize * if colour == 6 { 4 } else { 3 } + 1];
    for byte in &mut row[1..] {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (seed >> 24) as u8;
    }
    png((width, height), 8, colour, false, &row)
}

/// A PNG whose unpacked rows are these bytes, again and again.
fn png((width, height): (u32, u32), depth: u8, colour: u8, interlaced: bool, rows: &[u8]) -> Vec<u8> {
    let chunk = |name: &[u8; 4], content: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(name);
        crc.update(content);
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&length[..], name, content, &crc.sum().to_be_bytes()].concat()
    };
    let channels = [1, 0, 3, 1, 2, 0, 4][usize::from(colour)];
    let row = |width: u32| (width as usize * channels * usize::from(depth)).div_ceil(8) + 1;
    let size = match interlaced {
        false => row(width) * height as usize,
        true => [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
            .into_iter()
            .map(|(x, y, right, down)| row((width - x).div_ceil(right)) * (height - y).div_ceil(down) as usize)
            .sum(),
    };
    // What is only zeros is packed quickly; nothing else is of use to rows that are alike 20 kB apart.
    let packing = if rows[0] == 0 { flate2::Compression::fast() } else { flate2::Compression::default() };
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), packing);
    let mut left = size;
    while left > 0 {
        packed.write_all(&rows[..left.min(rows.len())]).unwrap();
        left -= left.min(rows.len());
    }
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, colour, 0, 0, interlaced.into()]].concat();
    let rows = packed.finish().unwrap();
    [&b"\x89PNG\r\n\x1A\n"[..], &chunk(b"IHDR", &head), &chunk(b"IDAT", &rows), &chunk(b"IEND", b"")].concat()
}

/// A document with this as its fourth object, to which its catalog leads.
fn document(object: &[u8]) -> Vec<u8> {
    const BEGIN: &[u8] = b"%PDF-1.7\n1 0 obj <</Type /Catalog /Pages 2 0 R /More 4 0 R>> endobj\n\
        2 0 obj <</Type /Pages /Kids [] /Count 0>> endobj\n4 0 obj ";
    [BEGIN, object, b" endobj\ntrailer <</Root 1 0 R>>\nstartxref\n0\n%%EOF\n"].concat()
}

/// So many small objects, packed in a stream.
fn packed_objects(count: usize) -> Vec<u8> {
    let heads: String = (10..10 + count).map(|number| format!("{number} 0 ")).collect();
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(heads.as_bytes()).unwrap();
    packed.write_all(b"null").unwrap();
    packed.write_all(&vec![b' '; (30 << 20) - heads.len()]).unwrap();
    let packed = packed.finish().unwrap();
    let head =
        format!("<</Type /ObjStm /N {count} /First {} /Filter /FlateDecode /Length {}>>\n", heads.len(), packed.len());
    [head.as_bytes(), b"stream\n", &packed, b"\nendstream"].concat()
}

#[test]
fn the_worst_pictures_and_documents_take_less_than_150_mb() {
    use MediaType::{Jpeg, Pdf, Png};
    use RejectReason::TooManyPixels;

    let mut photo = Vec::new();
    colours(SIDES).write_with_encoder(JpegEncoder::new_with_quality(&mut photo, 60)).unwrap();
    let exif = [b"Exif\0\0", &common::exif(6)[..]].concat();
    let turned = common::with_segment(&photo, 0xE1, &exif);
    let (lossless_sides, layered_sides) = ((4_096, 4_000), (3_300, 3_300));
    let lossless = written(colours(lossless_sides), ImageFormat::WebP);
    let glass =
        RgbaImage::from_fn(layered_sides.0, layered_sides.1, |x, y| image::Rgba([x as u8, y as u8, 9, (x ^ y) as u8]));
    let glass = written(glass, ImageFormat::WebP);
    let grey = written(
        GrayImage::from_fn(SIDES.0, SIDES.1, |x, y| image::Luma([((x / 64) ^ (y / 64)) as u8])),
        ImageFormat::Png,
    );
    let table: Vec<(&str, Vec<u8>, Result<MediaType, RejectReason>)> = vec![
        ("a photo of 40 megapixels, on its side", turned, Ok(Jpeg)),
        ("a photo of 41 megapixels", flat_jpeg((8_200, 5_000), 2, false, 1), Err(TooManyPixels)),
        ("a photo longer than it may be", flat_jpeg((16_392, 16), 2, false, 1), Err(TooManyPixels)),
        ("a progressive photo, as large as it may be", flat_jpeg((5_480, 4_000), 2, true, 6), Ok(Jpeg)),
        ("a progressive photo that is too large", flat_jpeg((5_600, 4_000), 2, true, 6), Err(TooManyPixels)),
        ("one in full colour, as large as it may be", flat_jpeg((3_656, 4_000), 1, true, 8), Ok(Jpeg)),
        ("one in full colour that is too large", flat_jpeg((3_704, 4_000), 1, true, 8), Err(TooManyPixels)),
        ("a PNG with opacity of 40 megapixels", flat_png(SIDES, 8, 6, false), Ok(Png)),
        ("a PNG of 40 megapixels that is grey", grey, Ok(Png)),
        ("a PNG of 40 megapixels that nobody else packs so well", noisy_png((5_000, 8_000), 2), Ok(Jpeg)),
        ("one with opacity", noisy_png((5_000, 8_000), 6), Ok(Png)),
        ("an interlaced PNG of 40 megapixels", flat_png(SIDES, 8, 2, true), Ok(Png)),
        ("an interlaced PNG, as large as it may be", flat_png((4_125, 4_000), 16, 6, true), Ok(Png)),
        ("an interlaced PNG that is too large", flat_png((4_126, 4_000), 16, 6, true), Err(TooManyPixels)),
        ("a PNG that is a small file and 268 megapixels", flat_png((16_384, 16_384), 1, 0, false), Err(TooManyPixels)),
        ("a lossless WebP, as large as it may be", lossless, Ok(Jpeg)),
        ("a lossless WebP with opacity", glass, Ok(Png)),
        ("a lossy WebP, as large as it may be", common::sample("large/lossy-26-megapixels.webp"), Ok(Jpeg)),
        (
            "a lossy WebP with opacity, as large as it may be",
            common::sample("large/lossy-glass-11-megapixels.webp"),
            Ok(Png),
        ),
        ("an animated WebP, as large as it may be", common::sample("large/animated-11-megapixels.webp"), Ok(Png)),
        ("a document that is one long list", document(&[b"[", &b"0 ".repeat(5_000_000)[..], b"]"].concat()), Ok(Pdf)),
        ("a document of long names", document(&[b"[", &b"/#41#42#43".repeat(1_000_000)[..], b"]"].concat()), Ok(Pdf)),
        ("a document of as many objects as there may be", document(&packed_objects(199_990)), Ok(Pdf)),
    ];
    for (what, bytes, expected) in table {
        let came = bytes.len();
        assert!(came <= 10 << 20, "{what}: {came} bytes are no upload");
        let (found, peak) = peak(bytes);
        let written = found.map_or(0, |(_, written)| written);
        assert_eq!(found.map(|(media_type, _)| media_type), expected.map_err(InspectError::Rejected), "{what}");
        assert!(peak < MOST, "{what}: {peak} bytes");
        assert!(written <= came.max(2 << 20), "{what}: {came} bytes became {written}");
    }
}
