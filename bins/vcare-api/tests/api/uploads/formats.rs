//! Files of formats that are not taken: refused by their first bytes, before the rest is sent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use super::pictures::photo;
use super::{attachment, place};
use crate::support::TestApp;

const THREE_MB: usize = 3_000_000;

/// How a file of an iPhone's camera begins.
fn heic() -> Vec<u8> {
    let mut first = b"\0\0\0\x28ftypheic\0\0\0\0mif1MiHEMiPrmiafMiHBheic\0\0\x0f\xe5meta".to_vec();
    first.resize(4096, 0);
    first
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heic_photo_is_refused_by_name_while_the_rest_of_it_is_not_sent() {
    let app = TestApp::start().await;
    let visit = app.submitted_with(1).await;
    let patient = app.token("patient");
    let at = place(&app.begin_upload(&patient, THREE_MB, &attachment("0", "original")).await.expect(201));
    // These bytes and no more: the body has not ended.
    let pieces =
        futures_util::stream::iter([heic()].map(Ok::<_, std::io::Error>)).chain(futures_util::stream::pending());
    let request = app.append_request(&patient, &at, 0, b"").body(reqwest::Body::wrap_stream(pieces));
    let refused = app.send(request).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("HEIC") && detail.contains("JPEG"), "{detail}");
    assert_eq!(app.upload_row(&at).await, ("rejected".to_owned(), Some("unknown_type".to_owned()), 0, 0));
    let items = app.attachments(&patient, &visit).await;
    assert_eq!((&items[0]["status"], &items[0]["reason"]), (&"rejected".into(), &"unknown_type".into()));
    assert_eq!(app.stored_files().len(), 0);

    // What a tus client tries next: it looks where it is, goes on, or begins the same again.
    assert_eq!(app.head(&patient, &at).await.status, 415);
    app.append(&patient, &at, 0, &heic()).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let taken = photo(64, 48);
    let again = place(&app.begin_upload(&patient, taken.len(), &attachment("0", "original")).await.expect(201));
    assert_ne!(again, at);
    app.append(&patient, &again, 0, &taken).await.expect(204);
    app.look_after_uploads().await;
    assert_eq!(app.attachments(&patient, &visit).await[0]["status"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_with_a_checksum_are_refused_by_their_format_as_well() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let at = place(&app.begin_upload(&patient, THREE_MB, &attachment("0", "original")).await.expect(201));
    let sum = STANDARD.encode(Sha256::digest(heic()));
    let request = app.append_request(&patient, &at, 0, &heic()).header("Upload-Checksum", format!("sha256 {sum}"));
    app.send(request).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(app.upload_row(&at).await.0, "rejected");
}

#[tokio::test(flavor = "multi_thread")]
async fn first_bytes_that_come_one_by_one_are_awaited() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let taken = photo(64, 48);
    let at = place(&app.begin_upload(&patient, taken.len(), &attachment("0", "original")).await.expect(201));
    let bytes: Vec<_> = taken.iter().map(|byte| Ok::<_, std::io::Error>(vec![*byte])).collect();
    let request =
        app.append_request(&patient, &at, 0, b"").body(reqwest::Body::wrap_stream(futures_util::stream::iter(bytes)));
    app.send(request).await.expect(204);
    app.look_after_uploads().await;
    assert_eq!(app.upload_row(&at).await.0, "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn first_bytes_that_come_with_the_beginning_are_refused_as_well() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let begin = |bytes: Vec<u8>| {
        let request = app.begin_request(&patient, THREE_MB, &attachment("0", "original"));
        request.header("Content-Type", "application/offset+octet-stream").body(bytes)
    };
    app.send(begin(heic())).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    app.send(begin(b"%PDF-1.7".to_vec())).await.expect(201);
    let states: Vec<String> = app
        .database
        .rows("SELECT state FROM async_upload ORDER BY created_at, id", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(states, ["discarded", "receiving"]);
}
