//! Pictures of which not everything arrived, and those that only look like it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{becomes, sample, samples};
use vcare_domain::{MediaType, RejectReason};

/// Of these something else is the matter.
const NOT_WHOLE: [&str; 4] = ["photo-cut-in-half.jpg", "arithmetic.jpg", "one-by-one.jpg", "odd-sampling.jpg"];

#[test]
fn a_picture_that_was_cut_is_damaged() {
    for (name, whole) in samples("pictures").into_iter().filter(|(name, _)| !NOT_WHOLE.contains(&name.as_str())) {
        for percent in [2, 10, 50, 90] {
            let length = (whole.len() * percent / 100).max(16);
            assert_eq!(becomes(&whole[..length]), Err(RejectReason::Damaged), "{percent} % of {name}");
        }
    }
}

#[test]
fn a_picture_that_lacks_its_last_bytes_is_damaged() {
    for (name, whole) in samples("pictures").into_iter().filter(|(name, _)| !NOT_WHOLE.contains(&name.as_str())) {
        // Of a photo without its end marker the last byte is the picture's.
        let end = if name.ends_with(".jpg") && name != "photo-without-end-marker.jpg" { 2 } else { 0 };
        for lacking in end + 2..end + 40 {
            let cut = &whole[..whole.len() - lacking];
            assert_eq!(becomes(cut), Err(RejectReason::Damaged), "{name} without its last {lacking} bytes");
        }
    }
}

#[test]
fn a_picture_that_was_cut_is_damaged_also_when_somebody_has_put_an_end_to_it() {
    for (name, whole) in samples("pictures").into_iter().filter(|(name, _)| name.ends_with(".jpg")) {
        // A progressive picture without its last scans is one with less detail.
        if NOT_WHOLE.contains(&name.as_str()) || name.starts_with("progressive") {
            continue;
        }
        for percent in [30, 50, 90] {
            let cut = [&whole[..whole.len() * percent / 100], b"\xFF\xD9"].concat();
            assert_eq!(becomes(&cut), Err(RejectReason::Damaged), "{percent} % of {name}");
        }
    }
}

#[test]
fn a_photo_that_lacks_only_its_end_marker_is_good() {
    for (name, whole) in samples("pictures").into_iter().filter(|(name, _)| name.ends_with(".jpg")) {
        if let Some(without) = whole.strip_suffix(b"\xFF\xD9")
            && !NOT_WHOLE.contains(&name.as_str())
        {
            assert_eq!(becomes(without), Ok(MediaType::Jpeg), "{name}");
        }
    }
    assert_eq!(becomes(&sample("pictures/photo-without-end-marker.jpg")), Ok(MediaType::Jpeg));
}

#[test]
fn a_progressive_photo_without_its_last_scan_and_its_end_marker_is_damaged() {
    let whole = sample("pictures/progressive.jpg");
    let last_scan = whole.windows(2).rposition(|pair| pair == b"\xFF\xDA").unwrap();
    // The codes of the last scan stand before it.
    let codes = whole[..last_scan].windows(2).rposition(|pair| pair == b"\xFF\xC4").unwrap();
    for end in [last_scan, codes] {
        assert_eq!(becomes(&whole[..end]), Err(RejectReason::Damaged));
    }
}

#[test]
fn a_png_whose_palette_is_lost_is_damaged() {
    let mut picture = sample("pictures/palette.png");
    let palette = picture.windows(4).position(|four| four == b"PLTE").unwrap();
    let length = u32::from_be_bytes(picture[palette - 4..palette].try_into().unwrap()) as usize;
    picture.drain(palette - 4..palette + length + 8);
    assert_eq!(becomes(&picture), Err(RejectReason::Damaged));
}
