//! Pictures of every format that is taken, and of none.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::Cursor;

use bytes::Bytes;
use image::{DynamicImage, GenericImageView, ImageFormat, Rgba, RgbaImage};
use proptest::prelude::{any, proptest};
use vcare_adapters_storage::Inspector;
use vcare_app::ports::{ContentInspector, InspectError, Showable};
use vcare_domain::{MediaType, RejectReason, UploadKind};

async fn look(bytes: Vec<u8>) -> Result<Showable, InspectError> {
    Inspector::default().inspect(UploadKind::Original, Bytes::from(bytes)).await
}

/// Two colours, so that one sees which side is up.
fn picture(opacity: u8) -> DynamicImage {
    let picture =
        RgbaImage::from_fn(
            32,
            16,
            |x, _| {
                if x < 16 { Rgba([200, 30, 30, opacity]) } else { Rgba([30, 30, 200, opacity]) }
            },
        );
    picture.into()
}

fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut written = Cursor::new(Vec::new());
    picture.write_to(&mut written, format).unwrap();
    written.into_inner()
}

#[tokio::test]
async fn each_format_is_written_anew_as_one_that_every_browser_shows() {
    let (solid, glass) = (DynamicImage::from(picture(255).into_rgb8()), picture(100));
    let table = [
        (written(&solid, ImageFormat::Jpeg), MediaType::Jpeg),
        (written(&solid, ImageFormat::Png), MediaType::Png),
        (written(&glass, ImageFormat::Png), MediaType::Png),
        (written(&solid, ImageFormat::WebP), MediaType::Jpeg),
        (written(&glass, ImageFormat::WebP), MediaType::Png),
        (written(&DynamicImage::from(solid.to_luma8()), ImageFormat::Jpeg), MediaType::Jpeg),
    ];
    for (number, (bytes, media_type)) in table.into_iter().enumerate() {
        let shown = look(bytes).await.unwrap_or_else(|error| panic!("{number}: {error}"));
        assert_eq!(shown.media_type, media_type, "{number}");
        let seen = image::load_from_memory(&shown.bytes).unwrap();
        assert_eq!(seen.dimensions(), (32, 16), "{number}");
    }
}

#[tokio::test]
async fn colours_stay_where_they_are() {
    let shown = look(written(&picture(255), ImageFormat::Png)).await.unwrap();
    let seen = image::load_from_memory(&shown.bytes).unwrap();
    assert_eq!((seen.get_pixel(2, 8).0, seen.get_pixel(30, 8).0), ([200, 30, 30, 255], [30, 30, 200, 255]));
}

#[tokio::test]
async fn what_is_no_picture_of_these_is_refused() {
    let solid = DynamicImage::from(picture(255).into_rgb8());
    let jpeg = written(&solid, ImageFormat::Jpeg);
    for bytes in [b"".to_vec(), b"\xFF".to_vec(), b"BM\x46".to_vec(), b"%!PS-Adobe".to_vec(), b"<svg/>".to_vec()] {
        assert_eq!(look(bytes).await.err(), Some(InspectError::Rejected(RejectReason::UnknownType)));
    }
    assert_eq!(look(jpeg[..30].to_vec()).await.err(), Some(InspectError::Rejected(RejectReason::Damaged)));
}

proptest! {
    #[test]
    fn whatever_is_damaged_is_refused_or_shown_and_brings_nothing_down(
        which in 0..3_usize, at in any::<proptest::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let format = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP][which];
        let mut bytes = written(&DynamicImage::from(picture(255).into_rgb8()), format);
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_ne!(runtime.block_on(look(bytes)).err(), Some(InspectError::Failed));
    }
}
