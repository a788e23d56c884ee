//! Real files with something done to them: bits turned, pieces cut out, doubled, or put in from another file. As many as
//! `PROPTEST_CASES` says; `deploy/local/fuzz-media` goes on for minutes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::LazyLock;

use common::{look, samples};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_assert_ne, prop_oneof, proptest};
use proptest::sample::Index;
use vcare_app::ports::InspectError;
use vcare_domain::MediaType;

static PICTURES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| files("pictures"));
static DOCUMENTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| files("documents"));

fn files(folder: &str) -> Vec<Vec<u8>> {
    samples(folder).into_iter().map(|(_, bytes)| bytes).collect()
}

#[derive(Debug, Clone)]
enum Change {
    Flip { at: Index, bit: u8 },
    Set { at: Index, byte: u8 },
    CutOff { at: Index },
    CutOut { at: Index, count: usize },
    Double { at: Index, count: usize },
    Splice { from: Index, begin: Index, count: usize, at: Index },
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let count = || prop_oneof![1..16_usize, 16..2000_usize];
    // Sides and lengths stand where the outermost values do most.
    let byte = prop_oneof![Just(0), Just(0xFF), Just(0x7F), any::<u8>()];
    prop_oneof![
        4 => (at(), 0..8_u8).prop_map(|(at, bit)| Change::Flip { at, bit }),
        4 => (at(), byte).prop_map(|(at, byte)| Change::Set { at, byte }),
        1 => at().prop_map(|at| Change::CutOff { at }),
        1 => (at(), count()).prop_map(|(at, count)| Change::CutOut { at, count }),
        1 => (at(), count()).prop_map(|(at, count)| Change::Double { at, count }),
        1 => (at(), at(), count(), at()).prop_map(|(from, begin, count, at)| Change::Splice { from, begin, count, at }),
    ]
}

fn changed(files: &[Vec<u8>], which: Index, changes: &[Change]) -> Vec<u8> {
    let mut bytes = which.get(files).clone();
    for change in changes {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        match change {
            Change::Flip { at, bit } => bytes[at.index(length)] ^= 1 << bit,
            Change::Set { at, byte } => bytes[at.index(length)] = *byte,
            Change::CutOff { at } => bytes.truncate(at.index(length)),
            Change::CutOut { at, count } => {
                let at = at.index(length);
                bytes.drain(at..(at + count).min(length));
            }
            Change::Double { at, count } => {
                let at = at.index(length);
                let piece = bytes[at..(at + count).min(length)].to_vec();
                bytes.splice(at..at, piece);
            }
            Change::Splice { from, begin, count, at } => {
                let other = from.get(files);
                let begin = begin.index(other.len());
                let at = at.index(length);
                bytes.splice(at..at, other[begin..(begin + count).min(other.len())].iter().copied());
            }
        }
    }
    bytes
}

/// In front of a PNG's changed parts sums that fit: otherwise each change is found by them.
fn with_sums(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut at = 8;
    while bytes.starts_with(b"\x89PNG") && at + 12 <= bytes.len() {
        let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let Some(end) = at.checked_add(8 + length).filter(|end| end + 4 <= bytes.len()) else { break };
        let mut crc = flate2::Crc::new();
        crc.update(&bytes[at + 4..end]);
        bytes[end..end + 4].copy_from_slice(&crc.sum().to_be_bytes());
        at = end + 4;
    }
    bytes
}

proptest! {
    #[test]
    fn a_picture_with_something_done_to_it_is_refused_or_shown_within_bounds(
        which in any::<Index>(), changes in proptest::collection::vec(change(), 1..5), sums in any::<bool>(),
    ) {
        let bytes = changed(&PICTURES, which, &changes);
        let bytes = if sums { with_sums(bytes) } else { bytes };
        let shown = look(&bytes);
        prop_assert_ne!(shown.as_ref().err(), Some(&InspectError::Failed));
        if let Ok(shown) = shown && matches!(shown.media_type, MediaType::Jpeg | MediaType::Png) {
            prop_assert!(shown.bytes.len() <= bytes.len().max(2 << 20));
            let seen = image::load_from_memory(&shown.bytes);
            prop_assert!(seen.is_ok(), "{:?}", seen.err());
        }
    }

    #[test]
    fn a_document_with_something_done_to_it_is_refused_or_shown_within_bounds(
        which in any::<Index>(), changes in proptest::collection::vec(change(), 1..5),
    ) {
        let bytes = changed(&DOCUMENTS, which, &changes);
        let shown = look(&bytes);
        prop_assert_ne!(shown.as_ref().err(), Some(&InspectError::Failed));
        if let Ok(shown) = shown && shown.media_type == MediaType::Pdf {
            prop_assert!(shown.bytes.len() <= bytes.len().max(2 << 20));
            // What is written can be read, does nothing by itself, and nothing of it would be left out the next time.
            prop_assert_eq!(look(&shown.bytes).unwrap().bytes, shown.bytes);
        }
    }
}
