//! Before anybody sees it.

use std::path::PathBuf;

use time::Duration;
use vcare_testkit::{ClamdMood, EICAR};

use super::pictures::{SECRETS, photo, preview};
use crate::support::TestApp;

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_is_shown_upright_and_without_place_device_or_anything_behind_it() {
    let app = TestApp::start().await;
    let visit = app.submitted_with(1).await;
    let taken = photo(120, 80);
    for secret in SECRETS {
        assert!(holds(&taken, secret));
    }
    app.uploaded("0", "original", &taken).await;
    let before = app.attachments(&app.token("clinician"), &visit).await;
    assert_eq!((before[0]["status"].as_str(), before[0].get("url")), (Some("checking"), None));
    app.look_after_uploads().await;
    let items = app.attachments(&app.token("clinician"), &visit).await;
    assert_eq!((items[0]["status"].as_str(), items[0]["contentType"].as_str()), (Some("ready"), Some("image/jpeg")));
    let shown = app.open(&items[0], "url").await.expect(200);
    for secret in SECRETS {
        assert!(!holds(&shown.bytes, secret), "{}", String::from_utf8_lossy(secret));
    }
    assert!(!holds(&shown.bytes, b"Exif"));
    let upright = image::load_from_memory(&shown.bytes).unwrap();
    assert_eq!((upright.width(), upright.height()), (80, 120), "it lay on its side");
    assert_eq!(shown.header("content-type"), "image/jpeg");
    assert_eq!(shown.header("x-content-type-options"), "nosniff");
    assert_eq!(shown.header("cache-control"), "private, no-store, no-transform");
    assert_eq!(shown.header("content-security-policy"), "default-src 'none'; sandbox");
    assert!(shown.header("content-disposition").starts_with("attachment; filename=\"upl_"));
    // What came in is gone from the storage, too.
    let files = app.stored_files();
    assert_eq!(files.len(), 1);
    let stored = std::fs::read(&files[0]).unwrap();
    assert!(stored.len() > shown.bytes.len() && !holds(&stored, &shown.bytes[..16]), "encrypted");
}

#[tokio::test(flavor = "multi_thread")]
async fn malware_is_never_shown_and_not_kept() {
    let app = TestApp::start().await;
    let mut infected = photo(64, 48);
    infected.extend_from_slice(EICAR.concat().as_bytes());
    let place = app.uploaded("0", "original", &infected).await;
    app.look_after_uploads().await;
    let (state, reason, ..) = app.upload_row(&place).await;
    assert_eq!((state.as_str(), reason.as_deref()), ("rejected", Some("malware")));
    assert_eq!(app.stored_files(), Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_scanner_gives_no_verdict_an_attachment_waits_and_is_not_shown() {
    let app = TestApp::start().await;
    let visit = app.submitted_with(1).await;
    app.uploaded("0", "original", &photo(64, 48)).await;
    // More often than a check may end without a result by a fault of its own.
    for mood in [ClamdMood::Down, ClamdMood::Wrong, ClamdMood::TooLong, ClamdMood::Silent].repeat(2) {
        app.clamd.be(mood);
        app.look_after_uploads().await;
        app.clock.advance(Duration::minutes(1));
        let items = app.attachments(&app.token("clinician"), &visit).await;
        assert_eq!((items[0]["status"].as_str(), items[0].get("url")), (Some("checking"), None), "{mood:?}");
    }
    app.clamd.be(ClamdMood::Up);
    app.look_after_uploads().await;
    assert_eq!(app.attachments(&app.token("clinician"), &visit).await[0]["status"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_brings_every_check_down_is_given_up_after_five() {
    let app = TestApp::start().await;
    let place = app.uploaded("0", "original", &photo(64, 48)).await;
    // Five processes took it up, and died.
    app.database.execute("UPDATE async_upload SET checks = 5", &[]).await.unwrap();
    app.look_after_uploads().await;
    assert_eq!(app.upload_row(&place).await.1.as_deref(), Some("uncheckable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_is_shown_while_the_photo_is_on_its_way() {
    let app = TestApp::start().await;
    let visit = app.submitted_with(1).await;
    app.uploaded("0", "preview", &preview()).await;
    let token = app.token("patient");
    let begun = app.begin_upload(&token, 200_000, &super::attachment("0", "original")).await.expect(201);
    app.append(&token, &super::place(&begun), 0, &photo(700, 500)[..100]).await.expect(204);
    app.look_after_uploads().await;
    let items = app.attachments(&app.token("clinician"), &visit).await;
    assert_eq!(items[0]["status"], "receiving");
    assert_eq!((items[0]["offset"].as_u64(), items[0]["sizeBytes"].as_u64()), (Some(100), Some(200_000)));
    app.open(&items[0], "previewUrl").await.expect(200);
}

/// A storage that has nothing may only be away: nothing is decided at once, and nothing thrown away.
#[tokio::test(flavor = "multi_thread")]
async fn while_the_storage_does_not_give_the_bytes_nothing_is_decided() {
    let app = TestApp::start().await;
    let place = app.uploaded("0", "original", &photo(64, 48)).await;
    let file = app.stored_files().remove(0);
    let aside = file.with_extension("aside");
    std::fs::rename(&file, &aside).unwrap();
    app.look_after_uploads().await;
    assert_eq!(app.upload_row(&place).await.0, "checking");
    std::fs::rename(&aside, &file).unwrap();
    app.clock.advance(Duration::minutes(3));
    app.look_after_uploads().await;
    assert_eq!(app.upload_row(&place).await.0, "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_takes_nothing_is_answered_503_and_loses_nothing() {
    let app = TestApp::start().await;
    let token = app.token("patient");
    let begun = app.begin_upload(&token, 8, &super::attachment("0", "original")).await.expect(201);
    let place = super::place(&begun);
    app.append(&token, &place, 0, b"OggS").await.expect(204);
    // A file where the upload's folder is: nothing can be written below it.
    let folder = app.stored_files().remove(0).parent().unwrap().to_owned();
    let aside = folder.with_extension("aside");
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::write(&folder, "").unwrap();
    app.append(&token, &place, 4, b"efgh").await.refused(503, "SERVICE_UNAVAILABLE");
    assert_eq!(app.head(&token, &place).await.header("upload-offset"), "4");
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    app.append(&token, &place, 4, b"efgh").await.expect(204);
}
