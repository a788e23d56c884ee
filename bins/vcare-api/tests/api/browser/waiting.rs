//! VCARE-US-008: a patient waits and goes in, whatever the line and the phone do.

use serde_json::{Value, json};

use super::Arrived;
use super::tab::{Line, Phone};

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_patient_waits_is_admitted_and_leaves_for_the_video_room_while_the_line_comes_and_goes() {
    let it = Arrived::with(Phone::default()).await;
    it.says("ask").await;
    // Whoever only opens the link changes nothing and asks for nothing.
    assert_eq!(it.tab.addresses(), [it.app.url("/visit")]);
    assert_eq!(it.app.read(&it.visit).await["status"], "scheduled");

    it.waits().await;
    assert_eq!(it.app.read(&it.visit).await["status"], "waiting");

    it.tab.line(Line::Gone).await;
    it.says("lost").await;
    it.tab.line(Line::Good).await;
    it.says("wait").await;

    it.tab.line(Line::Gone).await;
    it.says("lost").await;
    it.app.admit(&it.visit).await.expect(200);
    it.tab.line(Line::Good).await;
    it.says("ready").await;

    // It says so, and goes by itself.
    assert!(it.tab.text("more").await.contains("seconds"));
    it.has_left().await;
    let history = it.tab.call("Page.getNavigationHistory", json!({})).await;
    assert!(!history.to_string().contains(&it.token), "{history}");
    it.must_have_behaved().await;
}

/// Who is in the visit, since when and as what. The page measures its line meanwhile, which is told of in `link`.
fn people(visit: &Value) -> Vec<[Value; 3]> {
    let people = visit["participants"].as_array().unwrap();
    people.iter().map(|one| ["id", "status", "joinedAt"].map(|field| one[field].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_reload_keeps_the_place_and_needs_no_button() {
    let it = Arrived::with(Phone::default()).await;
    it.waits().await;
    let before = people(&it.app.read(&it.visit).await);
    it.tab.reload().await;
    it.says("wait").await;
    assert_eq!(people(&it.app.read(&it.visit).await), before);
    // And when they are asked in, too.
    it.app.admit(&it.visit).await.expect(200);
    it.says("ready").await;
    it.tab.reload().await;
    it.says("ready").await;
    it.must_have_behaved().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_link_that_is_tapped_again_opens_on_a_dead_line_and_joins_when_it_is_back() {
    let it = Arrived::with(Phone::default()).await;
    it.tab.open("about:blank#elsewhere").await;
    it.tab.line(Line::Gone).await;
    it.open().await;
    it.says("ask").await;
    it.tab.press("first").await;
    it.says("lost").await;
    it.tab.line(Line::Good).await;
    it.says("wait").await;
    it.must_have_behaved().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_who_is_not_ready_says_so_and_goes_in_when_they_are() {
    let it = Arrived::with(Phone::default()).await;
    it.waits().await;
    it.app.admit(&it.visit).await.expect(200);
    it.says("ready").await;
    it.tab.press("second").await;
    it.tab.until("document.getElementById('second').hidden").await;
    assert_eq!(it.tab.text("more").await, it.english.get("held"));
    it.tab.press("first").await;
    it.has_left().await;
    it.must_have_behaved().await;
}

/// A frozen tab runs no timer and hears of nothing, as in a phone that sleeps.
#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_phone_that_slept_sees_what_happened_meanwhile() {
    let it = Arrived::with(Phone::default()).await;
    it.waits().await;
    it.tab.call("Page.setWebLifecycleState", json!({"state": "frozen"})).await;
    it.app.admit(&it.visit).await.expect(200);
    it.tab.call("Page.setWebLifecycleState", json!({"state": "active"})).await;
    it.says("ready").await;
    it.must_have_behaved().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_on_a_2g_line_the_page_is_there_after_one_answer_and_waits_like_any_other() {
    let it = Arrived::before(Phone::default()).await;
    it.tab.line(Line::Slow).await;
    it.open().await;
    it.says("ask").await;
    assert_eq!(it.tab.addresses().len(), 1, "{:?}", it.tab.addresses());
    let loaded = it.tab.events("Network.loadingFinished");
    let bytes = loaded[0]["encodedDataLength"].as_f64().unwrap();
    assert!(bytes > 2000.0 && bytes <= 14_000.0, "{bytes}");
    it.waits().await;
    it.app.admit(&it.visit).await.expect(200);
    it.says("ready").await;
    it.has_left().await;
    it.must_have_behaved().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_the_page_tells_a_service_that_is_down_from_a_line_that_is_gone() {
    let it = Arrived::with(Phone::default()).await;
    it.waits().await;
    it.app.lose_the_database().await;
    // Who waits for news is not told that there is none to be had; who comes is.
    it.tab.reload().await;
    it.says("down").await;
    it.app.find_the_database().await;
    it.says("wait").await;
    it.must_have_behaved().await;
}

/// Whoever holds the clinic's configuration, or sits between: no address opens but one that is encrypted.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_goes_nowhere_but_to_an_address_that_begins_with_https() {
    let it = Arrived::before(Phone::default()).await;
    it.tab.change_answers(r#"text.replace('"url":"https:', '"url":"http:')"#).await;
    it.open().await;
    it.app.join(&it.token).await.expect(200);
    it.app.admit(&it.visit).await.expect(200);
    it.tab.press("first").await;
    it.says("down").await;
    assert!(it.tab.eval("location.pathname").await == "/visit");
    it.must_have_behaved().await;
}
