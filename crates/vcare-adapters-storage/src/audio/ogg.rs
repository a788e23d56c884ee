//! Ogg with one stream of Opus: the comments are emptied in their place, and each page's checksum is made anew.

use super::{take, take_array};

/// A page as it was, and where its packets are.
struct Page<'a> {
    head: [u8; 27],
    table: &'a [u8],
    body: &'a [u8],
}

fn page<'a>(file: &mut &'a [u8]) -> Option<Page<'a>> {
    let head: [u8; 27] = take_array(file)?;
    (head.starts_with(b"OggS\0")).then_some(())?;
    let table = take(file, usize::from(*head.last()?))?;
    let body = take(file, table.iter().map(|length| usize::from(*length)).sum())?;
    Some(Page { head, table, body })
}

/// The checksum of Ogg: CRC-32 of the polynomial 0x04c11db7, neither mirrored nor inverted.
fn checksum(parts: [&[u8]; 3]) -> u32 {
    let mut sum = 0_u32;
    for byte in parts.into_iter().flatten() {
        sum ^= u32::from(*byte) << 24;
        for _ in 0..8 {
            sum = if sum >> 31 == 1 { sum << 1 ^ 0x04c1_1db7 } else { sum << 1 };
        }
    }
    sum
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

pub(super) fn write_anew(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut pages = Vec::new();
    while !bytes.is_empty() {
        pages.push(page(&mut bytes)?);
    }
    let (first, others) = pages.split_first()?;
    let serial = first.head.get(14..18)?;
    (first.body.starts_with(b"OpusHead") && first.table.len() == 1 && first.head.get(5)? & 2 == 2).then_some(())?;
    pages.iter().all(|page| page.head.get(14..18) == Some(serial)).then_some(())?;

    // The comments are the second packet: it begins on the second page, and nothing else is on its pages.
    let mut comments = Vec::new();
    let mut commented = 0;
    for page in others {
        commented += 1;
        comments.extend_from_slice(page.body);
        let ends = page.table.iter().position(|length| *length < 255);
        match ends {
            Some(end) => {
                (end + 1 == page.table.len()).then_some(())?;
                break;
            }
            None => (commented < others.len()).then_some(())?,
        }
    }
    let empty = emptied(&comments)?;
    (others.len() > commented).then_some(())?;

    let mut written = Vec::new();
    let mut blank = empty.as_slice();
    for (number, page) in pages.iter().enumerate() {
        let body = if (1..=commented).contains(&number) { take(&mut blank, page.body.len())? } else { page.body };
        let mut head = page.head;
        head.get_mut(22..26)?.fill(0);
        let sum = checksum([&head, page.table, body]);
        // A page that was not whole as it came would be made whole by a new checksum.
        let mut old = page.head;
        old.get_mut(22..26)?.fill(0);
        let came = u32::from_le_bytes(page.head.get(22..26)?.try_into().ok()?);
        (checksum([&old, page.table, page.body]) == came).then_some(())?;
        head.get_mut(22..26)?.copy_from_slice(&sum.to_le_bytes());
        for part in [&head[..], page.table, body] {
            written.extend_from_slice(part);
        }
    }
    Some(written)
}
