//! Several at one upload.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::pictures::photo;
use super::{attachment, place};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_begin_the_same_attachment_one_begins_it_and_all_have_the_same_upload() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let wish = attachment("0", "original");
    let begun = join_all((0..20).map(|_| app.begin_upload(&patient, 10, &wish))).await;
    let new = begun.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(new, 1);
    let others: Vec<_> =
        begun.iter().filter(|answer| !matches!(answer.status, 200 | 201)).map(|one| &one.body).collect();
    assert!(others.is_empty(), "{others:?}");
    let places: HashSet<String> = begun.iter().map(place).collect();
    assert_eq!((places.len(), app.count("async_upload").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_bring_the_same_bytes_one_counts() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let place = place(&app.begin_upload(&patient, 8, &attachment("0", "original")).await.expect(201));
    let both = join_all([b"OggS", b"ID3\x04"].map(|bytes| app.append(&patient, &place, 0, bytes))).await;
    let mut statuses: Vec<u16> = both.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    assert_eq!(app.upload_row(&place).await, ("receiving".to_owned(), None, 4, 1));
    assert_eq!(app.stored_files().len(), 1, "what does not count is not kept");
}

/// The first device's line is slow, and it thinks that it still uploads; the second one goes on from where the upload is.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_device_takes_over_and_the_first_is_told() {
    let app = TestApp::start().await;
    let patient = app.token("patient");
    let bytes = photo(64, 48);
    let place = place(&app.begin_upload(&patient, bytes.len(), &attachment("0", "original")).await.expect(201));
    let (body, rest) = in_two(bytes[..100].to_vec(), bytes[100..200].to_vec());
    let first = app.append_request(&patient, &place, 0, b"").body(body);
    let slow = tokio::spawn(first.send());
    let holds = "SELECT writer IS NOT NULL FROM async_upload";
    app.database.until(holds, std::time::Duration::from_secs(20)).await.unwrap();
    app.append(&patient, &place, 0, &bytes).await.expect(204);
    // The first is told at once, and not only when it says something.
    let told = crate::support::Answer::read(slow.await.unwrap().unwrap()).await;
    told.refused(409, "UPLOAD_OFFSET_CONFLICT");
    drop(rest);
    app.look_after_uploads().await;
    assert_eq!(app.upload_row(&place).await.0, "ready", "not a byte of the first device is in it");
}

/// A body whose second frame comes when it is told to.
fn in_two(first: Vec<u8>, second: Vec<u8>) -> (reqwest::Body, tokio::sync::oneshot::Sender<()>) {
    let (tell, told) = tokio::sync::oneshot::channel();
    let frames = futures_util::stream::unfold((Some(first), Some((told, second))), |(first, second)| async move {
        if let Some(first) = first {
            return Some((Ok::<_, std::io::Error>(first), (None, second)));
        }
        let (told, second) = second?;
        let _ = told.await;
        Some((Ok(second), (None, None)))
    });
    (reqwest::Body::wrap_stream(frames), tell)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_check_an_upload_once() {
    let app = TestApp::start().await;
    let place = app.uploaded("0", "original", &photo(64, 48)).await;
    let worked = join_all((0..4).map(|_| app.app.work_next_upload())).await;
    assert!(worked.into_iter().any(Result::unwrap));
    app.look_after_uploads().await;
    assert_eq!(app.clamd.scans(), 1);
    assert_eq!((app.upload_row(&place).await.0.as_str(), app.stored_files().len()), ("ready", 1));
}
