//! How finely a JPEG tells its waves apart.

use super::markers::{Frame, Walk};

/// The place of each coefficient among the 64 of a block, in the order in which they are written.
pub(super) const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// The tables of ITU T.81, annex K, by rows.
const BRIGHTNESS: [u16; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
];
const COLOUR: [u16; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99,
];
/// What these are multiplied with for quality 85, in hundredths. Nothing is written better.
const BEST: u32 = 30;

/// The tables of quantisation that a picture is written with, by rows: of brightness, and of colour.
#[derive(Debug, Clone)]
pub(crate) struct Quality {
    pub(super) brightness: [u16; 64],
    pub(super) colour: [u16; 64],
}

impl Quality {
    /// The best there is.
    pub(crate) fn best() -> Self {
        Self { brightness: scaled(&BRIGHTNESS, BEST), colour: scaled(&COLOUR, BEST) }
    }

    /// The quality that a file came with, or the best there is, whichever is worse in each wave.
    pub(super) fn of(walk: &Walk<'_>, frame: &Frame) -> Self {
        let mut quality = Self::best();
        // Tables for red, green and blue, or for inks, say nothing of brightness and colour.
        let alike = match &frame.components[..] {
            [_] => true,
            [red, green, blue] => walk.transform != Some(0) && [red.id, green.id, blue.id] != *b"RGB",
            _ => false,
        };
        if alike {
            let table = |which: usize| frame.components.get(which).and_then(|one| *walk.quantisation.get(one.table)?);
            for (ours, which) in [(&mut quality.brightness, 0), (&mut quality.colour, 1)] {
                for (place, theirs) in ZIGZAG.into_iter().zip(table(which).iter().flatten()) {
                    ours[place] = ours[place].max(*theirs).min(255);
                }
            }
        }
        quality
    }

    /// The same for the picture laid on its side.
    pub(crate) fn turned(&self) -> Self {
        let turned = |table: &[u16; 64]| std::array::from_fn(|at| table[at % 8 * 8 + at / 8]);
        Self { brightness: turned(&self.brightness), colour: turned(&self.colour) }
    }

    pub(super) fn coarser(&self, percent: u32) -> Self {
        Self { brightness: scaled(&self.brightness, percent), colour: scaled(&self.colour, percent) }
    }
}

fn scaled(table: &[u16; 64], percent: u32) -> [u16; 64] {
    table.map(|one| u16::try_from((u32::from(one) * percent + 50) / 100).unwrap_or(255).clamp(1, 255))
}
