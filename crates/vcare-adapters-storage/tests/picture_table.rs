//! What a clinician sees of each kind of picture: the table, and that it is the picture that was sent and nothing else of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{becomes, exif, look, sample, with_segment};
use image::DynamicImage;
use image::metadata::Orientation;
use vcare_domain::MediaType::{self, Jpeg, Png};
use vcare_domain::RejectReason::{self, Damaged};

/// Of 255, for each channel: what the eye does not see.
const CLOSE: f64 = 1.5;
/// Colours at half the sides where they stood at all before: a little is seen at hard edges.
const NEAR: f64 = 4.5;
/// Of noise in which no colour is like the one beside it little is left.
const NOISE: f64 = 13.0;
const SAME: f64 = 0.0;

type Shown = Result<(MediaType, f64), RejectReason>;

/// File, and the type that is shown with how far the pixels may be from those that came, or the reason why nothing is.
const TABLE: &[(&str, Shown)] = &[
    ("baseline.jpg", Ok((Jpeg, CLOSE))),
    ("progressive.jpg", Ok((Jpeg, CLOSE))),
    ("restart.jpg", Ok((Jpeg, CLOSE))),
    ("progressive-restart.jpg", Ok((Jpeg, NEAR))),
    // Each colour in a scan of its own, and some with fewer points: the decoder makes another picture of it.
    ("one-by-one.jpg", Err(Damaged)),
    ("one-by-one-full-colour.jpg", Ok((Jpeg, NEAR))),
    // More points for colour than for brightness: the same.
    ("odd-sampling.jpg", Err(Damaged)),
    ("grey.jpg", Ok((Jpeg, CLOSE))),
    ("full-colour.jpg", Ok((Jpeg, NEAR))),
    ("half-across.jpg", Ok((Jpeg, NEAR))),
    ("half-down.jpg", Ok((Jpeg, NEAR))),
    ("inks.jpg", Ok((Jpeg, NEAR))),
    ("rgb.jpg", Ok((Jpeg, NEAR))),
    ("photo-without-end-marker.jpg", Ok((Jpeg, NOISE))),
    ("photo-cut-in-half.jpg", Err(Damaged)),
    ("arithmetic.jpg", Err(Damaged)),
    ("colours.png", Ok((Png, SAME))),
    ("with-text.png", Ok((Png, SAME))),
    ("palette.png", Ok((Png, SAME))),
    ("palette-glass.png", Ok((Png, SAME))),
    ("glass.png", Ok((Png, SAME))),
    ("grey.png", Ok((Png, SAME))),
    ("grey-glass.png", Ok((Png, SAME))),
    ("grey-16.png", Ok((Png, SAME))),
    ("colours-16.png", Ok((Png, SAME))),
    ("two-colours.png", Ok((Png, SAME))),
    ("interlaced.png", Ok((Png, SAME))),
    ("interlaced-4.png", Ok((Png, SAME))),
    ("interlaced-glass-16.png", Ok((Png, SAME))),
    ("lossy.webp", Ok((Jpeg, NEAR))),
    ("lossless.webp", Ok((Jpeg, NEAR))),
    ("lossy-glass.webp", Ok((Png, SAME))),
    ("lossless-glass.webp", Ok((Png, SAME))),
    ("animated.webp", Ok((Jpeg, NEAR))),
];

/// The mean difference of two pictures, for each of four channels.
fn apart(one: &DynamicImage, other: &DynamicImage) -> [f64; 4] {
    assert_eq!((one.width(), one.height()), (other.width(), other.height()));
    let (one, other) = (one.to_rgba16(), other.to_rgba16());
    let mut sums = [0.0; 4];
    for (one, other) in one.pixels().zip(other.pixels()) {
        for (channel, sum) in sums.iter_mut().enumerate() {
            *sum += f64::from(one.0[channel].abs_diff(other.0[channel])) / 257.0;
        }
    }
    sums.map(|sum| sum / f64::from(one.width() * one.height()))
}

/// Which samples show `colours.png`. Our decoder takes part in every other comparison, and might be wrong in both pictures.
const ONE_PICTURE: [&str; 15] = [
    "baseline.jpg",
    "progressive.jpg",
    "restart.jpg",
    "progressive-restart.jpg",
    "one-by-one-full-colour.jpg",
    "full-colour.jpg",
    "half-across.jpg",
    "half-down.jpg",
    "inks.jpg",
    "rgb.jpg",
    "with-text.png",
    "interlaced.png",
    "lossy.webp",
    "lossless.webp",
    "animated.webp",
];

#[test]
fn what_is_shown_is_the_picture_from_which_the_samples_were_made() {
    let made_from = image::load_from_memory(&sample("pictures/colours.png")).unwrap();
    for name in ONE_PICTURE {
        let shown = look(&sample(&format!("pictures/{name}"))).unwrap();
        let apart = apart(&made_from, &image::load_from_memory(&shown.bytes).unwrap());
        assert!(apart.iter().all(|channel| *channel <= 6.0), "{name}: {apart:?}");
    }
}

fn assert_shown(what: &str, came: &[u8], upright: &DynamicImage, media_type: MediaType, most: f64) {
    let shown = look(came).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(shown.media_type, media_type, "{what}");
    let seen = image::load_from_memory(&shown.bytes).unwrap();
    let apart = apart(upright, &seen);
    assert!(apart.iter().all(|channel| *channel <= most), "{what}: {apart:?} of at most {most}");
    if came.starts_with(b"\xFF\xD8") {
        assert!(shown.bytes.len() <= came.len(), "{what}: {} bytes came, {} are shown", came.len(), shown.bytes.len());
    }
    for secret in [&b"Exif"[..], b"Example", b"38.7223", b"http", b"tEXt", b"iTXt", b"eXIf", b"Adobe", b"MPF"] {
        let found = shown.bytes.windows(secret.len()).any(|part| part == secret);
        assert!(!found, "{what}: {}", String::from_utf8_lossy(secret));
    }
}

#[test]
fn each_kind_of_picture_is_shown_as_the_table_says() {
    for (name, shown) in TABLE {
        let came = sample(&format!("pictures/{name}"));
        match shown {
            Ok((media_type, most)) => {
                let decoded = image::load_from_memory(&came).unwrap();
                assert_shown(name, &came, &decoded, *media_type, *most);
            }
            Err(reason) => assert_eq!(becomes(&came), Err(*reason), "{name}"),
        }
    }
    let files = common::samples("pictures").into_iter().map(|(name, _)| name);
    let left_out: Vec<_> = files.filter(|file| !TABLE.iter().any(|(name, _)| file == name)).collect();
    assert!(left_out.is_empty(), "not in the table: {left_out:?}");
}

#[test]
fn every_picture_comes_upright() {
    for (name, most) in [("baseline.jpg", NEAR), ("grey.jpg", CLOSE), ("lossy.webp", NEAR), ("glass.png", SAME)] {
        let file = sample(&format!("pictures/{name}"));
        for number in 1..=8_u8 {
            let mut upright = image::load_from_memory(&file).unwrap();
            upright.apply_orientation(Orientation::from_exif(number).unwrap());
            let exif = exif(number.into());
            let (came, media_type) = match name.rsplit_once('.').unwrap().1 {
                "jpg" => (with_segment(&file, 0xE1, &[b"Exif\0\0", &exif[..]].concat()), Jpeg),
                "png" => (with_chunk(&file, b"eXIf", &exif), Png),
                _ => (extended(&file, &exif), Jpeg),
            };
            assert_shown(&format!("{name}, side {number}"), &came, &upright, media_type, most);
        }
    }
}

/// A PNG with a chunk behind its head.
fn with_chunk(png: &[u8], name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(name);
    crc.update(content);
    let (head, rest) = png.split_at(33);
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [head, &length, name, content, &crc.sum().to_be_bytes(), rest].concat()
}

/// A lossy WebP with what a camera says of it.
fn extended(webp: &[u8], exif: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let decoded = image::load_from_memory(webp).unwrap();
    let side = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
    let head = [&[0x08, 0, 0, 0][..], &side(decoded.width()), &side(decoded.height())].concat();
    let chunks = [b"WEBPVP8X", &length(&head)[..], &head, &webp[12..], b"EXIF", &length(exif), exif].concat();
    [b"RIFF", &length(&chunks)[..], &chunks].concat()
}

#[test]
fn what_stands_behind_a_photo_is_passed_over() {
    for name in ["baseline.jpg", "progressive.jpg", "restart.jpg"] {
        let photo = sample(&format!("pictures/{name}"));
        let decoded = image::load_from_memory(&photo).unwrap();
        let second = sample("pictures/grey.jpg");
        let mpf = with_segment(&photo, 0xE2, b"MPF\0II*\0\x08\0\0\0\0\0\0\0\0\0");
        for (what, came) in [
            (
                "a maker's trailer",
                [&photo[..], b"\0\0\x01\x0A\x0E\0\0\0Image_UTC_Data1700000000SEFH by Ana Example"].concat(),
            ),
            ("a second picture", [&mpf[..], &second].concat()),
            ("zeros", [&photo[..], &[0; 5000]].concat()),
        ] {
            assert_shown(&format!("{name} and {what}"), &came, &decoded, Jpeg, CLOSE);
        }
    }
}

/// The tables of quantisation of a JPEG.
fn tables(jpeg: &[u8]) -> Vec<&[u8]> {
    let begins = jpeg.windows(4).enumerate().filter(|(_, four)| four == b"\xFF\xDB\0\x43");
    begins.map(|(at, _)| &jpeg[at + 5..at + 69]).collect()
}

#[test]
fn a_photo_keeps_its_quality_up_to_85_of_100() {
    let came = sample("pictures/baseline.jpg");
    let shown = look(&came).unwrap();
    assert_eq!(tables(&shown.bytes), tables(&came), "quality 80 stays");

    let shown = look(&sample("pictures/full-colour.jpg")).unwrap();
    assert_eq!(tables(&shown.bytes)[0][..8], [5, 3, 4, 4, 4, 3, 5, 4], "quality 90 becomes 85");
    assert_eq!(tables(&shown.bytes)[1][..8], [5, 5, 5, 7, 6, 7, 14, 8]);
}

#[test]
fn a_photo_that_lies_on_its_side_keeps_the_quality_of_each_direction() {
    let photo = sample("pictures/baseline.jpg");
    let turned = with_segment(&photo, 0xE1, &[b"Exif\0\0", &exif(6)[..]].concat());
    let (came, shown) = (tables(&photo)[0], look(&turned).unwrap().bytes);
    // In the order of the file the second and the third stand across from each other, as do the fourth and the sixth.
    assert_eq!(tables(&shown)[0][..6], [came[0], came[2], came[1], came[5], came[4], came[3]]);
}
