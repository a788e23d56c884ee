//! Bytes that the storage has lost.

use time::Duration;

use super::pictures::photo;
use super::{attachment, place};
use crate::support::TestApp;

impl TestApp {
    /// Lets workers try so often, each time when the one before has given up.
    async fn checked(&self, times: usize) {
        for _ in 0..times {
            self.look_after_uploads().await;
            self.clock.advance(Duration::minutes(3));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_chunk_is_lost_says_so_and_is_sent_again_in_its_place() {
    for lost in [true, false] {
        let app = TestApp::start().await;
        let visit = app.submitted_with(1).await;
        let taken = photo(64, 48);
        let at = app.uploaded("0", "original", &taken).await;
        let chunk = app.stored_files().remove(0);
        if lost {
            std::fs::remove_file(&chunk).unwrap();
        } else {
            std::fs::write(&chunk, &taken[..taken.len() - 1]).unwrap();
        }
        app.checked(6).await;
        let patient = app.token("patient");
        let items = app.attachments(&patient, &visit).await;
        assert_eq!((&items[0]["status"], &items[0]["reason"]), (&"rejected".into(), &"lost".into()));
        assert_eq!(app.head(&patient, &at).await.status, 410);
        app.append(&patient, &at, taken.len(), b"").await.refused(410, "UPLOAD_LOST");
        // A tus client that is told 410 begins anew by itself.
        let again = app.begin_upload(&patient, taken.len(), &attachment("0", "original")).await.expect(201);
        app.append(&patient, &place(&again), 0, &taken).await.expect(204);
        app.look_after_uploads().await;
        assert_eq!(app.attachments(&patient, &visit).await[0]["status"], "ready");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_was_away_for_some_minutes_loses_nothing() {
    let app = TestApp::start().await;
    let at = app.uploaded("0", "original", &photo(64, 48)).await;
    let (folder, away) = (app.storage_folder(), app.storage_folder().with_extension("away"));
    std::fs::rename(&folder, &away).unwrap();
    app.checked(4).await;
    assert_eq!(app.upload_row(&at).await.0, "checking");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::rename(&away, &folder).unwrap();
    app.checked(1).await;
    assert_eq!(app.upload_row(&at).await.0, "ready");
}
