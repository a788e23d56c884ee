//! A patient who is late, or cannot come, says so on the page.

use reqwest::Method;
use serde_json::{Value, json};

use super::Arrived;
use super::tab::{Line, Phone};

/// What the clinic knows, once it does.
async fn expected(it: &Arrived) -> Value {
    it.app.read(&it.visit).await["expectedAt"].clone()
}

impl Arrived {
    /// Waits until a line of the page has some text.
    async fn shows(&self, id: &str, part: &str) {
        self.tab.until(&format!("document.getElementById('{id}').textContent.includes({part:?})")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_who_is_late_says_so_before_and_after_they_joined() {
    let it = Arrived::with(Phone::default()).await;
    it.tab.press("second").await;
    it.says("tell").await;
    it.tab.press("first").await;
    it.says("ask").await;
    it.shows("more", "The clinic knows that you come later").await;
    let ten = expected(&it).await;
    assert_ne!(ten, Value::Null);
    it.waits().await;
    it.shows("opens", "The clinic knows that you come later").await;
    it.tab.press("second").await;
    it.says("tell").await;
    it.tab.press("poorer").await;
    it.says("wait").await;
    assert_ne!(expected(&it).await, ten);
    it.must_have_behaved().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_who_cannot_come_is_asked_once_more_and_cancels() {
    let it = Arrived::with(Phone::default()).await;
    it.waits().await;
    it.tab.press("second").await;
    it.tab.press("better").await;
    it.says("sure").await;
    it.tab.press("back").await;
    it.says("wait").await;
    it.tab.press("second").await;
    it.tab.press("better").await;
    it.tab.press("first").await;
    it.says("cancelled").await;
    assert_eq!(it.app.read(&it.visit).await["status"], "cancelled");
    it.must_have_behaved().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_dead_line_the_page_says_that_the_clinic_does_not_know() {
    let it = Arrived::with(Phone::default()).await;
    it.tab.press("second").await;
    it.says("tell").await;
    it.tab.line(Line::Gone).await;
    it.tab.press("first").await;
    it.shows("more", it.english.get("untold")).await;
    assert_eq!(expected(&it).await, Value::Null);
    it.tab.line(Line::Good).await;
    // Chromium applies the new network conditions after a delay, so the first retry may still fail: retry until it succeeds.
    let (asks, untold) = (json!(it.english.get("ask")), json!(it.english.get("untold")));
    let says = |id: &str| format!("document.getElementById('{id}').textContent");
    let try_again = format!("{}.includes({untold}) && document.getElementById('first').click()", says("more"));
    it.tab.until(&format!("{} === {asks} || ({try_again})", says("say"))).await;
    assert_ne!(expected(&it).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_who_waits_for_a_visit_that_is_moved_is_told_the_new_time() {
    let it = Arrived::with(Phone::default()).await;
    it.waits().await;
    let before = it.tab.text("opens").await;
    let request = it.app.request(Method::PATCH, &it.visit.path("")).bearer_auth(it.app.token("clinician"));
    let body = json!({"scheduledStart": it.app.minutes_ahead(5 * 60)});
    let moved =
        it.app.send(request.header("Content-Type", "application/json").body(body.to_string())).await.expect(200);
    assert_eq!(moved.body["status"], "scheduled");
    it.shows("opens", "The waiting room opens").await;
    assert_ne!(it.tab.text("opens").await, before);
    // The page is still open, so it joined again by itself.
    it.says("wait").await;
    assert_eq!(it.app.read(&it.visit).await["status"], "waiting");
    it.must_have_behaved().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_of_more_than_an_hour_is_said_in_hours() {
    for (minutes, said) in [(60, "about 60 minutes"), (75, "more than one hour"), (150, "more than 2 hours")] {
        let it = Arrived::before(Phone::default()).await;
        let change = format!(
            r#"text.replace(/"placeInLine":\d+,/, '')
                .replace('"version":', '"placeInLine":3,"estimatedWaitMinutes":{minutes},"version":')"#
        );
        it.tab.change_answers(&change).await;
        it.open().await;
        it.waits().await;
        it.shows("estimate", said).await;
    }
}
