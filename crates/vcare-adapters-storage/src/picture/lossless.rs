//! Pictures without loss: written as PNG as they came, and some other way when that would be too large.

use std::io::{self, Write};

use image::metadata::Orientation;
use png::{BitDepth, ColorType, Compression, Encoder, Filter};
use vcare_domain::{MediaType, RejectReason};

use super::jpeg::{self, Quality};
use super::limits::MAX_SIDE;
use super::pixels::{Pixels, View};
use super::png_rows::{self, Rows};

/// How the rows of a PNG are laid out.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) colour: ColorType,
    pub(super) depth: BitDepth,
    pub(super) palette: Option<Vec<u8>>,
    /// What is transparent: the opacity of colours of the palette, or one colour that is not seen.
    pub(super) key: Option<Vec<u8>>,
}

impl Layout {
    fn new(sides: (u32, u32), colour: ColorType) -> Self {
        Self { width: sides.0, height: sides.1, colour, depth: BitDepth::Eight, palette: None, key: None }
    }

    /// Whether a row of these colours may have something in it that shines through.
    fn shines_through(&self, row: &[u8]) -> bool {
        let opaque = |channels: usize, depth: usize| {
            row.chunks_exact(channels * depth)
                .all(|pixel| pixel[(channels - 1) * depth..].iter().all(|byte| *byte == u8::MAX))
        };
        let depth = if self.depth == BitDepth::Sixteen { 2 } else { 1 };
        match self.colour {
            ColorType::Rgba => !opaque(4, depth),
            ColorType::GrayscaleAlpha => !opaque(2, depth),
            // Which of the colours are used is not looked for.
            _ => self.key.is_some(),
        }
    }

    /// Neither palette nor key is longer than what the pixels can name.
    fn tidy(&self) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        let colours = 1_usize << (self.depth as u8).min(8);
        let first =
            |bytes: &Option<Vec<u8>>, most: usize| bytes.as_ref().map(|all| all[..all.len().min(most)].to_vec());
        match self.colour {
            ColorType::Indexed => (first(&self.palette, colours * 3), first(&self.key, colours)),
            ColorType::Grayscale => (None, first(&self.key, 2)),
            ColorType::Rgb => (None, first(&self.key, 6)),
            ColorType::GrayscaleAlpha | ColorType::Rgba => (None, None),
        }
    }
}

/// Where rows come from.
#[derive(Debug)]
pub(crate) enum Source<'a> {
    /// From a file, one by one.
    Rows(Rows<'a>),
    /// From memory, where those of an interlaced file had to go.
    Held { rows: Vec<u8>, layout: Layout, bytes: &'a [u8] },
    /// From pixels.
    Pixels(Pixels),
}

impl Source<'_> {
    /// All pixels.
    pub(crate) fn into_pixels(self) -> Result<Pixels, RejectReason> {
        match self {
            Self::Rows(rows) => rows.pixels(1, false),
            Self::Held { bytes, rows, .. } => {
                drop(rows);
                png_rows::plain(bytes, Orientation::NoTransforms)
            }
            Self::Pixels(pixels) => Ok(pixels),
        }
    }

    fn layout(&self) -> Layout {
        match self {
            Self::Rows(rows) => rows.layout.clone(),
            Self::Held { layout, .. } => layout.clone(),
            Self::Pixels(pixels) => of_view(View::of(pixels)),
        }
    }

    fn each(&self, mut row: impl FnMut(&[u8]) -> Result<(), RejectReason>) -> Result<(), RejectReason> {
        match self {
            Self::Rows(rows) => rows.each(row),
            Self::Held { rows, layout, .. } => {
                let each = rows.len() / layout.height.max(1) as usize;
                rows.chunks_exact(each.max(1)).try_for_each(row)
            }
            Self::Pixels(pixels) => each_of_view(View::of(pixels), &mut row),
        }
    }
}

fn of_view(view: View<'_>) -> Layout {
    let (width, height) = view.sides();
    let colour = match view.channels() {
        1 => ColorType::Grayscale,
        3 => ColorType::Rgb,
        _ => ColorType::Rgba,
    };
    Layout::new((u32::try_from(width).unwrap_or(u32::MAX), u32::try_from(height).unwrap_or(u32::MAX)), colour)
}

fn each_of_view(view: View<'_>, mut row: impl FnMut(&[u8]) -> Result<(), RejectReason>) -> Result<(), RejectReason> {
    let (width, height) = view.sides();
    let mut shown = vec![0; width * view.channels()];
    for y in 0..height {
        view.row(y, &mut shown);
        row(&shown)?;
    }
    Ok(())
}

/// Writes it in at most that many bytes: as it came; packed more tightly; with loss, if nothing shines through; smaller.
pub(crate) fn write(source: Source<'_>, most: usize) -> Result<(MediaType, Vec<u8>), RejectReason> {
    let layout = source.layout();
    let mut shines_through = false;
    for (nth, (compression, filter)) in [LIGHT, TIGHT].into_iter().enumerate() {
        let each = |row: &mut dyn FnMut(&[u8]) -> Result<(), RejectReason>| {
            source.each(|bytes| {
                shines_through = shines_through || (nth == 0 && layout.shines_through(bytes));
                row(bytes)
            })
        };
        if let Some(written) = png(&layout, compression, filter, most, each)? {
            return Ok((MediaType::Png, written));
        }
    }
    if !shines_through {
        let pixels = match source {
            Source::Rows(rows) => rows.pixels(1, true)?,
            other => other.into_pixels()?,
        };
        return Ok((MediaType::Jpeg, jpeg::write(View::of(&pixels), &Quality::best(), most, most)?));
    }
    // Half the sides at once: pixels of that are a quarter of what is too much.
    let (pixels, mut square) = match source {
        Source::Rows(rows) => (rows.pixels(2, false)?, 1),
        other => (other.into_pixels()?, 2),
    };
    while square <= MAX_SIDE as usize {
        let view = View::of(&pixels).smaller(square);
        let each = |row: &mut dyn FnMut(&[u8]) -> Result<(), RejectReason>| each_of_view(view, row);
        if let Some(written) = png(&of_view(view), LIGHT.0, LIGHT.1, most, each)? {
            return Ok((MediaType::Png, written));
        }
        square *= 2;
    }
    Err(RejectReason::TooManyPixels)
}

const LIGHT: (Compression, Filter) = (Compression::Balanced, Filter::Adaptive);
const TIGHT: (Compression, Filter) = (Compression::High, Filter::Paeth);

/// A file of these rows, unless it would be too large. Rows are still read to the end: what is damaged behind is damaged.
fn png(
    layout: &Layout,
    compression: Compression,
    filter: Filter,
    most: usize,
    each: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<(), RejectReason>) -> Result<(), RejectReason>,
) -> Result<Option<Vec<u8>>, RejectReason> {
    let mut written = Bounded { bytes: Vec::with_capacity(most), most, full: false };
    let (palette, key) = layout.tidy();
    // Filters are of no use to numbers of colours.
    let plain = layout.colour == ColorType::Indexed || (layout.depth as u8) < 8;
    let mut encoder = Encoder::new(&mut written, layout.width, layout.height);
    encoder.set_color(layout.colour);
    encoder.set_depth(layout.depth);
    encoder.set_compression(compression);
    encoder.set_filter(if plain { Filter::NoFilter } else { filter });
    if let Some(palette) = palette {
        encoder.set_palette(palette);
    }
    if let Some(key) = key {
        encoder.set_trns(key);
    }
    let damaged = |_| RejectReason::Damaged;
    let mut writer = encoder.write_header().map_err(damaged)?;
    let mut stream = writer.stream_writer_with_size(64 * 1024).map_err(damaged)?;
    let mut full = false;
    each(&mut |row| {
        full = full || stream.write_all(row).is_err();
        Ok(())
    })?;
    let finished = stream.finish().and_then(|()| writer.finish()).is_ok();
    written.bytes.shrink_to_fit();
    Ok((finished && !full && !written.full).then_some(written.bytes))
}

/// Takes bytes up to a bound, and then no more.
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.full || bytes.len() > self.most.saturating_sub(self.bytes.len()) {
            self.full = true;
            self.bytes = Vec::new();
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
