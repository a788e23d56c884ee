//! The bits of a scan: between its head and the next marker, without the zeros that follow each FF.

use vcare_domain::RejectReason;

/// Reads bits, and knows when they are used up: it makes none up.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
    ahead: u64,
    have: u32,
}

impl<'a> BitReader<'a> {
    /// Begins behind a scan's head.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, ahead: 0, have: 0 }
    }

    fn fill(&mut self) {
        while self.have <= 48 {
            let Some(byte) = self.bytes.get(self.at) else { return };
            if *byte == 0xFF {
                match self.bytes.get(self.at + 1) {
                    Some(0) => self.at += 2,
                    Some(0xFF) => {
                        self.at += 1;
                        continue;
                    }
                    // A marker, or the end.
                    _ => return,
                }
            } else {
                self.at += 1;
            }
            self.ahead = self.ahead << 8 | u64::from(*byte);
            self.have += 8;
        }
    }

    /// The next 16 bits, with zeros behind the last.
    #[inline]
    pub(super) fn peek(&mut self) -> u32 {
        if self.have < 16 {
            self.fill();
        }
        let ahead = match self.have.checked_sub(16) {
            Some(more) => self.ahead >> more,
            None => self.ahead << (16 - self.have),
        };
        (ahead & 0xFFFF) as u32
    }

    /// Passes over at most 16 bits. They must be there.
    #[inline]
    pub(super) fn skip(&mut self, count: u32) -> Result<(), RejectReason> {
        if self.have < count {
            self.fill();
        }
        self.have = self.have.checked_sub(count).ok_or(RejectReason::Damaged)?;
        Ok(())
    }

    /// At most 16 bits as a number.
    #[inline]
    pub(super) fn take(&mut self, count: u32) -> Result<u32, RejectReason> {
        let ahead = self.peek();
        self.skip(count)?;
        Ok(ahead >> (16 - count.min(16)))
    }

    /// Passes over the rest of the last byte, and over the restart marker of this number.
    pub(super) fn restart(&mut self, number: u32) -> Result<(), RejectReason> {
        (self.ahead, self.have) = (0, 0);
        let rest = self.bytes.get(self.at..).ok_or(RejectReason::Damaged)?;
        // Bytes between the last bit and the marker are of no use, and do no harm.
        let marker = rest.windows(2).position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xFF));
        let at = self.at + marker.ok_or(RejectReason::Damaged)?;
        if self.bytes.get(at + 1).copied().map(u32::from) != Some(0xD0 + (number & 7)) {
            return Err(RejectReason::Damaged);
        }
        self.at = at + 2;
        Ok(())
    }

    /// Where what follows begins: at a marker, or in bytes that were not needed. Bits ahead are of bytes before it.
    pub(super) fn position(&self) -> usize {
        self.at
    }
}
