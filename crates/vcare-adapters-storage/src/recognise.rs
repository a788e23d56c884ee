//! What something is, from its first bytes: so that nobody sends megabytes that are refused at their end.

use vcare_app::ports::Recognised;

use crate::audio;

/// How many bytes are looked at.
const ENOUGH: usize = 4096;

/// The beginnings of what may be taken: what [`Inspector`](crate::Inspector) goes by. Where there is nothing said, any byte may
/// stand.
const TAKEN: [(usize, &[u8]); 10] = [
    (0, b"\xFF\xD8\xFF"),
    (0, b"\x89PNG\r\n\x1A\n"),
    (8, b"WEBP"),
    (8, b"WAVE"),
    (0, b"OggS"),
    (0, b"\x1A\x45\xDF\xA3"),
    (0, b"ID3"),
    (0, b"#!AMR"),
    (0, b"%PDF-"),
    (4, b"ftyp"),
];

/// What surely is none of these, by name.
const OTHERS: [(usize, &[u8], &str); 22] = [
    (0, b"GIF8", "GIF"),
    (0, b"BM", "BMP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"PK\x05\x06", "a ZIP archive"),
    (0, b"MZ", "a program"),
    (0, b"\x7FELF", "a program"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (0, b"\x1F\x8B", "a GZIP archive"),
    (0, b"\xD0\xCF\x11\xE0", "a Word document"),
    (0, b"{\\rtf", "RTF"),
    (0, b"fLaC", "FLAC"),
    (0, b"caff", "CAF"),
    (0, b"FORM", "AIFF"),
    (0, b"FLV", "a video"),
    (0, b"\0\0\x01\xBA", "a video"),
    (0, b"\0\0\0\x0CjP  ", "JPEG 2000"),
    (0, b"\xFF\x0A", "JPEG XL"),
    (0, b"\0\0\0\x0CJXL ", "JPEG XL"),
    (0, b"\x30\x26\xB2\x75\x8E\x66\xCF\x11", "WMA"),
];

/// Brands of what begins like a voice note of a telephone and is a picture.
const PICTURE_BRANDS: [(&[u8; 4], &str); 10] = [
    (b"heic", "HEIC"),
    (b"heix", "HEIC"),
    (b"heim", "HEIC"),
    (b"heis", "HEIC"),
    (b"hevc", "HEIC"),
    (b"hevx", "HEIC"),
    (b"mif1", "HEIC"),
    (b"msf1", "HEIC"),
    (b"avif", "AVIF"),
    (b"avis", "AVIF"),
];

/// The format of a picture that begins like a sound, if it is one.
pub(crate) fn picture_brand(bytes: &[u8]) -> Option<&'static str> {
    let brand = bytes.get(8..12).filter(|_| bytes.get(4..8) == Some(b"ftyp"))?;
    PICTURE_BRANDS.iter().find(|(name, _)| brand == *name).map(|(_, format)| *format)
}

/// Whether these bytes may still become something that has that there.
fn may_be(bytes: &[u8], from: usize, text: &[u8]) -> bool {
    bytes.iter().skip(from).zip(text).all(|(found, wanted)| found == wanted)
}

/// Tells from the first bytes of something whether it may be taken. Of more than 4 KiB only the first are looked at. It never
/// says [`Recognised::Never`] of what [`Inspector`](crate::Inspector) would take.
///
/// ```
/// use vcare_adapters_storage::recognise;
/// use vcare_app::ports::Recognised;
///
/// assert_eq!(recognise(b"%PDF-1.7"), Recognised::Possible);
/// assert_eq!(recognise(b"\0\0\0\x18ftypheic"), Recognised::Never(Some("HEIC")));
/// assert_eq!(recognise(b"\0\0\0"), Recognised::TooShort);
/// ```
#[must_use]
pub fn recognise(first_bytes: &[u8]) -> Recognised {
    let bytes = first_bytes.get(..ENOUGH).unwrap_or(first_bytes);
    if let Some(format) = picture_brand(bytes) {
        return Recognised::Never(Some(format));
    }
    let riff = bytes.starts_with(b"RIFF");
    let fits = |from: usize, text: &[u8]| match from {
        // WebP and WAV: which, stands behind the length.
        8 => may_be(bytes, 0, b"RIFF") && may_be(bytes, 8, text),
        _ => may_be(bytes, from, text),
    };
    // MP3 without a title, and AAC, begin with the first bits of their first frame.
    let mut whole = audio::frames_begin(bytes);
    let mut begun = whole || matches!(bytes, [] | [0xFF]);
    for (from, text) in TAKEN.into_iter().filter(|(from, text)| fits(*from, text)) {
        begun = true;
        // A picture with the marks of a sound is known by its brand, four bytes further.
        let all = from + text.len() + if from == 4 { 4 } else { 0 };
        whole = whole || bytes.len() >= all;
    }
    if whole {
        return Recognised::Possible;
    }
    if begun {
        return Recognised::TooShort;
    }
    if riff {
        return Recognised::Never((bytes.get(8..12) == Some(b"AVI ")).then_some("a video"));
    }
    if let Some((.., name)) =
        OTHERS.iter().find(|(from, text, _)| bytes.len() >= from + text.len() && fits(*from, text))
    {
        return Recognised::Never(Some(name));
    }
    let text = bytes.trim_ascii_start();
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let begins = |tag: &[u8]| text.get(..tag.len()).is_some_and(|found| found.eq_ignore_ascii_case(tag));
    match () {
        () if begins(b"<svg") => Recognised::Never(Some("SVG")),
        () if begins(b"<!doctype html") || begins(b"<html") => Recognised::Never(Some("HTML")),
        () => Recognised::Never(None),
    }
}
