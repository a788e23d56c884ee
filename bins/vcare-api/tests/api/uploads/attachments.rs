//! What a visit's attachments look like to who reads it.

use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use super::pictures::photo;
use crate::support::{Answer, TestApp};

impl TestApp {
    /// Opens an address of an attachment.
    pub async fn open(&self, item: &Value, name: &str) -> Answer {
        let path = item[name].as_str().unwrap().strip_prefix("https://care.example").unwrap();
        self.send(self.request(Method::GET, &format!("/{path}"))).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_announced_and_what_came_is_listed_as_far_as_it_is() {
    let app = TestApp::start().await;
    let before = app.uploaded("1", "original", &photo(32, 32)).await;
    let visit = app.submitted_with(2).await;
    app.uploaded("3", "original", b"\xFF\xD8\xFF and no photo").await;
    app.look_after_uploads().await;
    let items = app.attachments(&app.token("patient"), &visit).await;
    let told: Vec<_> = items.as_array().unwrap().iter().map(|item| (&item["index"], &item["status"])).collect();
    let (receiving, ready, rejected) = (json!("receiving"), json!("ready"), json!("rejected"));
    assert_eq!(told, [(&json!(0), &receiving), (&json!(1), &ready), (&json!(3), &rejected)]);
    assert_eq!(items[2]["reason"], "damaged");
    assert!(items[2].get("url").is_none());
    app.open(&items[1], "url").await.expect(200);
    // What is in a submitted visit is not taken back.
    app.take_back(&app.token("patient"), &before).await.refused(409, "UPLOAD_IN_VISIT");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_expired_is_told_as_such_until_it_is_swept() {
    let app = TestApp::start().await;
    let visit = app.submitted_with(1).await;
    app.begin_upload(&app.token("patient"), 9, &super::attachment("0", "original")).await.expect(201);
    app.clock.advance(Duration::days(7));
    assert_eq!(app.attachments(&app.token("clinician"), &visit).await[0]["status"], "expired");
    app.look_after_uploads().await;
    assert_eq!(app.attachments(&app.token("clinician"), &visit).await[0]["status"], "receiving", "still announced");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attachment_waits_thirty_days_for_its_visit_and_stays_when_it_came() {
    let app = TestApp::start().await;
    app.uploaded("0", "original", &photo(32, 32)).await;
    app.look_after_uploads().await;
    let visit = app.submitted_with(1).await;
    app.clock.advance(Duration::days(31));
    app.look_after_uploads().await;
    assert_eq!(app.attachments(&app.token("clinician"), &visit).await[0]["status"], "ready");
    let due = app.database.query_one("SELECT due_at IS NULL FROM async_upload", &[]).await.unwrap();
    assert!(due.get::<_, bool>(0), "nobody looks at it again");

    let app = TestApp::start().await;
    app.uploaded("0", "original", &photo(32, 32)).await;
    app.look_after_uploads().await;
    app.clock.advance(Duration::days(31));
    app.look_after_uploads().await;
    assert_eq!(app.stored_files(), Vec::<PathBuf>::new());
}
