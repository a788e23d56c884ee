//! The bits of a scan, read to their last and put to no use. Decoders show grey where bits are missing; here that is found.

use vcare_domain::RejectReason;

use super::bits::BitReader;
use super::huffman::Code;
use super::markers::{Component, Frame, Walk};

const DAMAGED: RejectReason = RejectReason::Damaged;

/// The most scans of a picture: what the decoder takes.
pub(super) const MOST_SCANS: u32 = 100;

/// What of a picture has been seen.
#[derive(Debug)]
pub(super) struct Seen {
    /// For each colour and each of its 64 coefficients: how many of its lowest bits are still to come.
    missing: Vec<[Option<u8>; 64]>,
    /// For each block of a progressive picture: which coefficients are other than zero. What refines them depends on it.
    coefficients: Vec<Vec<u64>>,
}

impl Seen {
    /// Nothing yet. Takes a byte for eight coefficients of a progressive picture.
    pub(super) fn new(frame: &Frame) -> Self {
        let blocks = |one: &Component| match frame.progressive {
            true => one.stride as usize * (frame.units.1 * one.down) as usize,
            false => 0,
        };
        Self {
            missing: vec![[None; 64]; frame.components.len()],
            coefficients: frame.components.iter().map(|one| vec![0; blocks(one)]).collect(),
        }
    }

    /// Whether there is something of every colour.
    pub(super) fn every_colour(&self) -> bool {
        self.missing.iter().all(|colour| colour[0].is_some())
    }

    /// Whether every bit of every coefficient was there. What has no end marker must show by this that it is whole.
    pub(super) fn every_bit(&self) -> bool {
        self.missing.iter().flatten().all(|missing| *missing == Some(0))
    }
}

/// What a scan's head says.
struct Scan<'w> {
    colours: Vec<Colour<'w>>,
    from: usize,
    to: usize,
    /// Whether it refines what an earlier one has begun.
    refines: bool,
    progressive: bool,
}

struct Colour<'w> {
    which: usize,
    component: &'w Component,
    dc: Option<&'w Code>,
    ac: Option<&'w Code>,
}

/// Reads the scan whose bits begin there, and answers where they end.
pub(super) fn read(
    walk: &Walk<'_>,
    frame: &Frame,
    head: &[u8],
    bytes: &[u8],
    at: usize,
    seen: &mut Seen,
) -> Result<usize, RejectReason> {
    let scan = open(walk, frame, head, seen)?;
    let alone = match &scan.colours[..] {
        [one] => Some(one.component),
        _ => None,
    };
    let (wide, high) = alone.map_or(frame.units, |one| (one.wide, one.high));
    let mut bits = BitReader::new(bytes, at);
    let (mut run, mut until_restart, mut restarts) = (0_u32, walk.restart, 0_u32);
    for row in 0..high {
        for column in 0..wide {
            if walk.restart > 0 {
                if until_restart == 0 {
                    bits.restart(restarts)?;
                    (run, until_restart, restarts) = (0, walk.restart, restarts.wrapping_add(1));
                }
                until_restart -= 1;
            }
            for colour in &scan.colours {
                let one = colour.component;
                let (across, down) = if alone.is_some() { (1, 1) } else { (one.across, one.down) };
                for block in 0..across * down {
                    let (x, y) = (column * across + block % across, row * down + block / across);
                    let block = y as usize * one.stride as usize + x as usize;
                    scan.block(&mut bits, colour, seen, block, &mut run)?;
                }
            }
        }
    }
    Ok(bits.position())
}

fn open<'w>(walk: &'w Walk<'_>, frame: &'w Frame, head: &[u8], seen: &mut Seen) -> Result<Scan<'w>, RejectReason> {
    let (count, rest) = head.split_first().ok_or(DAMAGED)?;
    let count = usize::from(*count);
    let [from, to, approximation] = rest.get(count * 2..).and_then(|rest| rest.first_chunk::<3>()).ok_or(DAMAGED)?;
    let (progressive, from, to) = (frame.progressive, usize::from(*from), usize::from(*to));
    let (before, after) = (approximation >> 4, approximation & 15);
    let fits = from <= to && to <= 63 && (from > 0 || to == 0) && (from == 0 || count == 1);
    if count == 0 || count > frame.components.len() || (progressive && !fits) {
        return Err(DAMAGED);
    }
    let (from, to, after) = if progressive { (from, to, after) } else { (0, 63, 0) };
    let mut colours = Vec::with_capacity(count);
    for one in rest.chunks_exact(2).take(count) {
        let [id, tables] = one else { return Err(DAMAGED) };
        let which = frame.components.iter().position(|component| component.id == *id).ok_or(DAMAGED)?;
        let component = frame.components.get(which).ok_or(DAMAGED)?;
        let table = |of: &'w [Option<Code>; 4], at: u8| of.get(usize::from(at)).and_then(Option::as_ref);
        colours.push(Colour { which, component, dc: table(&walk.dc, tables >> 4), ac: table(&walk.ac, tables & 15) });
        for missing in seen.missing.get_mut(which).and_then(|all| all.get_mut(from..=to)).ok_or(DAMAGED)? {
            *missing = Some(after);
        }
    }
    Ok(Scan { colours, from, to, refines: progressive && before > 0, progressive })
}

impl Scan<'_> {
    #[inline]
    fn block(
        &self,
        bits: &mut BitReader<'_>,
        colour: &Colour<'_>,
        seen: &mut Seen,
        block: usize,
        run: &mut u32,
    ) -> Result<(), RejectReason> {
        if !self.progressive {
            dc(bits, colour)?;
            return sequential(bits, colour.ac.ok_or(DAMAGED)?);
        }
        if self.from == 0 {
            return if self.refines { bits.skip(1) } else { dc(bits, colour) };
        }
        let ac = colour.ac.ok_or(DAMAGED)?;
        let known = seen.coefficients.get_mut(colour.which).and_then(|all| all.get_mut(block)).ok_or(DAMAGED)?;
        if self.refines { self.refine(bits, ac, known, run) } else { self.first(bits, ac, known, run) }
    }

    fn first(&self, bits: &mut BitReader<'_>, ac: &Code, known: &mut u64, run: &mut u32) -> Result<(), RejectReason> {
        if *run > 0 {
            *run -= 1;
            return Ok(());
        }
        let mut at = self.from;
        while at <= self.to {
            let symbol = ac.read(bits)?;
            let (zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 && zeros < 15 {
                *run = (1 << zeros) - 1 + bits.take(zeros)?;
                return Ok(());
            }
            at += zeros as usize;
            if size > 0 {
                if at > self.to {
                    return Err(DAMAGED);
                }
                bits.skip(size)?;
                *known |= 1 << at;
            }
            at += 1;
        }
        Ok(())
    }

    fn refine(&self, bits: &mut BitReader<'_>, ac: &Code, known: &mut u64, run: &mut u32) -> Result<(), RejectReason> {
        let mut at = self.from;
        while *run == 0 && at <= self.to {
            let symbol = ac.read(bits)?;
            let (mut zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 && zeros < 15 {
                *run = (1 << zeros) + bits.take(zeros)?;
                break;
            }
            if size > 0 {
                bits.skip(1)?;
            }
            while at <= self.to {
                if *known >> at & 1 == 1 {
                    bits.skip(1)?;
                } else if zeros == 0 {
                    break;
                } else {
                    zeros -= 1;
                }
                at += 1;
            }
            if size > 0 {
                if at > self.to {
                    return Err(DAMAGED);
                }
                *known |= 1 << at;
            }
            at += 1;
        }
        if *run > 0 {
            for at in at..=self.to {
                if *known >> at & 1 == 1 {
                    bits.skip(1)?;
                }
            }
            *run -= 1;
        }
        Ok(())
    }
}

fn dc(bits: &mut BitReader<'_>, colour: &Colour<'_>) -> Result<(), RejectReason> {
    match colour.dc.ok_or(DAMAGED)?.read(bits)? {
        size @ ..=15 => bits.skip(size.into()),
        _ => Err(DAMAGED),
    }
}

fn sequential(bits: &mut BitReader<'_>, ac: &Code) -> Result<(), RejectReason> {
    let mut at = 1;
    while at < 64 {
        let symbol = ac.read(bits)?;
        let (zeros, size) = (symbol >> 4, symbol & 15);
        match (zeros, size) {
            (15, 0) => at += 16,
            (_, 0) => break,
            _ => {
                at += u32::from(zeros) + 1;
                if at > 64 {
                    return Err(DAMAGED);
                }
                bits.skip(size.into())?;
            }
        }
    }
    Ok(())
}
