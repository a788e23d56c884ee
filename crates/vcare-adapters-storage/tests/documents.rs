//! Documents: what is shown of them, and what is not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::io::{Read as _, Write as _};

use bytes::Bytes;
use common::{becomes, look, look_at, sample, samples};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use vcare_app::ports::InspectError;
use vcare_domain::RejectReason::{self, ActiveContent, Damaged, Encrypted, NotAPicture, TooManyPixels};
use vcare_domain::{MediaType, UploadKind};

const TABLE: &[(&str, Result<(), RejectReason>)] = &[
    ("small.pdf", Ok(())),
    ("plain.pdf", Ok(())),
    ("plain-text.pdf", Ok(())),
    ("object-streams.pdf", Ok(())),
    ("linearised.pdf", Ok(())),
    ("linearised-object-streams.pdf", Ok(())),
    ("updated.pdf", Ok(())),
    ("with-a-photo.pdf", Ok(())),
    ("from-a-browser.pdf", Ok(())),
    ("from-ghostscript.pdf", Ok(())),
    ("length-elsewhere.pdf", Ok(())),
    ("opens-a-page.pdf", Ok(())),
    ("opens-a-page-by-action.pdf", Ok(())),
    ("opens-a-link.pdf", Err(ActiveContent)),
    ("when-opened.pdf", Err(ActiveContent)),
    ("javascript.pdf", Err(ActiveContent)),
    ("javascript-named.pdf", Err(ActiveContent)),
    ("javascript-named-packed.pdf", Err(ActiveContent)),
    ("javascript-escaped.pdf", Err(ActiveContent)),
    ("javascript-escaped-packed.pdf", Err(ActiveContent)),
    ("nobody-s-javascript.pdf", Err(ActiveContent)),
    ("script-link.pdf", Err(ActiveContent)),
    ("launch.pdf", Err(ActiveContent)),
    ("other-file.pdf", Err(ActiveContent)),
    ("sends-a-form.pdf", Err(ActiveContent)),
    ("xfa.pdf", Err(ActiveContent)),
    ("film.pdf", Err(ActiveContent)),
    ("embedded-file.pdf", Err(ActiveContent)),
    ("embedded-file-packed.pdf", Err(ActiveContent)),
    ("encrypted.pdf", Err(Encrypted)),
    ("locked.pdf", Err(Encrypted)),
];

fn good() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    TABLE.iter().filter(|(_, shown)| shown.is_ok()).map(|(name, _)| (*name, sample(&format!("documents/{name}"))))
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|part| part == text)
}

/// A document's bytes, and behind them everything that is packed in it.
fn unpacked(document: &[u8]) -> Vec<u8> {
    let mut all = document.to_vec();
    for at in (0..document.len()).filter(|at| document[*at..].starts_with(b"stream\n")) {
        // What is not packed says so.
        let _ = ZlibDecoder::new(&document[at + 7..]).read_to_end(&mut all);
    }
    all
}

#[test]
fn each_document_is_shown_or_refused_as_the_table_says() {
    for (name, bytes) in samples("documents") {
        let (_, expected) = TABLE.iter().find(|(row, _)| *row == name).unwrap_or_else(|| panic!("{name} is in no row"));
        assert_eq!(becomes(&bytes), expected.map(|()| MediaType::Pdf), "{name}");
    }
}

#[test]
fn a_document_is_written_anew_without_what_says_who_wrote_it() {
    for (name, came) in good() {
        let shown = look(&came).unwrap();
        let said = unpacked(&shown.bytes);
        assert!(contains(&said, b"/Catalog"), "{name}: otherwise this says nothing");
        for secret in
            [&b"Ana Example"[..], b"ReportLab", b"/Info", b"/Metadata", b"/OpenAction", b"Exif", b"CreationDate"]
        {
            assert!(!contains(&said, secret), "{name}: {}", String::from_utf8_lossy(secret));
        }
        assert!(shown.bytes.len() <= came.len().max(2 << 20), "{name}");
        // What is written is what we would write of it.
        assert_eq!(look(&shown.bytes).unwrap().bytes, shown.bytes, "{name}");
    }
    let has = |name: &str, secret: &[u8]| contains(&sample(&format!("documents/{name}")), secret);
    assert!(has("plain.pdf", b"Ana Example") && has("with-a-photo.pdf", b"Exif"), "otherwise this says nothing");
}

#[test]
fn pages_are_as_they_were() {
    let text = look(&sample("documents/plain-text.pdf")).unwrap();
    assert!(contains(&text.bytes, b"(Haemoglobin) Tj"), "the text of a page");
    let small = look(&sample("documents/length-elsewhere.pdf")).unwrap();
    assert!(contains(&small.bytes, b"stream\nBT /F1 24 Tf 72 700 Td (Report) Tj ET\nendstream"), "the whole of a page");
}

#[test]
fn the_last_version_of_a_page_is_the_one_that_is_shown() {
    let (first, updated) =
        (look(&sample("documents/small.pdf")).unwrap(), look(&sample("documents/updated.pdf")).unwrap());
    assert_ne!(first.bytes, updated.bytes);
    let cut = sample("documents/updated.pdf");
    let before = cut.windows(5).position(|five| five == b"%%EOF").unwrap() + 6;
    assert_eq!(look(&cut[..before]).unwrap().bytes, first.bytes);
}

#[test]
fn a_document_that_was_cut_is_damaged() {
    for (name, whole) in good() {
        // The first version of a document that was changed is a whole one.
        for percent in [2, 10, 50, 90, 99].into_iter().filter(|_| name != "updated.pdf") {
            let length = (whole.len() * percent / 100).max(8);
            assert_eq!(becomes(&whole[..length]), Err(Damaged), "{percent} % of {name}");
        }
        assert_eq!(becomes(&whole[..whole.len() - 7]), Err(Damaged), "{name} without its last bytes");
    }
}

#[test]
fn packed_objects_are_no_object_of_what_is_written() {
    // The catalog names the stream in which the fourth object is packed, and which would pack it once more.
    let packed = stream("/Type /ObjStm /N 1 /First 4", b"1 0 <</Type /Catalog /Pages 2 0 R /More 4 0 R>>");
    let shown = look(&document(&[packed])).unwrap();
    assert!(!contains(&shown.bytes, b"/ObjStm /N 1 /First 4"));
    assert_eq!(look(&shown.bytes).unwrap().bytes, shown.bytes);
}

#[test]
fn a_preview_is_a_picture_and_no_document() {
    let shown = look_at(UploadKind::Preview, Bytes::from(sample("documents/small.pdf")));
    assert_eq!(shown.err(), Some(InspectError::Rejected(NotAPicture)));
}

/// A document with these objects behind those that every document has.
fn document(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut made = b"%PDF-1.7\n1 0 obj <</Type /Catalog /Pages 2 0 R /More 4 0 R>> endobj\n\
        2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj\n\
        3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 9 9]>> endobj\n"
        .to_vec();
    for (number, object) in (4..).zip(objects) {
        made.extend_from_slice(format!("{number} 0 obj ").as_bytes());
        made.extend_from_slice(object);
        made.extend_from_slice(b" endobj\n");
    }
    made.extend_from_slice(b"trailer <</Root 1 0 R>>\nstartxref\n0\n%%EOF\n");
    made
}

fn stream(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("<<{dictionary} /Length {}>>\nstream\n", data.len());
    [head.as_bytes(), data, b"\nendstream"].concat()
}

/// Some bytes, and so many spaces.
fn packed(begin: &[u8], count: usize) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(begin).unwrap();
    let megabyte = vec![b' '; 1 << 20];
    for _ in 0..count >> 20 {
        packed.write_all(&megabyte).unwrap();
    }
    packed.finish().unwrap()
}

#[test]
fn what_unpacks_to_far_more_than_came_is_refused() {
    let objects =
        |count: usize| stream("/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode", &packed(b"5 0 null", count));
    assert_eq!(becomes(&document(&[objects(30 << 20)])), Ok(MediaType::Pdf), "packed objects of 30 MiB");
    assert_eq!(becomes(&document(&[objects(33 << 20)])), Err(Damaged), "packed objects of 33 MiB");
    assert_eq!(becomes(&document(&[objects(20 << 20), objects(20 << 20)])), Err(Damaged), "packed objects of 40 MiB");
    let pages = |count: u32| {
        let all: String = (5..5 + count).map(|number| format!("{number} 0 R ")).collect();
        let page = stream("/Filter /FlateDecode", &packed(b"", 64 << 20));
        document(&[&[format!("[{all}]").into_bytes()][..], &vec![page; count as usize]].concat())
    };
    assert_eq!(becomes(&pages(8)), Ok(MediaType::Pdf), "pages of 512 MiB");
    assert_eq!(becomes(&pages(9)), Err(Damaged), "pages of 576 MiB");
    let twice = stream("/Filter [/FlateDecode /FlateDecode]", &packed(b"", 1 << 20));
    assert_eq!(becomes(&document(&[twice])), Err(Damaged), "packed twice");
    let picture =
        stream("/Subtype /Image /Width 60000 /Height 60000 /BitsPerComponent 1 /Filter /CCITTFaxDecode", b"0");
    assert_eq!(becomes(&document(&[picture])), Err(TooManyPixels));
}

#[test]
fn what_stands_deep_or_in_great_number_is_refused() {
    let nested = |depth: usize| document(&[[vec![b'['; depth], vec![b']'; depth]].concat()]);
    assert_eq!(becomes(&nested(60)), Ok(MediaType::Pdf));
    assert_eq!(becomes(&nested(70)), Err(Damaged));
    assert_eq!(becomes(&nested(1_000_000)), Err(Damaged));
    let many: Vec<_> = (0..200_001).map(|_| b"0".to_vec()).collect();
    assert_eq!(becomes(&document(&many)), Err(Damaged));
}

#[test]
fn a_script_behind_whatever_disguise_is_found() {
    for script in [
        "<</S /JavaScript>>",
        "<< /S/Java#53cript >>",
        "<</S%\n/JavaScript>>",
        "[[[<</A <</JS (x)>>>>]]]",
        "<</Names <</EmbeddedFiles 1 0 R>>>>",
        "<</Type /Filespec /EF <</F 1 0 R>>>>",
        "<</Type /Annot /AA 1 0 R>>",
        "<</S /URI /URI (file:///etc/passwd)>>",
        "<</S /URI /URI <6A6176617363726970743A616C657274>>>",
        "<</S /URI /URI 5 0 R>>",
    ] {
        assert_eq!(becomes(&document(&[script.as_bytes().to_vec()])), Err(ActiveContent), "{script}");
        let packed = format!("4 0 {script}");
        let packed = stream(&format!("/Type /ObjStm /N 1 /First {}", 4), packed.as_bytes());
        assert_eq!(becomes(&document(&[b"null".to_vec(), packed])), Err(ActiveContent), "{script}, packed");
    }
    for harmless in
        ["<</S /URI /URI (https://laboratory.example)>>", "(/JavaScript)", "<</BM /Screen>>", "<</AAA 1 0 R>>"]
    {
        assert_eq!(becomes(&document(&[harmless.as_bytes().to_vec()])), Ok(MediaType::Pdf), "{harmless}");
    }
}

#[test]
fn a_large_document_in_which_nothing_can_be_made_smaller_is_shown() {
    let mut seed = 1_u32;
    let noise = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 24) as u8
    });
    let scan: Vec<u8> = noise.take(3 << 20).collect();
    let came = document(&[stream("", &scan)]);
    let shown = look(&came).unwrap();
    assert!(contains(&shown.bytes, &scan[..100]) && shown.bytes.len() < came.len() + (64 << 10));
}
