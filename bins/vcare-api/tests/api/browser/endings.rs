//! What the page says when there is nothing to wait for.

use time::Duration;

use super::devtools::Devtools;
use super::tab::{Phone, Tab};
use super::words::Words;
use crate::support::TestApp;

/// A service whose clock is moved by hand, and a phone.
async fn start() -> (TestApp, Tab, Words) {
    (TestApp::start().await, Tab::of(&Devtools::start().await, Phone::default()).await, Words::of("en"))
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_who_waits_is_told_that_the_visit_was_cancelled() {
    let (app, tab, words) = start().await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    tab.open(&app.url(&format!("/visit#{token}"))).await;
    tab.press("first").await;
    tab.says(words.get("wait")).await;
    app.cancel(&visit, "power cut").await.expect(200);
    tab.says(words.get("cancelled")).await;
    tab.until("[...document.querySelectorAll('main button')].every(button => button.hidden)").await;
    tab.must_have_behaved(&app.url(""), &token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_link_that_opens_nothing_says_why_and_whom_to_ask() {
    let (app, tab, words) = start().await;
    let (visit, ended) = app.active_visit().await;
    app.clock.advance(Duration::MINUTE);
    app.end(&visit).await.expect(200);
    let waiting = app.visit().await;
    let superseded = app.join_token(&waiting).await;
    let removed = app.join_token(&waiting).await;
    app.remove(&waiting, &waiting.patient, "wrong person").await.expect(200);
    for (token, words_of) in [(&ended, "over"), (&superseded, "bad"), (&removed, "bad")] {
        tab.open(&app.url(&format!("/visit?{words_of}#{token}"))).await;
        tab.press("first").await;
        tab.says(words.get(words_of)).await;
    }
    let late = app.visit().await;
    let expired = app.join_token(&late).await;
    app.clock.advance(Duration::hours(3));
    tab.open(&app.url(&format!("/visit?late#{expired}"))).await;
    tab.press("first").await;
    tab.says(words.get("old")).await;
    // These are seen to be none, and nobody is asked.
    for fragment in ["", "#", "#x", "#a.b", "#<script>alert(1)</script>"] {
        tab.open("about:blank#gone").await;
        let before = tab.addresses().len();
        tab.open(&app.url(&format!("/visit{fragment}"))).await;
        tab.says(words.get("bad")).await;
        assert!(tab.addresses().len() <= before + 1, "{fragment}");
    }
    tab.must_have_behaved(&app.url(""), &expired).await;
}

/// A message that is tapped while the page of an older one is open changes only the fragment.
#[tokio::test(flavor = "multi_thread")]
async fn another_link_in_the_same_tab_is_another_visit() {
    let (app, tab, words) = start().await;
    let visit = app.visit().await;
    let older = app.join_token(&visit).await;
    let newer = app.join_token(&visit).await;
    tab.open(&app.url(&format!("/visit#{older}"))).await;
    tab.press("first").await;
    tab.says(words.get("bad")).await;
    tab.open(&app.url(&format!("/visit#{newer}"))).await;
    tab.says(words.get("ask")).await;
    tab.press("first").await;
    tab.says(words.get("wait")).await;
    tab.must_have_behaved(&app.url(""), &newer).await;
}

/// The button, and the thread, are there without a reload: the page goes on asking.
#[tokio::test(flavor = "multi_thread")]
async fn us_008_who_comes_back_to_a_visit_that_failed_is_offered_to_continue_in_writing() {
    let (app, tab, words) = start().await;
    let (visit, token) = app.lost_visit().await;
    app.give_up().await;
    // Too late to resume it.
    app.clock.advance(Duration::minutes(31));
    tab.open(&app.url(&format!("/visit#{token}"))).await;
    tab.press("first").await;
    tab.says(words.get("failed")).await;
    tab.until("document.getElementById('first').hidden").await;
    assert_eq!(tab.text("second").await, words.get("write"));
    tab.press("second").await;
    tab.until(&format!("document.getElementById('more').textContent === {:?}", words.get("writeHow"))).await;
    app.fall_back(&visit).await.expect(200);
    let thread = app.read(&visit).await["messagingThreadId"].as_str().unwrap().to_owned();
    tab.until("!document.getElementById('first').hidden").await;
    assert_eq!(tab.text("first").await, words.get("chat"));
    assert_eq!(tab.text("more").await, words.get("writeHow"), "what was asked for stays");
    tab.press("first").await;
    tab.until(&format!("document.getElementById('line').textContent === {thread:?}")).await;
    assert_eq!(tab.text("more").await, words.get("chatHow"));
    app.end(&visit).await.expect(200);
    tab.says(words.get("over")).await;
    tab.must_have_behaved(&app.url(""), &token).await;
}
