//! Two devices on one link, and the short link.

use super::devtools::Devtools;
use super::tab::{Phone, Tab};
use super::{Arrived, Words};
use crate::support::Answer;

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_second_device_asks_before_it_takes_over_and_the_first_one_is_told() {
    let it = Arrived::with(Phone::default()).await;
    it.waits().await;
    let link = it.app.url(&format!("/visit#{}", it.token));
    let second = Tab::of(&Devtools::start().await, Phone::default()).await;
    second.open(&link).await;
    second.press("first").await;
    second.says(it.english.get("other")).await;
    // No is no: the first one waits on.
    second.press("second").await;
    second.says(it.english.get("stayed")).await;
    it.tab.reload().await;
    it.says("wait").await;
    // And now yes.
    second.press("second").await;
    second.says(it.english.get("wait")).await;
    // The first one hears of it though nothing else happens, and is led nowhere when something does.
    it.says("taken").await;
    it.app.admit(&it.visit).await.expect(200);
    second.says(it.english.get("ready")).await;
    it.says("taken").await;
    second.must_have_behaved(&it.app.url(""), &it.token).await;
    it.must_have_behaved().await;
}

/// Neither the code nor the token that it stands for is in any address that is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_short_link_opens_the_same_page_and_the_same_visit() {
    let it = Arrived::before(Phone { languages: "fa-AF", ..Phone::default() }).await;
    let path = it.visit.path(&format!("/participants/{}/join-token", it.visit.patient));
    let issued: Answer = it.app.post(&it.app.token("clinician"), &path, &serde_json::json!({})).await.expect(201);
    let short = issued.text("shortUrl");
    let (_, code) = short.split_once('#').unwrap();
    let dari = Words::of("fa");
    it.tab.open(&it.app.url(&format!("/v#{code}"))).await;
    it.tab.says(dari.get("ask")).await;
    it.tab.press("first").await;
    it.tab.says(dari.get("wait")).await;
    assert_eq!(it.app.read(&it.visit).await["status"], "waiting");
    it.tab.reload().await;
    it.tab.says(dari.get("wait")).await;
    it.tab.must_have_behaved(&it.app.url(""), &issued.text("joinToken")).await;
    it.tab.must_have_behaved(&it.app.url(""), code).await;

    // One that nobody has is a bad link.
    it.tab.open(&it.app.url("/v?another#0000000000000000000000")).await;
    it.tab.press("first").await;
    it.tab.says(dari.get("bad")).await;
}
