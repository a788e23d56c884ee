//! What the page finds out about its line, and what it costs the line.

use serde_json::Value;
use vcare_domain::LinkThresholds;

use super::Arrived;
use super::languages::must_speak;
use super::tab::{Line, Phone};
use super::words::{LANGUAGES, Words};
use crate::rooms::settings;
use crate::support::TENANT;

/// Waits in the waiting room until the line was measured, and answers what was told of it.
async fn told(it: &Arrived) -> Value {
    it.waits().await;
    let told = it.tab.asks("/link-probe", 0).await;
    assert_eq!(told["method"], "POST");
    let told = told["postData"].as_str().unwrap().to_owned();
    assert!(told.len() <= 300, "{told}");
    serde_json::from_str(&told).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_2g_line_is_measured_after_joining_with_four_kilobytes_and_is_found_to_be_slow() {
    let it = Arrived::before(Phone::default()).await;
    it.tab.line(Line::Slow).await;
    it.open().await;
    it.says("ask").await;
    assert_eq!(it.tab.addresses().len(), 1);
    let told = told(&it).await;
    assert_eq!(it.tab.asked("/visit/probe?bytes=1").len(), 5);
    let down: Vec<Value> = it.tab.asked("8").iter().map(|request| request["url"].clone()).collect();
    assert_eq!(down, [it.app.url("/visit/probe?bytes=2048")]);
    assert_eq!(it.tab.asked("/visit/probe").len(), 1);
    assert_eq!(told["lossPercent"], 0);
    // Half a kilobyte a second up and a kilobyte and a half down, give or take, and not a line for video.
    assert!(told["rttMs"].as_u64().unwrap() >= 500, "{told}");
    for way in ["upKbps", "downKbps"] {
        assert!((1..250).contains(&told[way].as_u64().unwrap()), "{told}");
    }
    it.must_have_behaved().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_good_line_is_measured_with_larger_pieces_and_never_with_more_than_it_takes() {
    let it = Arrived::with(Phone::default()).await;
    let told = told(&it).await;
    let pieces: Vec<u64> = it
        .tab
        .asked("")
        .iter()
        .filter_map(|request| request["url"].as_str().unwrap().split("probe?bytes=").nth(1)?.parse().ok())
        .filter(|bytes| *bytes > 1)
        .collect();
    assert!([2048, 8192, 32_768].starts_with(&pieces) && !pieces.is_empty(), "{pieces:?}");
    assert!(told["downKbps"].as_u64().unwrap() > 0 && told["upKbps"].as_u64().unwrap() > 0, "{told}");
    it.must_have_behaved().await;
}

/// The page measures the line, the service decides, and the page says so. The tenant's thresholds are so far from what the
/// line carries that a machine under load changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn us_008_on_a_poor_line_the_page_offers_what_the_service_finds_that_it_carries() {
    let cases = [(Line::Thin, 8, "audio", "toMessage"), (Line::Slow, 500, "message", "")];
    for (line, audio_min_kbps, mode, poorer) in cases {
        let it = Arrived::before(Phone::default()).await;
        let link = LinkThresholds { audio_min_kbps, video_min_kbps: 10_000, max_rtt_ms: 10_000, max_loss_percent: 90 };
        settings(&it.app, TENANT, |draft| draft.link = link).await;
        it.tab.line(line).await;
        it.open().await;
        let told = told(&it).await;
        it.tab.until("document.getElementById('line').textContent").await;
        assert_eq!(it.tab.text("line").await, it.english.get(mode), "{told}");
        assert_eq!(it.app.participant(&it.visit, &it.visit.patient).await["link"]["mode"], mode);
        assert_eq!(it.tab.text("better").await, it.english.get("measure"));
        if !poorer.is_empty() {
            assert_eq!(it.tab.text("poorer").await, it.english.get(poorer));
            it.tab.press("poorer").await;
            let chosen = serde_json::json!(it.english.get("choseMessage"));
            it.tab.until(&format!("document.getElementById('line').textContent === {chosen}")).await;
            assert_eq!(it.app.participant(&it.visit, &it.visit.patient).await["link"]["mode"], "message");
            assert_eq!(it.tab.text("better").await, it.english.get("toCall"));
        }
        it.must_have_behaved().await;
    }
}

/// What is decided is the service's, and tested there; here it is said in words.
#[tokio::test(flavor = "multi_thread")]
async fn us_008_who_has_a_poor_line_is_told_what_the_visit_will_be_in_three_languages() {
    for mode in ["audio", "message"] {
        let it = Arrived::before(Phone::default()).await;
        it.tab.decide_on_line(mode).await;
        it.open().await;
        it.waits().await;
        it.tab.until("document.getElementById('line').textContent").await;
        for language in LANGUAGES {
            must_speak(&it, language, "wait").await;
            let (file, ..) = language;
            assert_eq!(it.tab.text("line").await, Words::of(file).get(mode));
        }
        // They may have it looked at again.
        let before = it.tab.asked("/link-probe").len();
        it.tab.press("better").await;
        it.tab.asks("/link-probe", before).await;
        it.must_have_behaved().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_who_prefers_less_says_so_and_can_go_back() {
    let it = Arrived::before(Phone::default()).await;
    it.tab.decide_on_line("video").await;
    it.open().await;
    it.waits().await;
    let line = async |name: &str| {
        let words = serde_json::json!(it.english.get(name));
        it.tab.until(&format!("document.getElementById('line').textContent === {words}")).await;
    };
    line("video").await;
    it.tab.press("poorer").await;
    line("choseAudio").await;
    it.tab.press("poorer").await;
    line("choseMessage").await;
    // Also after a reload, which measures anew.
    it.tab.reload().await;
    line("choseMessage").await;
    assert_eq!(it.tab.text("better").await, it.english.get("toCall"));
    it.tab.press("better").await;
    line("video").await;
    it.must_have_behaved().await;
}
