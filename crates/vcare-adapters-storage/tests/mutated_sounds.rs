//! Recordings that were damaged on the way, or on purpose: whatever comes, the inspector says what it is or refuses it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "sounds/samples.rs"]
#[expect(dead_code, reason = "what becomes of the samples when they are whole is not asked here")]
mod samples;

use bytes::Bytes;
use proptest::prelude::{Just, any, prop_oneof, proptest};
use proptest::sample::Index;
use proptest::strategy::Strategy;
use samples::SAMPLES;
use vcare_adapters_storage::Inspector;
use vcare_app::ports::{ContentInspector, InspectError};
use vcare_domain::{MAX_UPLOAD_BYTES, UploadKind};

/// What happens to a file.
#[derive(Debug, Clone)]
enum Damage {
    /// A byte becomes another.
    Byte(Index, u8),
    /// Four bytes become a number that many sizes and counts begin to hurt at.
    Number(Index, u32),
    /// It ends there.
    Cut(Index),
    /// A piece of it comes twice.
    Twice(Index, Index),
    /// A piece of it is missing.
    Without(Index, Index),
    /// From there on it is another file.
    Splice(Index, Index, Index),
}

impl Damage {
    fn done(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        if bytes.is_empty() {
            return bytes;
        }
        let length = bytes.len();
        let piece = |from: &Index, to: &Index| {
            let (one, other) = (from.index(length), to.index(length));
            one.min(other)..one.max(other)
        };
        match self {
            Self::Byte(at, byte) => bytes[at.index(length)] = *byte,
            Self::Number(at, number) => {
                let at = at.index(length);
                bytes.iter_mut().skip(at).zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
            }
            Self::Cut(at) => bytes.truncate(at.index(length)),
            Self::Twice(from, to) => {
                let piece = piece(from, to);
                let again = bytes[piece.clone()].to_vec();
                bytes.splice(piece.end..piece.end, again);
            }
            Self::Without(from, to) => drop(bytes.drain(piece(from, to))),
            Self::Splice(at, other, from) => {
                let other = SAMPLES[other.index(SAMPLES.len())].bytes;
                bytes.truncate(at.index(length));
                bytes.extend_from_slice(&other[from.index(other.len())..]);
            }
        }
        bytes
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let byte = prop_oneof![Just(0), Just(255), any::<u8>()];
    let number = prop_oneof![Just(0), Just(1), Just(0xFFFF), Just(0x7FFF_FFFF), Just(u32::MAX), Just(0x0100_0000)];
    prop_oneof![
        4 => (any::<Index>(), byte).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        2 => (any::<Index>(), number).prop_map(|(at, number)| Damage::Number(at, number)),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => any::<(Index, Index)>().prop_map(|(from, to)| Damage::Twice(from, to)),
        1 => any::<(Index, Index)>().prop_map(|(from, to)| Damage::Without(from, to)),
        1 => any::<(Index, Index, Index)>().prop_map(|(at, other, from)| Damage::Splice(at, other, from)),
    ]
}

/// Ogg refuses a page whose checksum is wrong: to get behind that, pages are made whole again.
fn made_whole(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut at = 0;
    while bytes[at..].starts_with(b"OggS") && bytes.len() >= at + 27 {
        let table = at + 27..at + 27 + usize::from(bytes[at + 26]);
        let Some(lengths) = bytes.get(table.clone()) else { break };
        let end = table.end + lengths.iter().map(|length| usize::from(*length)).sum::<usize>();
        if end > bytes.len() {
            break;
        }
        bytes[at + 22..at + 26].fill(0);
        let mut sum = 0_u32;
        for byte in &bytes[at..end] {
            sum ^= u32::from(*byte) << 24;
            for _ in 0..8 {
                sum = if sum >> 31 == 1 { sum << 1 ^ 0x04c1_1db7 } else { sum << 1 };
            }
        }
        bytes[at + 22..at + 26].copy_from_slice(&sum.to_le_bytes());
        at = end;
    }
    bytes
}

// `PROPTEST_CASES` says how many; the 256 without it take seconds.
proptest! {
    #[test]
    fn whatever_is_damaged_is_refused_or_written_anew_and_brings_nothing_down(
        which in 0..SAMPLES.len(),
        damages in proptest::collection::vec(damage(), 1..4),
    ) {
        let damaged = damages.iter().fold(SAMPLES[which].bytes.to_vec(), |bytes, damage| damage.done(bytes));
        let damaged = made_whole(damaged);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let inspector = Inspector::default();
        match runtime.block_on(inspector.inspect(UploadKind::Original, Bytes::from(damaged))) {
            Ok(shown) => assert!(!shown.bytes.is_empty() && shown.bytes.len() <= MAX_UPLOAD_BYTES as usize),
            Err(InspectError::Rejected(_)) => {}
            Err(InspectError::Failed) => panic!("{} brought the inspector down", SAMPLES[which].name),
        }
    }
}
