//! Samples in fragments, as recorders write that cannot go back (ISO 14496-12, 8.8).

use vcare_domain::RejectReason;

use super::samples::Samples;
use super::track::{inside, parts};
use crate::audio::{take, take_array};

/// Adds the samples of all fragments. `common` says what they are like when they do not say so themselves.
pub(super) fn read(file: &[u8], common: &[u8], samples: &mut Samples<'_>) -> Result<(), RejectReason> {
    let size = common.get(16..20).and_then(|size| size.first_chunk()).map_or(0, |size| u32::from_be_bytes(*size));
    for fragment in parts(file, 0).map_while(|part| part).filter(|part| &part.kind == b"moof") {
        let pieces = parts(fragment.body, 0).map_while(|part| part).filter(|part| &part.kind == b"traf");
        for piece in pieces {
            let head = inside(piece.body, b"tfhd").and_then(Head::read).ok_or(RejectReason::Damaged)?;
            // Where nothing is said, places are counted from the fragment.
            let base = head.base.unwrap_or(fragment.start as u64);
            let mut place = base;
            let runs = parts(piece.body, 0).map_while(|part| part).filter(|part| &part.kind == b"trun");
            for run in runs {
                run_of(run.body, base, head.size.unwrap_or(size), &mut place, samples)?;
            }
        }
    }
    Ok(())
}

/// What a piece of a fragment says of its samples.
struct Head {
    base: Option<u64>,
    size: Option<u32>,
}

impl Head {
    fn read(mut body: &[u8]) -> Option<Self> {
        let flags = u32::from_be_bytes(take_array(&mut body)?);
        take(&mut body, 4)?;
        let base = if flags & 1 == 0 { None } else { Some(u64::from_be_bytes(take_array(&mut body)?)) };
        for flag in [2, 8] {
            if flags & flag != 0 {
                take(&mut body, 4)?;
            }
        }
        let size = if flags & 0x10 == 0 { None } else { Some(u32::from_be_bytes(take_array(&mut body)?)) };
        Some(Self { base, size })
    }
}

fn run_of(
    mut body: &[u8],
    base: u64,
    common: u32,
    place: &mut u64,
    samples: &mut Samples<'_>,
) -> Result<(), RejectReason> {
    let mut word = || take_array(&mut body).map(u32::from_be_bytes).ok_or(RejectReason::Damaged);
    let (flags, count) = (word()?, word()?);
    if flags & 1 != 0 {
        let offset = i64::from(word()?.cast_signed());
        *place = base.checked_add_signed(offset).ok_or(RejectReason::Damaged)?;
    }
    if flags & 4 != 0 {
        word()?;
    }
    for _ in 0..count {
        let mut size = common;
        // How long it is heard, how long it is in bytes, how it is decoded, when it is shown.
        for flag in [0x100, 0x200, 0x400, 0x800] {
            if flags & flag != 0 {
                let said = word()?;
                size = if flag == 0x200 { said } else { size };
            }
        }
        samples.push(*place, size)?;
        *place = place.saturating_add(u64::from(size));
    }
    Ok(())
}
