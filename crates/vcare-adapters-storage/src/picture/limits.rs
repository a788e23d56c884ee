//! How large a picture may be, and what is written of it.
//!
//! | picture | bytes for a pixel while it is open | most megapixels |
//! |---|---|---|
//! | JPEG, one scan | 3; grey 1 | 40 |
//! | JPEG of several scans (progressive), 4:2:0 | 6 | 22 |
//! | JPEG of several scans (progressive), 4:4:4 | 9 | 14 |
//! | PNG | none: row by row | 40 |
//! | PNG, interlaced or turned | its own: 1 to 8 | 16 (RGBA of 16 bits) to 40 |
//! | WebP, lossy | 5 | 26 |
//! | WebP, lossless | 8 | 16 |
//! | WebP with transparency, or animated | 12 | 11 |

use vcare_domain::RejectReason;

/// The most pixels of a picture of whatever kind.
pub(crate) const MAX_PIXELS: u64 = 40_000_000;
/// The longest side. Longer ones are panoramas, or made to do harm.
pub(crate) const MAX_SIDE: u32 = 16_384;
/// The most memory for the pixels of a picture and what its decoder holds beside them: a picture of more is of too many pixels.
/// What is written comes on top, at most [`MAX_WRITTEN_BYTES`], and some rows: together under 150 MB.
pub(crate) const MAX_OPEN_BYTES: u64 = 132_000_000;
/// What a coefficient of a JPEG of several scans takes.
pub(crate) const COEFFICIENT_BYTES: u64 = 2;
/// What a lossy WebP takes for a pixel: three colours, and the frame of brightness and halved colours.
pub(crate) const LOSSY_WEBP_BYTES: u64 = 5;
/// What a lossless WebP takes: four channels, three copied from them, and what its transforms keep.
pub(crate) const LOSSLESS_WEBP_BYTES: u64 = 8;
/// What a WebP with transparency, or a frame of an animation, takes.
pub(crate) const LAYERED_WEBP_BYTES: u64 = 12;

/// The most bytes that are written, however large what came was.
pub(crate) const MAX_WRITTEN_BYTES: usize = 10 * 1024 * 1024;
/// What came with fewer bytes may be written with up to this many.
pub(crate) const FREE_WRITTEN_BYTES: usize = 2 * 1024 * 1024;

/// The most bytes that may be written, by how many came.
pub(crate) fn most_written(came: usize) -> usize {
    came.clamp(FREE_WRITTEN_BYTES, MAX_WRITTEN_BYTES)
}

/// How many pixels that makes, if they are not too many.
pub(crate) fn check_sides(width: u32, height: u32) -> Result<u64, RejectReason> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(RejectReason::Damaged);
    }
    let too_many = width > MAX_SIDE || height > MAX_SIDE || pixels > MAX_PIXELS;
    if too_many { Err(RejectReason::TooManyPixels) } else { Ok(pixels) }
}
