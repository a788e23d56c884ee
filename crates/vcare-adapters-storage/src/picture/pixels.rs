//! Pixels in memory, once, and how they are looked at: upright, and smaller.

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage, RgbaImage};
use vcare_domain::RejectReason;

/// What a decoder made: rows of pixels of 1 (grey), 3 (red, green, blue) or 4 channels (with opacity), eight bits each.
#[derive(Debug)]
pub(crate) struct Pixels {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) channels: usize,
    pub(crate) data: Vec<u8>,
    /// How it is to be turned.
    pub(crate) orientation: Orientation,
}

impl Pixels {
    /// Takes exactly as many bytes as there are pixels.
    pub(crate) fn new(
        (width, height): (u32, u32),
        channels: usize,
        data: Vec<u8>,
        orientation: Orientation,
    ) -> Result<Self, RejectReason> {
        let wanted = width as usize * height as usize * channels;
        if wanted == 0 || data.len() != wanted {
            return Err(RejectReason::Damaged);
        }
        Ok(Self { width, height, channels, data, orientation })
    }

    /// For who works with whole pictures in memory.
    pub(crate) fn into_image(self) -> Result<DynamicImage, RejectReason> {
        let (width, height, data) = (self.width, self.height, self.data);
        let mut image = match self.channels {
            1 => GrayImage::from_raw(width, height, data).map(DynamicImage::from),
            3 => RgbImage::from_raw(width, height, data).map(DynamicImage::from),
            _ => RgbaImage::from_raw(width, height, data).map(DynamicImage::from),
        };
        if let Some(image) = &mut image {
            image.apply_orientation(self.orientation);
        }
        image.ok_or(RejectReason::Damaged)
    }
}

/// Pixels as they are to be written: turned upright, each of them the mean of a square. Nothing is copied but a row at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pixels: &'a Pixels,
    /// The sides after turning, before making smaller.
    upright: (usize, usize),
    /// Where the upper left pixel stands, and how far it is to the next one right of it and below it, in pixels.
    origin: usize,
    right: isize,
    below: isize,
    /// The side of the squares.
    square: usize,
    /// How many channels are shown: without opacity there are three of four.
    channels: usize,
}

impl<'a> View<'a> {
    /// All pixels, upright.
    pub(crate) fn of(pixels: &'a Pixels) -> Self {
        let (wide, high) = (pixels.width as usize, pixels.height as usize);
        let row = isize::try_from(wide).unwrap_or(isize::MAX);
        let (first, end_of_first, last) = (0, wide - 1, (high - 1) * wide);
        let end = last + wide - 1;
        let (upright, origin, right, below) = match pixels.orientation {
            Orientation::NoTransforms => ((wide, high), first, 1, row),
            Orientation::FlipHorizontal => ((wide, high), end_of_first, -1, row),
            Orientation::Rotate180 => ((wide, high), end, -1, -row),
            Orientation::FlipVertical => ((wide, high), last, 1, -row),
            Orientation::Rotate90FlipH => ((high, wide), first, row, 1),
            Orientation::Rotate90 => ((high, wide), last, -row, 1),
            Orientation::Rotate270FlipH => ((high, wide), end, -row, -1),
            Orientation::Rotate270 => ((high, wide), end_of_first, row, -1),
        };
        Self { pixels, upright, origin, right, below, square: 1, channels: pixels.channels }
    }

    /// The same without opacity.
    pub(crate) fn without_opacity(self) -> Self {
        Self { channels: self.channels.min(3), ..self }
    }

    /// The same, each side this part of its length.
    pub(crate) fn smaller(self, square: usize) -> Self {
        Self { square: square.max(1), ..self }
    }

    /// Whether what lies on its side came upright.
    pub(crate) fn is_turned(&self) -> bool {
        self.right.unsigned_abs() != 1
    }

    /// The sides of what is shown. What is left over at the right and at the bottom makes narrower squares.
    pub(crate) fn sides(&self) -> (usize, usize) {
        (self.upright.0.div_ceil(self.square), self.upright.1.div_ceil(self.square))
    }

    /// How many bytes each pixel has.
    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// Where the pixel stands that is there when the picture is upright.
    fn place(&self, x: usize, y: usize) -> usize {
        let signed = |count: usize| isize::try_from(count).unwrap_or(isize::MAX);
        self.origin.wrapping_add_signed(signed(x) * self.right + signed(y) * self.below)
    }

    fn pixel(&self, x: usize, y: usize) -> &'a [u8] {
        let from = self.place(x, y) * self.pixels.channels;
        self.pixels.data.get(from..from + self.pixels.channels).unwrap_or(&[0; 4])
    }

    /// Writes a row of what is shown into `row`.
    pub(crate) fn row(&self, y: usize, row: &mut [u8]) {
        if self.square > 1 {
            return self.mean_row(y, row);
        }
        let row = row.get_mut(..self.upright.0 * self.channels).unwrap_or_default();
        let came = self.pixels.channels;
        let from = self.place(0, y);
        if self.right == 1 && came == self.channels {
            row.copy_from_slice(self.pixels.data.get(from * came..from * came + row.len()).unwrap_or_default());
            return;
        }
        let mut at = from;
        for shown in row.chunks_exact_mut(self.channels) {
            let pixel = self.pixels.data.get(at * came..at * came + self.channels);
            shown.copy_from_slice(pixel.unwrap_or_default());
            at = at.wrapping_add_signed(self.right);
        }
    }

    /// What is transparent has no colour: it counts by how much of it is seen.
    fn mean_row(&self, y: usize, row: &mut [u8]) {
        let rows = y * self.square..((y + 1) * self.square).min(self.upright.1);
        for (x, shown) in row.chunks_exact_mut(self.channels).enumerate() {
            let columns = x * self.square..((x + 1) * self.square).min(self.upright.0);
            let (mut sums, mut weight, mut count) = ([0_u64; 4], 0_u64, 0_u64);
            for (x, y) in rows.clone().flat_map(|y| columns.clone().map(move |x| (x, y))) {
                let pixel = self.pixel(x, y);
                let seen = if self.channels == 4 { u64::from(pixel[3]) } else { 1 };
                for (sum, channel) in sums.iter_mut().zip(&pixel[..self.channels.min(3)]) {
                    *sum += u64::from(*channel) * seen;
                }
                (weight, count) = (weight + seen, count + 1);
            }
            let mean = |sum: u64, of: u64| u8::try_from((sum + of / 2) / of.max(1)).unwrap_or(u8::MAX);
            for (channel, shown) in shown.iter_mut().enumerate() {
                *shown = if channel == 3 { mean(weight, count) } else { mean(sums[channel], weight) };
            }
        }
    }
}
