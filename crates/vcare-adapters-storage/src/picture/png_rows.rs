//! PNG: read row by row, so that none of it is in memory but two rows, unless its rows come out of order.

use std::io::Cursor;

use image::metadata::Orientation;
use png::{ColorType, Decoder, DecodingError, Limits, Reader, Transformations};
use vcare_domain::RejectReason;

use super::limits::{MAX_OPEN_BYTES, check_sides};
use super::lossless::{Layout, Source};
use super::pixels::{Pixels, View};

/// What a PNG may make us keep of what is not pixels: a palette, a key. Longer chunks are passed over.
const MAX_EXTRAS: usize = 1024 * 1024;

/// A PNG that was looked at as far as its head, and can be read as often as need be.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    bytes: &'a [u8],
    pub(super) layout: Layout,
}

type Decoding<'a> = Reader<Cursor<&'a [u8]>>;

fn decoding(bytes: &[u8], transformations: Transformations) -> Result<Decoding<'_>, RejectReason> {
    // What the decoder keeps: rows, and parts of the file.
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: 16 * MAX_EXTRAS });
    decoder.set_transformations(transformations);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.read_info().map_err(rejected)
}

fn rejected(error: DecodingError) -> RejectReason {
    match error {
        DecodingError::LimitsExceeded => RejectReason::TooManyPixels,
        _ => RejectReason::Damaged,
    }
}

/// Looks at the head.
pub(crate) fn open(bytes: &[u8]) -> Result<Source<'_>, RejectReason> {
    // Before the decoder is made, which takes memory for a row.
    let side = |at: usize| bytes.get(at..at + 4).and_then(|side| side.try_into().ok()).map(u32::from_be_bytes);
    match (bytes.get(12..16), side(16), side(20)) {
        (Some(b"IHDR"), Some(width), Some(height)) => check_sides(width, height)?,
        _ => return Err(RejectReason::Damaged),
    };
    let reader = decoding(bytes, Transformations::IDENTITY)?;
    let info = reader.info();
    let (width, height) = info.size();
    if info.color_type == ColorType::Indexed && info.palette.as_deref().is_none_or(<[u8]>::is_empty) {
        return Err(RejectReason::Damaged);
    }
    let exif = info.exif_metadata.as_deref().and_then(Orientation::from_exif_chunk);
    let orientation = exif.unwrap_or(Orientation::NoTransforms);
    let layout = Layout {
        width,
        height,
        colour: info.color_type,
        depth: info.bit_depth,
        palette: info.palette.as_deref().map(<[u8]>::to_vec),
        key: info.trns.as_deref().map(<[u8]>::to_vec),
    };
    if orientation != Orientation::NoTransforms {
        return Ok(Source::Pixels(plain(bytes, orientation)?));
    }
    if info.interlaced {
        // Without the byte before each row that says how it is filtered.
        let each_row = info.raw_row_length() as u64 - 1;
        if each_row * u64::from(height) > MAX_OPEN_BYTES {
            return Err(RejectReason::TooManyPixels);
        }
        return Ok(Source::Held { rows: whole(bytes, Transformations::IDENTITY)?.0, layout, bytes });
    }
    Ok(Source::Rows(Rows { bytes, layout }))
}

/// All rows at once, to the end of the file.
fn whole(bytes: &[u8], transformations: Transformations) -> Result<(Vec<u8>, ColorType), RejectReason> {
    let mut reader = decoding(bytes, transformations)?;
    let size = reader.output_buffer_size().ok_or(RejectReason::TooManyPixels)?;
    if size as u64 > MAX_OPEN_BYTES {
        return Err(RejectReason::TooManyPixels);
    }
    let mut rows = vec![0; size];
    let frame = reader.next_frame(&mut rows).map_err(rejected)?;
    rows.truncate(frame.buffer_size());
    reader.finish().map_err(rejected)?;
    Ok((rows, frame.color_type))
}

/// Eight bits for each channel, and no palette.
const PLAIN: Transformations = Transformations::EXPAND.union(Transformations::STRIP_16);

/// All pixels at once.
pub(super) fn plain(bytes: &[u8], orientation: Orientation) -> Result<Pixels, RejectReason> {
    let reader = decoding(bytes, PLAIN)?;
    let sides = reader.info().size();
    drop(reader);
    let (data, colour) = whole(bytes, PLAIN)?;
    pixels_of(sides, colour, data, orientation)
}

/// Grey with opacity is made red, green and blue with opacity: the only one of two channels.
fn pixels_of(
    sides: (u32, u32),
    colour: ColorType,
    data: Vec<u8>,
    orientation: Orientation,
) -> Result<Pixels, RejectReason> {
    if colour != ColorType::GrayscaleAlpha {
        return Pixels::new(sides, colour.samples(), data, orientation);
    }
    if data.len() as u64 * 3 > MAX_OPEN_BYTES {
        return Err(RejectReason::TooManyPixels);
    }
    let four = data.chunks_exact(2).flat_map(|pixel| [pixel[0], pixel[0], pixel[0], pixel[1]]).collect();
    Pixels::new(sides, 4, four, orientation)
}

impl Rows<'_> {
    /// Hands out each row as the file has it, and reads on to the end of the file.
    pub(super) fn each(&self, mut row: impl FnMut(&[u8]) -> Result<(), RejectReason>) -> Result<(), RejectReason> {
        let mut reader = decoding(self.bytes, Transformations::IDENTITY)?;
        for _ in 0..self.layout.height {
            row(reader.next_row().map_err(rejected)?.ok_or(RejectReason::Damaged)?.data())?;
        }
        reader.finish().map_err(rejected)
    }

    /// The pixels with eight bits for each channel, each of them the mean of a square: `square` is 1 for all of them. Without
    /// opacity when that is of no use.
    pub(super) fn pixels(&self, square: usize, opaque: bool) -> Result<Pixels, RejectReason> {
        let mut reader = decoding(self.bytes, PLAIN)?;
        let (width, height) = reader.info().size();
        let (colour, _) = reader.output_color_type();
        let channels = match (colour, opaque) {
            (ColorType::Grayscale, _) | (ColorType::GrayscaleAlpha, true) => 1,
            (ColorType::Rgba | ColorType::GrayscaleAlpha, false) => 4,
            _ => 3,
        };
        let (few, low) = (width.div_ceil(to_u32(square)), height.div_ceil(to_u32(square)));
        if u64::from(few) * u64::from(low) * channels as u64 > MAX_OPEN_BYTES {
            return Err(RejectReason::TooManyPixels);
        }
        let mut data = Vec::with_capacity(few as usize * low as usize * channels);
        for top in (0..height).step_by(square) {
            let count = (height - top).min(to_u32(square));
            let mut rows = Vec::with_capacity(width as usize * count as usize * channels);
            for _ in 0..count {
                let row = reader.next_row().map_err(rejected)?.ok_or(RejectReason::Damaged)?;
                for pixel in row.data().chunks_exact(colour.samples()) {
                    match (pixel, channels) {
                        ([grey, opacity], 4) => rows.extend_from_slice(&[*grey, *grey, *grey, *opacity]),
                        _ => rows.extend_from_slice(&pixel[..channels]),
                    }
                }
            }
            if square == 1 {
                data.extend_from_slice(&rows);
                continue;
            }
            let strip = Pixels::new((width, count), channels, rows, Orientation::NoTransforms)?;
            let from = data.len();
            data.resize(from + few as usize * channels, 0);
            View::of(&strip).smaller(square).row(0, &mut data[from..]);
        }
        reader.finish().map_err(rejected)?;
        Pixels::new((few, low), channels, data, Orientation::NoTransforms)
    }
}

fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
