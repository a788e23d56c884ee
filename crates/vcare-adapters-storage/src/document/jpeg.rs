//! Photos on a document's pages, without what a camera says of them.

/// A JPEG without its segments of text, place and device. What cannot be read as one stays as it is.
pub(super) fn without_remarks(jpeg: &[u8]) -> Vec<u8> {
    cleaned(jpeg).unwrap_or_else(|| jpeg.to_vec())
}

fn cleaned(jpeg: &[u8]) -> Option<Vec<u8>> {
    let mut rest = jpeg.strip_prefix(b"\xFF\xD8")?;
    let mut clean = Vec::with_capacity(jpeg.len());
    clean.extend_from_slice(b"\xFF\xD8");
    loop {
        let [0xFF, marker, high, low, ..] = rest else { return None };
        if *marker == 0xDA {
            clean.extend_from_slice(rest);
            return Some(clean);
        }
        let length = usize::from(u16::from_be_bytes([*high, *low])) + 2;
        let segment = rest.get(..length)?;
        // Adobe's segment says what the colours are, JFIF's does, and that of profiles.
        let kept = !matches!(marker, 0xE1 | 0xE3..=0xED | 0xEF | 0xFE);
        if kept {
            clean.extend_from_slice(segment);
        }
        rest = rest.get(length..)?;
    }
}
