//! Huffman codes of JPEG: those that a file brings, and the shortest for what is written.

use vcare_domain::RejectReason;

use super::bits::BitReader;

/// A code that a file brings.
#[derive(Debug)]
pub(super) struct Code {
    /// For the next eight bits: the code's length, and its symbol. Length 0 for a longer code.
    short: Vec<(u8, u8)>,
    /// For each length: the first code, how many there are, and where their symbols begin.
    lengths: [(u32, u32, usize); 17],
    symbols: Vec<u8>,
}

impl Code {
    /// From how many codes there are of each length, and their symbols.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self, RejectReason> {
        let mut code = Self { short: vec![(0, 0); 256], lengths: [(0, 0, 0); 17], symbols: symbols.to_vec() };
        let (mut next, mut at) = (0_u32, 0_usize);
        for (length, count) in (1..=16_usize).zip(counts) {
            let count = u32::from(*count);
            if next + count > 1 << length {
                return Err(RejectReason::Damaged);
            }
            if let Some(entry) = code.lengths.get_mut(length) {
                *entry = (next, count, at);
            }
            for one in 0..count {
                let symbol = *symbols.get(at).ok_or(RejectReason::Damaged)?;
                at += 1;
                if length <= 8 {
                    let from = ((next + one) << (8 - length)) as usize;
                    let to = from + (1 << (8 - length));
                    let entry = (u8::try_from(length).unwrap_or(0), symbol);
                    code.short.get_mut(from..to).ok_or(RejectReason::Damaged)?.fill(entry);
                }
            }
            next = (next + count) << 1;
        }
        Ok(code)
    }

    /// The next symbol.
    #[inline]
    pub(super) fn read(&self, bits: &mut BitReader<'_>) -> Result<u8, RejectReason> {
        let ahead = bits.peek();
        if let Some((length @ 1.., symbol)) = self.short.get((ahead >> 8) as usize) {
            bits.skip(u32::from(*length))?;
            return Ok(*symbol);
        }
        for length in 9..=16_u32 {
            let (first, count, at) = self.lengths.get(length as usize).copied().unwrap_or_default();
            let code = ahead >> (16 - length);
            if code >= first && code - first < count {
                bits.skip(length)?;
                return self.symbols.get(at + (code - first) as usize).copied().ok_or(RejectReason::Damaged);
            }
        }
        Err(RejectReason::Damaged)
    }
}

/// The shortest code for symbols that occur so often (ITU T.81, K.2): how many codes of each length, and their symbols.
#[derive(Debug)]
pub(super) struct Shortest {
    /// How many codes there are of each length from 1 to 16.
    pub(super) counts: [u8; 16],
    /// Their symbols.
    pub(super) symbols: Vec<u8>,
    /// For each symbol its code and the code's length.
    pub(super) codes: [(u16, u8); 256],
}

impl Shortest {
    /// For symbols that occur so often. One that never occurs has no code.
    pub(super) fn new(often: &[u32; 256]) -> Self {
        let sizes = code_sizes(often);
        // It would take as many symbols as the Fibonacci numbers below 2^32 to come to 63 bits.
        let mut per_length = [0_u32; 64];
        for size in sizes.iter().filter(|size| **size > 0) {
            per_length[(*size).min(63)] += 1;
        }
        at_most_16(&mut per_length);
        let mut order: Vec<usize> = (0..256).filter(|symbol| sizes[*symbol] > 0).collect();
        order.sort_by_key(|symbol| (sizes[*symbol], *symbol));
        let mut shortest = Self { counts: [0; 16], symbols: Vec::with_capacity(order.len()), codes: [(0, 0); 256] };
        let (mut code, mut symbols) = (0_u16, order.into_iter());
        for (length, count) in (1..=16_u8).zip(per_length.iter().skip(1)) {
            for symbol in symbols.by_ref().take(*count as usize) {
                shortest.codes[symbol] = (code, length);
                shortest.symbols.push(u8::try_from(symbol).unwrap_or(0));
                shortest.counts[usize::from(length) - 1] += 1;
                code = code.wrapping_add(1);
            }
            code = code.wrapping_shl(1);
        }
        shortest
    }
}

/// How long each symbol's code would be with no bound. The last is a symbol that is never written: it takes the code of ones
/// only, which JPEG forbids.
fn code_sizes(often: &[u32; 256]) -> [usize; 257] {
    let mut weight = [0_u64; 257];
    for (weight, often) in weight.iter_mut().zip(often) {
        *weight = u64::from(*often);
    }
    weight[256] = 1;
    let (mut sizes, mut next) = ([0_usize; 257], [None::<usize>; 257]);
    loop {
        let mut least = (0..257).filter(|one| weight[*one] > 0).collect::<Vec<_>>();
        // Of equals the one with the larger number first, so that the one that is never written is deepest.
        least.sort_by_key(|one| (weight[*one], std::cmp::Reverse(*one)));
        let [first, second, ..] = least[..] else { break };
        weight[first] += weight[second];
        weight[second] = 0;
        let mut at = first;
        loop {
            sizes[at] += 1;
            match next[at] {
                Some(further) => at = further,
                None => break,
            }
        }
        next[at] = Some(second);
        let mut at = second;
        loop {
            sizes[at] += 1;
            match next[at] {
                Some(further) => at = further,
                None => break,
            }
        }
    }
    sizes
}

/// Shortens the longest codes to 16 bits, and takes away the one that is never written.
fn at_most_16(per_length: &mut [u32; 64]) {
    for length in (17..64).rev() {
        while per_length[length] > 0 {
            let mut shorter = length - 2;
            while shorter > 0 && per_length[shorter] == 0 {
                shorter -= 1;
            }
            per_length[length] = per_length[length].saturating_sub(2);
            per_length[length - 1] += 1;
            per_length[shorter + 1] += 2;
            per_length[shorter] = per_length[shorter].saturating_sub(1);
        }
    }
    if let Some(longest) = per_length.iter_mut().rev().find(|count| **count > 0) {
        *longest -= 1;
    }
}
