//! English, Dari and Pashto: words, direction, digits, times; and that everybody can read and press what there is.

use reqwest::Method;
use time::{Duration, OffsetDateTime, UtcOffset};
use vcare_app::ports::Clock;
use vcare_boot::SystemClock;

use super::Arrived;
use super::tab::{Line, Phone};
use super::words::{LANGUAGES, Words};

/// What is wrong with how it looks, as a text; empty when nothing is.
const FAULTS: &str = "(() => {
    const faults = [];
    const wide = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > wide) faults.push('it scrolls sideways');
    const light = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map(part => {
            const c = part / 255;
            return c <= 0.03928 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4);
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = element => {
        for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (colour !== 'rgba(0, 0, 0, 0)') return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    let seen = 0;
    for (const element of document.querySelectorAll('button, p, h1, main a')) {
        if (!element.offsetParent || !element.textContent) continue;
        seen++;
        const name = element.id || element.lang;
        const box = element.getBoundingClientRect();
        if (/^(BUTTON|A)$/.test(element.tagName) && (box.height < 48 || box.width < 48)) faults.push(name + ' is small');
        if (box.left < 0 || box.right > wide) faults.push(name + ' is cut off');
        const [more, less] = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => b - a);
        if ((more + 0.05) / (less + 0.05) < 4.5) faults.push(name + ' is pale');
    }
    if (seen < 5) faults.push('hardly anything is seen');
    return faults.join(', ');
})()";

/// Looks at the page on the narrowest phone, and with text of twice the size.
pub(super) async fn must_look_right(it: &Arrived, what: &str) {
    for (width, size) in [(320, "112.5%"), (320, "225%"), (1280, "112.5%")] {
        it.tab.size(width, 640).await;
        it.tab.eval(&format!("document.documentElement.style.fontSize = '{size}'")).await;
        let faults = it.tab.eval(FAULTS).await;
        assert_eq!(faults, "", "{what}, {width} wide, text at {size}");
    }
    it.tab.size(320, 640).await;
}

/// Also the digits are the language's own, everywhere.
pub(super) async fn must_speak(it: &Arrived, language: (&str, &str, &str), screen: &str) {
    let (file, tag, direction) = language;
    it.tab.speak(tag).await;
    it.tab.says(Words::of(file).get(screen)).await;
    let document = it.tab.eval("document.documentElement.lang + ' ' + document.documentElement.dir").await;
    assert_eq!(document, format!("{tag} {direction}"));
    let seen = it.tab.seen().await;
    let foreign = |c: char| if file == "en" { ('۰'..='۹').contains(&c) } else { c.is_ascii_digit() };
    assert!(!seen.contains(foreign), "{file}: {seen}");
    must_look_right(it, &format!("{screen} in {file}")).await;
}

/// Changes the clinic's settings.
async fn set(it: &Arrived, settings: &'static str) {
    let change = it.app.request(Method::PUT, "/config").bearer_auth(it.app.token("tenant_admin"));
    let change = change.header("If-Match", "*");
    it.app.send(change.header("Content-Type", "application/json").body(settings)).await.expect(200);
}

/// A phone whose visit opens in a quarter of an hour.
async fn arrived_early(phone: Phone) -> Arrived {
    let it = Arrived::before(phone).await;
    set(&it, r#"{"sessionGraceMinutesBefore":15}"#).await;
    it.open().await;
    it
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_every_screen_is_read_and_pressed_in_three_languages_on_the_narrowest_phone() {
    let it = arrived_early(Phone::default()).await;
    for language in LANGUAGES {
        must_speak(&it, language, "ask").await;
    }
    it.tab.press("second").await;
    for language in LANGUAGES {
        must_speak(&it, language, "tell").await;
    }
    it.tab.press("better").await;
    for language in LANGUAGES {
        must_speak(&it, language, "sure").await;
    }
    it.tab.press("back").await;
    it.tab.press("first").await;
    for language in LANGUAGES {
        must_speak(&it, language, "wait").await;
        let (file, ..) = language;
        let opens = it.tab.text("opens").await;
        assert!(opens.contains(|c: char| c.is_numeric()), "{file}: {opens}");
    }
    it.tab.line(Line::Gone).await;
    for language in LANGUAGES {
        must_speak(&it, language, "lost").await;
    }
    it.tab.line(Line::Good).await;
    it.tab.says(Words::of("ps").get("wait")).await;
    it.app.admit(&it.visit).await.expect(200);
    it.tab.says(Words::of("ps").get("ready")).await;
    // Or it goes in while we look.
    it.tab.press("second").await;
    for language in LANGUAGES {
        must_speak(&it, language, "ready").await;
    }
    it.must_have_behaved().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_the_page_speaks_what_the_person_chose_else_what_the_phone_speaks() {
    let it = Arrived::before(Phone { languages: "de,ps-AF,fa", ..Phone::default() }).await;
    it.open().await;
    it.tab.says(Words::of("ps").get("ask")).await;
    it.tab.speak("fa-AF").await;
    it.tab.says(Words::of("fa").get("ask")).await;
    let pressed =
        "[...document.querySelectorAll('nav button')].map(button => button.getAttribute('aria-pressed')).join()";
    assert_eq!(it.tab.eval(pressed).await, "true,false,false");
    it.tab.reload().await;
    it.tab.says(Words::of("fa").get("ask")).await;
    it.must_have_behaved().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_phone_that_speaks_english_speaks_the_clinics_language_once_it_joined() {
    for (phone, before, after) in [("en-US", "en", "ps"), ("fa", "fa", "fa")] {
        let it = Arrived::before(Phone { languages: phone, ..Phone::default() }).await;
        set(&it, r#"{"locale":"ps"}"#).await;
        it.open().await;
        it.tab.says(Words::of(before).get("ask")).await;
        it.tab.press("first").await;
        it.tab.says(Words::of(after).get("wait")).await;
        // What the person chooses then goes before everything.
        it.tab.speak("en").await;
        it.tab.reload().await;
        it.says("wait").await;
        it.must_have_behaved().await;
    }
}

/// A screen reader is told what changed, and nothing of what ticks.
#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_screen_reader_hears_of_changes_and_of_nothing_else() {
    let it = Arrived::with(Phone::default()).await;
    let spoken = "window.spoken = [];
        new MutationObserver(all => all.forEach(one => window.spoken.push(one.target.id || one.target.parentNode.id)))
            .observe(document.querySelector('[role=status]'), { childList: true, characterData: true, subtree: true })";
    it.tab.eval(spoken).await;
    assert_eq!(it.tab.eval("document.querySelectorAll('[aria-live]').length").await, 1);
    it.waits().await;
    it.app.admit(&it.visit).await.expect(200);
    it.says("ready").await;
    let seconds = "parseInt(document.getElementById('more').textContent.match(/\\d+/)) < 8";
    it.tab.until(seconds).await;
    // One moment, waiting (and when it opens, which goes again), ready.
    let spoken = it.tab.eval("window.spoken.filter(id => id === 'say').length").await;
    assert_eq!(spoken, 3);
    // A button that goes does not take who stood on it along.
    it.tab.eval("document.getElementById('second').focus()").await;
    it.tab.press("second").await;
    it.tab.until("document.getElementById('second').hidden").await;
    assert_eq!(it.tab.eval("document.activeElement.id").await, "title");
    it.must_have_behaved().await;
}

fn in_kabul(at: OffsetDateTime) -> OffsetDateTime {
    at.to_offset(UtcOffset::from_hms(4, 30, 0).unwrap())
}

fn hour(words: &Words, at: OffsetDateTime) -> String {
    let at = in_kabul(at);
    let hour = (at.hour() + 11) % 12 + 1;
    let time = format!("{hour}:{:02}", at.minute());
    words.fill(if at.hour() < 12 { "am" } else { "pm" }, &[("n", &time)])
}

/// It shows the clinic's time and day, in the clinic's zone (Kabul's is off by half an hour), by the server's clock.
#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_phone_whose_clock_is_wrong_by_a_day_shows_the_clinics_time_all_the_same() {
    for hours_ahead in [24, -29] {
        let it = arrived_early(Phone { hours_ahead, ..Phone::default() }).await;
        it.waits().await;
        let wrong = it.tab.eval("Date.now()").await.as_i64().unwrap();
        assert!((wrong / 1000 - SystemClock.now().unix_timestamp() - hours_ahead * 3600).abs() < 60);

        let clock = it.tab.text("clock").await;
        let now = SystemClock.now();
        let said = |at| it.english.fill("clock", &[("n", &hour(&it.english, at))]);
        assert!([said(now), said(now - Duration::MINUTE)].contains(&clock), "{clock}, but it is {now}");

        let opens = it.app.now() + Duration::minutes(15);
        let day = if in_kabul(opens).date() == in_kabul(now).date() { "today" } else { "tomorrow" };
        let when = it.english.fill("when", &[("day", it.english.get(day)), ("time", &hour(&it.english, opens))]);
        assert_eq!(it.tab.text("opens").await, it.english.fill("opens", &[("when", &when)]));
        it.must_have_behaved().await;
    }
}
