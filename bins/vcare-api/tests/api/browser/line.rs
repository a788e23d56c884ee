//! What the page finds out about its line, and what it costs the line.

use serde_json::Value;

use super::Arrived;
use super::tab::{Line, Phone};

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
