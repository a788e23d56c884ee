//! The first bytes of everything.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{becomes, samples};
use proptest::prelude::{any, prop_assert, proptest};
use vcare_adapters_storage::recognise;
use vcare_app::ports::Recognised;
use vcare_domain::RejectReason;

#[test]
fn what_is_taken_is_never_called_unknown_however_little_of_it_is_there() {
    let all = ["", "pictures", "documents"].into_iter().flat_map(samples);
    for (name, bytes) in all.filter(|(_, bytes)| becomes(bytes) != Err(RejectReason::UnknownType)) {
        for length in 0..=bytes.len().min(5000) {
            let found = recognise(&bytes[..length]);
            assert!(!matches!(found, Recognised::Never(_)), "{name} cut to {length}: {found:?}");
            assert!(length < 12 || found == Recognised::Possible, "{name} cut to {length}: {found:?}");
        }
    }
}

#[test]
fn what_is_not_taken_is_called_by_its_name() {
    for (bytes, name) in [
        (&b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..], Some("HEIC")),
        (b"\0\0\0\x18ftypheix", Some("HEIC")),
        (b"\0\0\0\x18ftypheim", Some("HEIC")),
        (b"\0\0\0\x18ftypheis", Some("HEIC")),
        (b"\0\0\0\x18ftyphevc", Some("HEIC")),
        (b"\0\0\0\x18ftypmif1", Some("HEIC")),
        (b"\0\0\0\x18ftypmsf1", Some("HEIC")),
        (b"\0\0\0\x18ftypavif", Some("AVIF")),
        (b"GIF89a\x01\0\x01\0", Some("GIF")),
        (b"BM\x46\0\0\0\0\0\0\0", Some("BMP")),
        (b"II*\0\x08\0\0\0", Some("TIFF")),
        (b"PK\x03\x04\x14\0\0\0", Some("a ZIP archive")),
        (b"MZ\x90\0\x03\0\0\0", Some("a program")),
        (b"RIFF\0\0\0\0AVI LIST", Some("a video")),
        (b"caff\0\x01\0\0", Some("CAF")),
        (b"  <svg xmlns='http://www.w3.org/2000/svg'>", Some("SVG")),
        (b"<!DOCTYPE html><script>", Some("HTML")),
        (b"My name is Ana and I cough.", None),
        (b"\0\0\0\0\0\0\0\0\0\0\0\0", None),
    ] {
        assert_eq!(recognise(bytes), Recognised::Never(name), "{}", String::from_utf8_lossy(bytes));
        assert_eq!(becomes(bytes), Err(RejectReason::UnknownType), "{name:?}");
    }
}

#[test]
fn what_may_become_something_that_is_taken_is_waited_for() {
    for bytes in [
        &b""[..],
        b"\xFF",
        b"\x89P",
        b"RIFF\0\0\0\0",
        b"RIFF\0\0\0\0W",
        b"\0\0\0\x18",
        b"BM\0\0ft",
        b"BM\0\0ftyphei",
        b"%PD",
    ] {
        assert_eq!(recognise(bytes), Recognised::TooShort, "{bytes:?}");
    }
    for bytes in [
        &b"#!AMR\n"[..],
        b"\xFF\xF1\x50\x80",
        b"\xFF\xF9\x50",
        b"\xFF\xF0\x50\x80",
        b"\xFF\xF8\x50\x80",
        b"\0\0\0\x18ftyp3gp4",
        b"\0\0\0\x18ftypM4A ",
        b"\xFF\xFB\x90",
    ] {
        assert_eq!(recognise(bytes), Recognised::Possible, "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn what_is_called_unknown_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40), name in 0..18_usize) {
        const BEGINNINGS: [&[u8]; 18] = [
            b"", b"\xFF", b"\xFF\xD8", b"\x89PNG", b"RIFF", b"RIFF\0\0\0\0WEBP", b"RIFF\0\0\0\0WAVE", b"Ogg", b"ID3", b"\0\0\0\x14ftyp",
            b"BM\0\0ftypM4A ", b"MZ\0\0ftyp", b"%PDF", b"\x1A\x45\xDF\xA3",
            b"\xFF\xF0", b"\xFF\xF1", b"\xFF\xF8", b"\xFF\xF9",
        ];
        let bytes = [BEGINNINGS[name], &bytes].concat();
        for length in 0..bytes.len() {
            let unknown = matches!(recognise(&bytes[..length]), Recognised::Never(_));
            prop_assert!(!unknown || becomes(&bytes) == Err(RejectReason::UnknownType), "{:?} at {}", bytes, length);
        }
    }
}
