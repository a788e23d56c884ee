//! Ogg with one stream: of Opus, whose comments are emptied in their place while each page's checksum is computed again; or of
//! Vorbis, which is written as Opus.

use vcare_domain::{MediaType, RejectReason};

use super::{take, take_array, vorbis};

/// A page as it was, and where its packets are.
pub(super) struct Page<'a> {
    head: [u8; 27],
    table: &'a [u8],
    body: &'a [u8],
}

impl<'a> Page<'a> {
    /// The page that begins here, if it is whole.
    fn read(file: &mut &'a [u8]) -> Option<Self> {
        let head: [u8; 27] = take_array(file)?;
        (head.starts_with(b"OggS\0")).then_some(())?;
        let table = take(file, usize::from(*head.last()?))?;
        let body = take(file, table.iter().map(|length| usize::from(*length)).sum())?;
        let page = Self { head, table, body };
        // A page that was not whole as it came would be made whole by a new checksum.
        let came = u32::from_le_bytes(head.get(22..26)?.try_into().ok()?);
        (page.checksum(body)? == came).then_some(page)
    }

    /// Whether a stream begins with it.
    fn begins(&self) -> bool {
        self.head[5] & 2 == 2
    }

    fn serial(&self) -> Option<&[u8]> {
        self.head.get(14..18)
    }

    /// How many samples have been heard when it ends.
    fn granule(&self) -> Option<u64> {
        Some(u64::from_le_bytes(self.head.get(6..14)?.try_into().ok()?)).filter(|granule| *granule != u64::MAX)
    }

    /// The checksum it has with that body: CRC-32 of the polynomial 0x04c11db7, neither mirrored nor inverted.
    fn checksum(&self, body: &[u8]) -> Option<u32> {
        let mut head = self.head;
        head.get_mut(22..26)?.fill(0);
        let mut sum = 0_u32;
        for byte in [&head[..], self.table, body].into_iter().flatten() {
            sum ^= u32::from(*byte) << 24;
            for _ in 0..8 {
                sum = if sum >> 31 == 1 { sum << 1 ^ 0x04c1_1db7 } else { sum << 1 };
            }
        }
        Some(sum)
    }
}

/// The pages of a file that is nothing but whole pages of one stream.
#[derive(Clone, Copy)]
pub(super) struct Pages<'a>(&'a [u8]);

impl<'a> Pages<'a> {
    fn check(bytes: &'a [u8]) -> Result<Self, RejectReason> {
        let mut rest = bytes;
        let mut serial = None;
        while !rest.is_empty() {
            let page = Page::read(&mut rest).ok_or(RejectReason::Damaged)?;
            match serial {
                None if !page.begins() => return Err(RejectReason::Damaged),
                None => serial = page.serial().map(<[u8]>::to_vec),
                // A second stream beside the first, or behind it.
                Some(_) if page.begins() => return Err(RejectReason::UnknownType),
                Some(ref serial) if page.serial() != Some(serial) => return Err(RejectReason::Damaged),
                Some(_) => {}
            }
        }
        Ok(Self(bytes))
    }

    /// Up to where the last page says the sound goes.
    pub(super) fn end(self) -> Option<u64> {
        self.filter_map(|page| page.granule()).last()
    }

    /// Has a look at each packet. A last one that is not whole is left out.
    pub(super) fn packets(self, mut look: impl FnMut(&[u8]) -> Result<(), RejectReason>) -> Result<(), RejectReason> {
        let mut packet = Vec::new();
        for page in self {
            let mut body = page.body;
            for length in page.table {
                packet.extend_from_slice(take(&mut body, usize::from(*length)).unwrap_or_default());
                if *length < 255 {
                    look(&packet)?;
                    packet.clear();
                }
            }
        }
        Ok(())
    }
}

impl<'a> Iterator for Pages<'a> {
    type Item = Page<'a>;

    fn next(&mut self) -> Option<Page<'a>> {
        Page::read(&mut self.0)
    }
}

pub(super) fn rewrite(bytes: &[u8]) -> Result<(MediaType, Vec<u8>), RejectReason> {
    let pages = Pages::check(bytes)?;
    let first = { pages }.next().ok_or(RejectReason::Damaged)?;
    if first.body.starts_with(b"OpusHead") {
        Ok((MediaType::Ogg, opus(pages, bytes.len()).ok_or(RejectReason::Damaged)?))
    } else if first.body.starts_with(b"\x01vorbis") {
        vorbis::rewrite(pages)
    } else {
        Err(RejectReason::UnknownType)
    }
}

/// The comment packet with no comment: who made it, a count of zero, and zeros up to its old length, which is allowed
/// padding.
fn emptied(packet: &[u8]) -> Option<Vec<u8>> {
    let mut rest = packet;
    (take(&mut rest, 8)? == b"OpusTags").then_some(())?;
    let vendor = usize::try_from(u32::from_le_bytes(take_array(&mut rest)?)).ok()?;
    take(&mut rest, vendor)?;
    take_array::<4>(&mut rest)?;
    let mut empty = b"OpusTags\0\0\0\0\0\0\0\0".to_vec();
    empty.resize(packet.len(), 0);
    Some(empty)
}

fn opus(pages: Pages<'_>, length: usize) -> Option<Vec<u8>> {
    let mut others = pages;
    (others.next()?.table.len() == 1).then_some(())?;

    // The comments are the second packet: it begins on the second page, and nothing else is on its pages.
    let mut comments = Vec::new();
    let mut commented = 0;
    loop {
        let page = others.next()?;
        commented += 1;
        comments.extend_from_slice(page.body);
        if let Some(end) = page.table.iter().position(|length| *length < 255) {
            (end + 1 == page.table.len()).then_some(())?;
            break;
        }
    }
    let empty = emptied(&comments)?;
    others.any(|page| !page.body.is_empty()).then_some(())?;

    let mut written = Vec::with_capacity(length);
    let mut blank = empty.as_slice();
    for (number, page) in pages.enumerate() {
        let body = if (1..=commented).contains(&number) { take(&mut blank, page.body.len())? } else { page.body };
        let mut head = page.head;
        head.get_mut(22..26)?.copy_from_slice(&page.checksum(body)?.to_le_bytes());
        for part in [&head[..], page.table, body] {
            written.extend_from_slice(part);
        }
    }
    Some(written)
}
