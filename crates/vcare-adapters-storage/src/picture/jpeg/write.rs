//! Writes a JPEG: baseline, colours at half the sides, with the shortest codes. The picture is read twice, row by row: once to
//! count, after which its size is known before a byte is written, and once to write.

use super::huffman::Shortest;
use super::quality::{Quality, ZIGZAG};
use super::transform::{factors, waves};
use crate::picture::pixels::View;

/// How every file begins.
const JFIF: [u8; 20] = [0xFF, 0xD8, 0xFF, 0xE0, 0, 16, b'J', b'F', b'I', b'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0];

/// A picture that was read once, for its codes and its size.
pub(super) struct Counted<'a> {
    view: View<'a>,
    quality: Quality,
    codes: [Shortest; 4],
    bytes: usize,
}

impl<'a> Counted<'a> {
    /// Reads it the first time.
    pub(super) fn of(view: View<'a>, quality: &Quality) -> Self {
        let mut counter = Counter { often: [[0; 256]; 4], more_bits: 0 };
        each_block(view, quality, &mut counter);
        let codes = counter.often.each_ref().map(Shortest::new);
        let bytes = usize::try_from(counter.bits(&codes) / 8).unwrap_or(usize::MAX).saturating_add(MOST_HEAD);
        Self { view, quality: quality.clone(), codes, bytes }
    }

    /// How many bytes it will have, but for the zeros behind each FF.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reads it once more, and writes it in at most that many bytes, or not at all.
    pub(super) fn write(self, most: usize) -> Option<Vec<u8>> {
        if self.bytes > most.saturating_add(MOST_HEAD) {
            return None;
        }
        // Some more for those zeros: otherwise memory doubles at the last byte.
        let mut written = Vec::with_capacity((self.bytes + self.bytes / 64).min(most));
        head(self.view, &self.quality, &self.codes, &mut written)?;
        let mut writer = Writer { codes: &self.codes, written, ahead: 0, have: 0, most };
        each_block(self.view, &self.quality, &mut writer)?;
        writer.finish()
    }
}

/// About how many bytes head and codes have together.
const MOST_HEAD: usize = 512;

/// What is done with each symbol. Tables: brightness' first wave and others, colour's first wave and others.
trait Sink {
    fn symbol(&mut self, table: usize, symbol: u8, more: u16, more_bits: u32);
    /// Whether it was too much.
    fn full(&self) -> bool;
}

struct Counter {
    often: [[u32; 256]; 4],
    more_bits: u64,
}

impl Counter {
    fn bits(&self, codes: &[Shortest; 4]) -> u64 {
        let one = |often: &[u32; 256], code: &Shortest| -> u64 {
            often.iter().zip(code.codes).map(|(often, (_, length))| u64::from(*often) * u64::from(length)).sum()
        };
        self.more_bits + self.often.iter().zip(codes).map(|(often, code)| one(often, code)).sum::<u64>()
    }
}

impl Sink for Counter {
    fn symbol(&mut self, table: usize, symbol: u8, _: u16, more_bits: u32) {
        self.often[table][usize::from(symbol)] += 1;
        self.more_bits += u64::from(more_bits);
    }

    fn full(&self) -> bool {
        false
    }
}

struct Writer<'a> {
    codes: &'a [Shortest; 4],
    written: Vec<u8>,
    ahead: u64,
    have: u32,
    most: usize,
}

impl Writer<'_> {
    fn bits(&mut self, bits: u16, count: u32) {
        self.ahead = self.ahead << count | u64::from(bits);
        self.have += count;
        while self.have >= 8 {
            self.have -= 8;
            let byte = (self.ahead >> self.have & 0xFF) as u8;
            self.written.push(byte);
            if byte == 0xFF {
                self.written.push(0);
            }
        }
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        if self.have > 0 {
            self.bits(0x7F, 7);
        }
        self.written.extend_from_slice(&[0xFF, 0xD9]);
        (!self.full()).then_some(self.written)
    }
}

impl Sink for Writer<'_> {
    fn symbol(&mut self, table: usize, symbol: u8, more: u16, more_bits: u32) {
        let (code, length) = self.codes[table].codes[usize::from(symbol)];
        self.bits(code, length.into());
        self.bits(more, more_bits);
    }

    fn full(&self) -> bool {
        self.written.len() > self.most
    }
}

fn head(view: View<'_>, quality: &Quality, codes: &[Shortest; 4], written: &mut Vec<u8>) -> Option<()> {
    written.extend_from_slice(&JFIF);
    let mut segment = |marker: u8, content: &[u8]| {
        written.extend_from_slice(&[0xFF, marker]);
        written.extend_from_slice(&u16::try_from(content.len() + 2).unwrap_or(u16::MAX).to_be_bytes());
        written.extend_from_slice(content);
    };
    let grey = view.channels() == 1;
    let table = |which: u8, table: &[u16; 64]| {
        let values = ZIGZAG.iter().map(|at| u8::try_from(table[*at]).unwrap_or(u8::MAX));
        std::iter::once(which).chain(values).collect::<Vec<_>>()
    };
    segment(0xDB, &table(0, &quality.brightness));
    if !grey {
        segment(0xDB, &table(1, &quality.colour));
    }
    let (width, height) = view.sides();
    let ([w1, w2], [h1, h2]) = (u16::try_from(width).ok()?.to_be_bytes(), u16::try_from(height).ok()?.to_be_bytes());
    let frame = [8, h1, h2, w1, w2];
    let (colours, scan): (&[u8], &[u8]) = match grey {
        true => (&[1, 1, 0x11, 0], &[1, 1, 0, 0, 63, 0]),
        false => (&[3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1], &[3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0]),
    };
    segment(0xC0, &[&frame, colours].concat());
    for (which, code) in [0x00, 0x10, 0x01, 0x11].into_iter().zip(codes).take(if grey { 2 } else { 4 }) {
        segment(0xC4, &[&[which], &code.counts[..], &code.symbols[..]].concat());
    }
    segment(0xDA, scan);
    Some(())
}

/// The picture unit by unit. A unit is a block of grey, or four of brightness and one of each colour.
fn each_block(view: View<'_>, quality: &Quality, sink: &mut impl Sink) -> Option<()> {
    let (width, height) = view.sides();
    let channels = view.channels();
    let unit = if channels == 1 { 8 } else { 16 };
    let wide = width.div_ceil(unit) * unit;
    let mut rows = vec![0; wide * unit * channels];
    let (brightness, colour) = (factors(&quality.brightness), factors(&quality.colour));
    let mut before = [0_i16; 3];
    for top in (0..height).step_by(unit) {
        for (y, row) in rows.chunks_exact_mut(wide * channels).enumerate() {
            view.row((top + y).min(height - 1), row);
            // What stands beyond the edge is never seen: the last pixel costs least.
            let (seen, beyond) = row.split_at_mut(width * channels);
            let last = seen.rchunks_exact(channels).next()?;
            for pixel in beyond.chunks_exact_mut(channels) {
                pixel.copy_from_slice(last);
            }
        }
        for left in (0..wide).step_by(unit) {
            if channels == 1 {
                let mut block = std::array::from_fn(|at| f32::from(rows[at / 8 * wide + left + at % 8]) - 128.0);
                write_block(&waves(&mut block, &brightness), &mut before[0], 0, sink);
                continue;
            }
            let (mut four, mut two) = colours(&rows, wide, left);
            for block in &mut four {
                write_block(&waves(block, &brightness), &mut before[0], 0, sink);
            }
            for (block, before) in two.iter_mut().zip(&mut before[1..]) {
                write_block(&waves(block, &colour), before, 2, sink);
            }
        }
        if sink.full() {
            return None;
        }
    }
    Some(())
}

/// Brightness of 16 by 16 pixels, and their colours at half the sides.
fn colours(rows: &[u8], wide: usize, left: usize) -> ([[f32; 64]; 4], [[f32; 64]; 2]) {
    let (mut four, mut two) = ([[0.0; 64]; 4], [[0.0; 64]; 2]);
    for y in 0..16 {
        let from = (y * wide + left) * 3;
        for (x, pixel) in rows[from..from + 48].chunks_exact(3).enumerate() {
            let (red, green, blue) = (f32::from(pixel[0]), f32::from(pixel[1]), f32::from(pixel[2]));
            four[y / 8 * 2 + x / 8][y % 8 * 8 + x % 8] = 0.299 * red + 0.587 * green + 0.114 * blue - 128.0;
            let at = y / 2 * 8 + x / 2;
            two[0][at] += (-0.168_736 * red - 0.331_264 * green + 0.5 * blue) / 4.0;
            two[1][at] += (0.5 * red - 0.418_688 * green - 0.081_312 * blue) / 4.0;
        }
    }
    (four, two)
}

fn write_block(waves: &[i16; 64], before: &mut i16, tables: usize, sink: &mut impl Sink) {
    let (more, size) = amplitude(waves[0] - *before);
    *before = waves[0];
    sink.symbol(tables, size, more, size.into());
    let mut zeros = 0_u8;
    for wave in &waves[1..] {
        if *wave == 0 {
            zeros += 1;
            continue;
        }
        while zeros >= 16 {
            sink.symbol(tables + 1, 0xF0, 0, 0);
            zeros -= 16;
        }
        let (more, size) = amplitude(*wave);
        sink.symbol(tables + 1, zeros << 4 | size, more, size.into());
        zeros = 0;
    }
    if zeros > 0 {
        sink.symbol(tables + 1, 0, 0, 0);
    }
}

/// How many bits a number takes, and which: a negative one has them the other way round.
fn amplitude(number: i16) -> (u16, u8) {
    let size = 16 - number.unsigned_abs().leading_zeros();
    let bits = if number < 0 { number.wrapping_sub(1) } else { number };
    let mask = (1_u32 << size) - 1;
    ((u32::from(bits as u16) & mask) as u16, size as u8)
}
