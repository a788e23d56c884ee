//! tus 1.0, as a client meets it.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use sha2::{Digest, Sha256};
use time::Duration;

use super::{attachment, place};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn anybody_may_ask_what_the_server_can_do() {
    let app = TestApp::start().await;
    let told = app.send(app.request(Method::OPTIONS, "/async-visits/uploads")).await.expect(204);
    assert_eq!(told.header("tus-version"), "1.0.0");
    assert_eq!(told.header("tus-extension"), "creation,creation-with-upload,termination,expiration,checksum");
    assert_eq!(told.header("tus-max-size"), "10485760");
    assert_eq!(told.header("tus-checksum-algorithm"), "sha1,sha256");
    assert_eq!(told.header("tus-resumable"), "1.0.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_comes_in_piece_by_piece_and_says_how_far_it_is() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let created = app.begin_upload(&patient, 10, &attachment("0", "original")).await.expect(201);
    assert_eq!((created.header("upload-offset"), created.header("tus-resumable")), ("0", "1.0.0"));
    let expires = created.header("upload-expires").to_owned();
    let place = place(&created);
    app.clock.advance(Duration::DAY);
    let appended = app.append(&patient, &place, 0, b"OggS").await.expect(204);
    assert_eq!(appended.header("upload-offset"), "4");
    assert_ne!(appended.header("upload-expires"), expires, "every byte gives it more time");
    let head = app.head(&patient, &place).await.expect(200);
    assert_eq!((head.header("upload-offset"), head.header("upload-length")), ("4", "10"));
    assert_eq!(head.header("cache-control"), "no-store");
    let whole = app.append(&patient, &place, 4, b"efghij").await.expect(204);
    assert_eq!((whole.header("upload-offset"), whole.header("upload-expires")), ("10", ""));
    assert_eq!(app.upload_row(&place).await, ("checking".to_owned(), None, 10, 2));
    // What is whole takes nothing more, and says so.
    app.append(&patient, &place, 10, b"").await.expect(204);
    app.append(&patient, &place, 10, b"x").await.refused(413, "PAYLOAD_TOO_LARGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reopened_app_finds_its_upload() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let first = app.begin_upload(&patient, 10, &attachment("0", "original")).await.expect(201);
    app.append(&patient, &place(&first), 0, b"OggS").await.expect(204);
    app.clock.advance(Duration::days(3));
    let patient = app.token("patient");
    let again = app.begin_upload(&patient, 10, &attachment("0", "original")).await.expect(200);
    assert_eq!((again.header("location"), again.header("upload-offset")), (first.header("location"), "4"));
    let other = app.begin_upload(&patient, 10, &attachment("1", "original")).await.expect(201);
    let preview = app.begin_upload(&patient, 10, &attachment("0", "preview")).await.expect(201);
    assert_ne!(other.header("location"), first.header("location"));
    assert_ne!(preview.header("location"), first.header("location"));
    app.begin_upload(&patient, 11, &attachment("0", "original")).await.refused(409, "UPLOAD_DIFFERS");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_bytes_may_come_with_the_beginning() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let with = |bytes: &'static [u8]| {
        let request = app.begin_request(&patient, 6, &attachment("0", "original"));
        request.header("Content-Type", "application/offset+octet-stream").body(bytes)
    };
    let created = app.send(with(b"Ogg")).await.expect(201);
    assert_eq!(created.header("upload-offset"), "3");
    // Sent again because the answer was lost: the same upload, and no byte twice.
    let again = app.send(with(b"Ogg")).await.expect(200);
    assert_eq!((again.header("location"), again.header("upload-offset")), (created.header("location"), "3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_with_a_checksum_are_taken_whole_or_not_at_all() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let place = place(&app.begin_upload(&patient, 6, &attachment("0", "original")).await.expect(201));
    let checked = |bytes: &'static [u8], sum: &[u8]| {
        app.append_request(&patient, &place, 0, bytes)
            .header("Upload-Checksum", format!("sha256 {}", STANDARD.encode(sum)))
    };
    let mismatch = app.send(checked(b"OggSef", &Sha256::digest(b"OggSeg"))).await.refused(460, "CHECKSUM_MISMATCH");
    assert_eq!(mismatch.header("tus-resumable"), "1.0.0");
    assert_eq!(app.head(&patient, &place).await.header("upload-offset"), "0");
    app.send(checked(b"OggSef", &Sha256::digest(b"OggSef"))).await.expect(204);
    assert_eq!(app.head(&patient, &place).await.header("upload-offset"), "6");
    let bad = app.append_request(&patient, &place, 6, b"").header("Upload-Checksum", "md5 AAAA");
    app.send(bad).await.names_field("Upload-Checksum");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_taken_back_is_gone_with_its_bytes_and_its_place_is_free() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let first = app.begin_upload(&patient, 10, &attachment("0", "original")).await.expect(201);
    let place = place(&first);
    app.append(&patient, &place, 0, b"OggS").await.expect(204);
    assert_eq!(app.stored_files().len(), 1);
    app.take_back(&patient, &place).await.expect(204);
    assert_eq!(app.head(&patient, &place).await.status, 404);
    app.append(&patient, &place, 4, b"e").await.refused(404, "UPLOAD_NOT_FOUND");
    let anew = app.begin_upload(&patient, 12, &attachment("0", "original")).await.expect(201);
    assert_ne!(anew.header("location"), first.header("location"));
    app.look_after_uploads().await;
    assert_eq!(app.stored_files(), Vec::<PathBuf>::new());
    app.clock.advance(Duration::minutes(10));
    app.look_after_uploads().await;
    assert_eq!(app.count("async_upload").await, 1, "only the one that was begun anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_nobody_finishes_expires_after_seven_days_and_leaves_nothing() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let place = place(&app.begin_upload(&patient, 10, &attachment("0", "original")).await.expect(201));
    app.clock.advance(Duration::days(6));
    app.append(&app.token("patient"), &place, 0, b"OggS").await.expect(204);
    app.clock.advance(Duration::days(7) - Duration::SECOND);
    let patient = app.token("patient");
    assert_eq!(app.head(&patient, &place).await.status, 200);
    app.look_after_uploads().await;
    assert_eq!(app.stored_files().len(), 1);
    app.clock.advance(Duration::SECOND);
    assert_eq!(app.head(&patient, &place).await.status, 410);
    app.append(&patient, &place, 4, b"e").await.refused(410, "UPLOAD_EXPIRED");
    app.look_after_uploads().await;
    assert_eq!(app.stored_files(), Vec::<PathBuf>::new());
    assert_eq!(app.head(&patient, &place).await.status, 404);
    app.clock.advance(Duration::minutes(10));
    app.look_after_uploads().await;
    assert_eq!(app.count("async_upload").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_upload_is_begun_anew_before_anybody_has_swept() {
    let app = TestApp::start().await;
    let first = app.begin_upload(&app.token("patient"), 10, &attachment("0", "original")).await.expect(201);
    app.clock.advance(Duration::days(8));
    let anew = app.begin_upload(&app.token("patient"), 10, &attachment("0", "original")).await.expect(201);
    assert_ne!(anew.header("location"), first.header("location"));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_proxy_lets_no_patch_through_a_post_stands_for_it() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let place = place(&app.begin_upload(&patient, 4, &attachment("0", "original")).await.expect(201));
    let instead = |method: &str| {
        let request = app.request(Method::POST, &place).bearer_auth(&patient).header("X-HTTP-Method-Override", method);
        request.header("Upload-Offset", "0").header("Content-Type", "application/offset+octet-stream").body("OggS")
    };
    let appended = app.send(instead("PATCH")).await.expect(204);
    assert_eq!(appended.header("upload-offset"), "4");
    app.send(instead("PUT")).await.names_field("X-HTTP-Method-Override");
    app.send(instead("DELETE")).await.expect(204);
    assert_eq!(app.head(&patient, &place).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinician_brings_a_photo_for_a_patient() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    app.begin_upload(&clinician, 4, &attachment("0", "original")).await.expect(201);
    // The patient's own attachment has a place of its own: nobody takes another one's.
    app.begin_upload(&app.token("patient"), 4, &attachment("0", "original")).await.expect(201);
}
