//! Pictures of the page's main states, for people to look at. Asked for by `just pictures`.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Arrived;
use super::clinic::at_a_clinic;
use super::tab::Line;
use super::words::LANGUAGES;

/// Somebody else's place in line, for a test in which nobody else waits.
const THIRD_IN_LINE: &str = r#"text.replace(/"placeInLine":\d+,/, '')
    .replace('"version":', '"placeInLine":3,"estimatedWaitMinutes":12,"version":')"#;

/// A picture in each language, under `target/pictures`.
async fn take(it: &Arrived, name: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../pictures");
    std::fs::create_dir_all(&folder).unwrap();
    for (language, tag, _) in LANGUAGES {
        it.tab.speak(tag).await;
        let picture = STANDARD.decode(it.tab.picture().await).unwrap();
        std::fs::write(folder.join(format!("{name}-{language}.png")), picture).unwrap();
    }
    it.tab.speak("en").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "for people to look at: just pictures"]
async fn pictures_of_the_main_states() {
    let it = at_a_clinic().await;
    it.tab.change_answers(THIRD_IN_LINE).await;
    it.tab.decide_on_line("audio").await;
    it.open().await;
    it.tab.size(360, 640).await;
    take(&it, "1-ask").await;
    it.tab.press("second").await;
    it.says("tell").await;
    take(&it, "6-late").await;
    it.tab.press("better").await;
    it.says("sure").await;
    take(&it, "7-sure").await;
    it.tab.press("back").await;
    it.waits().await;
    it.tab.until("document.getElementById('place').textContent").await;
    take(&it, "2-wait").await;
    it.tab.until("document.getElementById('line').textContent").await;
    take(&it, "3-line").await;
    it.tab.line(Line::Gone).await;
    it.says("lost").await;
    take(&it, "4-lost").await;
    it.tab.line(Line::Good).await;
    it.says("wait").await;
    it.app.admit(&it.visit).await.expect(200);
    it.says("ready").await;
    take(&it, "5-ready").await;
    it.tab.open(&it.app.url("/visit#x")).await;
    take(&it, "8-bad").await;
}
