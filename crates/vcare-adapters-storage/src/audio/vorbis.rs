//! Vorbis in Ogg: what many recorders wrote before Opus. Not every browser plays it: it is written as Opus.

use vcare_domain::{MediaType, RejectReason};

use super::decoded;
use super::decoders::Decoder;
use super::ogg::Pages;
use super::opus::Recorder;

/// The longest setup packet. Encoders write 3 to 10 kB.
const MAX_SETUP_BYTES: usize = 64 * 1024;
/// The most numbers that all codebooks may unpack to: 4 MiB, and encoders' have some ten thousands. A book of some hundred
/// bytes can say that it has four million, and there may be 256 books.
const MAX_NUMBERS: u64 = 1024 * 1024;

pub(super) fn rewrite(pages: Pages<'_>) -> Result<(MediaType, Vec<u8>), RejectReason> {
    decoded(|| {
        let mut note = Note::default();
        let end = pages.end().filter(|end| *end > 0).unwrap_or(u64::MAX);
        pages.packets(|packet| note.hear(packet, end))?;
        note.recorder.ok_or(RejectReason::Damaged)?.finish()
    })
}

#[derive(Default)]
struct Note {
    heads: u8,
    head: Vec<u8>,
    rate: u32,
    decoder: Option<Decoder>,
    recorder: Option<Recorder>,
    heard: u64,
}

impl Note {
    fn hear(&mut self, packet: &[u8], end: u64) -> Result<(), RejectReason> {
        if let (Some(decoder), Some(recorder)) = (&mut self.decoder, &mut self.recorder) {
            if packet.is_empty() || self.heard >= end {
                return Ok(());
            }
            let sound = decoder.decode(packet, 0)?;
            // The last packet is longer than the sound.
            let most = usize::try_from(end - self.heard).unwrap_or(usize::MAX).min(sound.len());
            self.heard += most as u64;
            return recorder.push(sound.get(..most).unwrap_or_default());
        }
        self.heads += 1;
        match self.heads {
            1 => {
                let channels = packet.get(11).copied();
                let rate = packet.get(12..16).and_then(|rate| rate.try_into().ok()).map(u32::from_le_bytes);
                self.rate = rate.ok_or(RejectReason::Damaged)?;
                if !matches!(channels, Some(1 | 2)) {
                    return Err(RejectReason::UnknownType);
                }
                self.head = packet.to_vec();
            }
            // Titles, places, devices.
            2 => {}
            _ => {
                if packet.len() > MAX_SETUP_BYTES {
                    return Err(RejectReason::Damaged);
                }
                let numbers = numbers(packet).ok_or(RejectReason::Damaged)?;
                if numbers > MAX_NUMBERS {
                    return Err(RejectReason::Damaged);
                }
                self.head.extend_from_slice(packet);
                self.decoder = Some(Decoder::vorbis(std::mem::take(&mut self.head))?);
                let recorder = Recorder::new(self.rate)?;
                recorder.expect(if end == u64::MAX { 0 } else { end })?;
                self.recorder = Some(recorder);
            }
        }
        Ok(())
    }
}

/// Reads bits as Vorbis packs them, the lowest first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn read(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for bit in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value |= u32::from(byte >> (self.at % 8) & 1) << bit;
            self.at += 1;
        }
        Some(value)
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        self.at = self.at.checked_add(usize::try_from(count).ok()?)?;
        (self.at <= self.bytes.len() * 8).then_some(())
    }
}

/// How many numbers the codebooks of a setup packet unpack to (Vorbis I, 3.2.1). The decoder takes what each book says, and
/// bounds one book, but not all of them together.
fn numbers(setup: &[u8]) -> Option<u64> {
    let mut bits = Bits { bytes: setup.strip_prefix(b"\x05vorbis")?, at: 0 };
    let books = bits.read(8)? + 1;
    let mut numbers = 0_u64;
    for _ in 0..books {
        (bits.read(24)? == 0x0056_4342).then_some(())?;
        let (dimensions, entries) = (bits.read(16)?, bits.read(24)?);
        // Beside its numbers, an entry has a code, the code's length, and a place in a tree.
        numbers += u64::from(entries) * (u64::from(dimensions) + 8);
        if numbers > MAX_NUMBERS {
            return Some(numbers);
        }
        lengths(&mut bits, entries)?;
        match bits.read(4)? {
            0 => {}
            lookup @ 1..=2 => {
                bits.skip(64)?;
                let width = bits.read(4)? + 1;
                bits.read(1)?;
                let values =
                    if lookup == 1 { root(entries, dimensions) } else { u64::from(entries) * u64::from(dimensions) };
                bits.skip(values * u64::from(width))?;
            }
            _ => return None,
        }
    }
    Some(numbers)
}

/// Passes over the lengths of a book's codes.
fn lengths(bits: &mut Bits<'_>, entries: u32) -> Option<()> {
    if bits.read(1)? == 1 {
        bits.read(5)?;
        let mut entry = 0;
        while entry < entries {
            let left = entries - entry;
            entry = entry.checked_add(bits.read(u32::BITS - left.leading_zeros())?)?;
        }
        return (entry == entries).then_some(());
    }
    if bits.read(1)? == 0 {
        return bits.skip(u64::from(entries) * 5);
    }
    for _ in 0..entries {
        if bits.read(1)? == 1 {
            bits.read(5)?;
        }
    }
    Some(())
}

/// The largest number whose power by `dimensions` is not above `entries`.
fn root(entries: u32, dimensions: u32) -> u64 {
    let fits = |number: u64| number.checked_pow(dimensions).is_some_and(|power| power <= u64::from(entries));
    (1..=u64::from(entries)).take_while(|number| fits(*number)).last().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{MAX_NUMBERS, numbers, root};

    /// Bits as Vorbis packs them, of numbers and how many bits each has.
    fn packed(fields: &[(u64, u32)]) -> Vec<u8> {
        let bits: Vec<bool> =
            fields.iter().flat_map(|(value, count)| (0..*count).map(move |bit| value >> bit & 1 == 1)).collect();
        let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
        [b"\x05vorbis".to_vec(), bits.chunks(8).map(byte).collect()].concat()
    }

    /// A book of 131 072 codes of equal length, in some dozens of bytes.
    const LARGE: [(u64, u32); 14] = [
        (0x0056_4342, 24),
        (32, 16),
        (131_072, 24),
        (1, 1),
        (16, 5),
        (131_072, 18),
        (1, 4),
        (0, 32),
        (0, 32),
        (3, 4),
        (0, 1),
        (0, 4),
        (0, 4),
        (0, 4),
    ];
    const SMALL: [(u64, u32); 10] =
        [(0x0056_4342, 24), (2, 16), (4, 24), (0, 2), (0, 20), (1, 4), (0, 64), (3, 4), (0, 1), (0, 8)];

    #[test]
    fn a_short_book_that_unpacks_to_millions_of_numbers_is_found_out() {
        let setup = packed(&[&[(0, 8)][..], &LARGE].concat());
        assert!(setup.len() < 64);
        assert!(numbers(&setup).unwrap() > MAX_NUMBERS);
    }

    #[test]
    fn the_numbers_of_all_books_are_counted_together() {
        let one = numbers(&packed(&[&[(0, 8)][..], &SMALL].concat())).unwrap();
        let three = numbers(&packed(&[&[(2, 8)][..], &SMALL, &SMALL, &SMALL].concat())).unwrap();
        assert_eq!((one, three), (40, 120));
    }

    #[test]
    fn a_book_that_ends_too_early_is_none() {
        let setup = packed(&[&[(1, 8)][..], &SMALL].concat());
        assert_eq!(numbers(&setup), None);
    }

    #[test]
    fn as_many_values_are_told_as_their_combinations_have_entries_for() {
        assert_eq!([(361, 2), (360, 2), (1, 32), (0, 2)].map(|(entries, by)| root(entries, by)), [19, 18, 1, 0]);
    }
}
