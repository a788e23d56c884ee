//! Where the samples of a track are: by its tables, and in fragments.

use vcare_domain::RejectReason;

use super::fragments;
use super::track::{Track, inside};
use crate::audio::{take, take_array};

/// The most samples. AMR of 20 minutes has 60 000, and Opus in the smallest packets 480 000.
const MAX_SAMPLES: usize = 1_000_000;

/// Pieces of a file, in their order. None of them is empty, and together they are not longer than the file.
pub(super) struct Samples<'a> {
    file: &'a [u8],
    places: Vec<(u32, u32)>,
    bytes: usize,
}

impl<'a> Samples<'a> {
    /// The samples of a track; a track without any is damaged.
    pub(super) fn of(file: &'a [u8], track: &Track<'_>) -> Result<Self, RejectReason> {
        let mut samples = Self { file, places: Vec::new(), bytes: 0 };
        samples.read_tables(track.table)?;
        if let Some(common) = track.extends {
            fragments::read(file, common, &mut samples)?;
        }
        if samples.places.is_empty() { Err(RejectReason::Damaged) } else { Ok(samples) }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        let file = self.file;
        self.places.iter().filter_map(move |(at, size)| file.get(*at as usize..)?.get(..*size as usize))
    }

    pub(super) const fn count(&self) -> u64 {
        self.places.len() as u64
    }

    /// One more, from there.
    pub(super) fn push(&mut self, at: u64, size: u32) -> Result<(), RejectReason> {
        let inside = at.checked_add(u64::from(size)).is_some_and(|end| end <= self.file.len() as u64);
        self.bytes = self.bytes.saturating_add(size as usize);
        if !inside || size == 0 || self.bytes > self.file.len() {
            return Err(RejectReason::Damaged);
        }
        if self.places.len() == MAX_SAMPLES {
            return Err(RejectReason::TooLong);
        }
        self.places.push((u32::try_from(at).map_err(|_| RejectReason::Damaged)?, size));
        Ok(())
    }

    /// Chunks of samples: where each chunk is, how many samples are in it, and how long each sample is (ISO 14496-12, 8.7).
    fn read_tables(&mut self, table: &[u8]) -> Result<(), RejectReason> {
        let sizes = Sizes::read(table).ok_or(RejectReason::Damaged)?;
        let mut sizes = sizes.peekable();
        if sizes.peek().is_none() {
            return Ok(());
        }
        let runs = inside(table, b"stsc").and_then(|body| body.get(8..)).ok_or(RejectReason::Damaged)?;
        let (runs, _) = runs.as_chunks::<12>();
        let mut runs = runs.iter().map(|run| (word(run, 0), word(run, 4))).peekable();
        let (mut offsets, wide) = match (inside(table, b"stco"), inside(table, b"co64")) {
            (Some(offsets), _) => (offsets, false),
            (None, Some(offsets)) => (offsets, true),
            (None, None) => return Err(RejectReason::Damaged),
        };
        take(&mut offsets, 8).ok_or(RejectReason::Damaged)?;
        let (mut chunk, mut in_chunk) = (0_u32, 0_u32);
        while sizes.peek().is_some() {
            let place = match wide {
                true => take_array(&mut offsets).map(u64::from_be_bytes),
                false => take_array(&mut offsets).map(u32::from_be_bytes).map(u64::from),
            };
            let mut place = place.ok_or(RejectReason::Damaged)?;
            chunk = chunk.saturating_add(1);
            if let Some((_, count)) = runs.next_if(|(first, _)| *first <= chunk) {
                in_chunk = count;
            }
            for size in sizes.by_ref().take(in_chunk as usize) {
                self.push(place, size)?;
                place += u64::from(size);
            }
        }
        Ok(())
    }
}

fn word<const N: usize>(bytes: &[u8; N], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u32::from_be_bytes(*word))
}

/// How long each sample is.
enum Sizes<'a> {
    Same { size: u32, left: u32 },
    Each(&'a [u8]),
}

impl<'a> Sizes<'a> {
    /// From `stsz`. Its compact form is a film's, and unknown to browsers.
    fn read(table: &'a [u8]) -> Option<Self> {
        let mut body = inside(table, b"stsz")?;
        take(&mut body, 4)?;
        let (size, count) = (u32::from_be_bytes(take_array(&mut body)?), u32::from_be_bytes(take_array(&mut body)?));
        match size {
            0 => Some(Self::Each(take(&mut body, usize::try_from(count).ok()?.checked_mul(4)?)?)),
            size => Some(Self::Same { size, left: count }),
        }
    }
}

impl Iterator for Sizes<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        match self {
            Self::Same { size, left } => {
                *left = left.checked_sub(1)?;
                Some(*size)
            }
            Self::Each(sizes) => take_array(sizes).map(u32::from_be_bytes),
        }
    }
}
