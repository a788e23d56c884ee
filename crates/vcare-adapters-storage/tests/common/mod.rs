//! What several tests of this crate need.

#![allow(dead_code, reason = "no test needs all of it")]

use bytes::Bytes;
use vcare_adapters_storage::Inspector;
use vcare_app::ports::{ContentInspector, InspectError, Showable};
use vcare_domain::{MediaType, RejectReason, UploadKind};

/// Looks at something as at an attachment.
pub fn look(bytes: &[u8]) -> Result<Showable, InspectError> {
    look_at(UploadKind::Original, Bytes::copy_from_slice(bytes))
}

/// Looks at something.
pub fn look_at(kind: UploadKind, bytes: Bytes) -> Result<Showable, InspectError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(Inspector::default().inspect(kind, bytes))
}

/// What becomes of something: its type, or the reason why it is not shown.
pub fn becomes(bytes: &[u8]) -> Result<MediaType, RejectReason> {
    match look(bytes) {
        Ok(shown) => Ok(shown.media_type),
        Err(InspectError::Rejected(reason)) => Err(reason),
        Err(InspectError::Failed) => panic!("looking at it failed"),
    }
}

/// The files in a folder of samples, by name.
pub fn samples(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = format!("{}/tests/samples/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut found: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect();
    found.sort();
    assert!(found.len() > 4, "{folder}");
    found
}

/// A file of the samples.
pub fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/samples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A picture behind whose first two bytes stands a segment of that marker.
pub fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xFF, marker], &length, content, &jpeg[2..]].concat()
}

/// What a camera says of a picture: which side is up, whose device it was, and where.
pub fn exif(orientation: u16) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value].concat()
    };
    let [low, high] = orientation.to_le_bytes();
    let mut tiff = b"II*\0\x08\0\0\0\x03\0".to_vec();
    tiff.extend(entry(0x0110, 2, 20, 50_u32.to_le_bytes()));
    tiff.extend(entry(0x0112, 3, 1, [low, high, 0, 0]));
    tiff.extend(entry(0x8825, 2, 20, 70_u32.to_le_bytes()));
    tiff.extend([0; 4]);
    tiff.resize(50, 0);
    tiff.extend(b"Phone of Ana Example");
    tiff.extend(b"38.7223 N, 9.1393 W\0");
    tiff
}
