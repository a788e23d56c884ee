//! Whose clinic it is: on the page, in every state of it, and on the phone.

use reqwest::Method;
use serde_json::{Value, json};

use super::Arrived;
use super::languages::must_look_right;
use super::tab::{Line, Phone};
use super::words::{LANGUAGES, Words};
use crate::support::TENANT;

/// A name that would be something else on a page that does not escape it, and of both directions.
const NAME: &str = "Mother & Child \"Clinic\" مادر";
const PHONE: &str = "+93799123456";
const DOCTOR: &str = "Dr. Parwana O'Noori & \"Co\"";

/// Somebody whose visit is at a clinic that says who it is.
pub(super) async fn at_a_clinic() -> Arrived {
    let it = Arrived::before(Phone::default()).await;
    let logo = format!("{}/logo.png", it.app.standins.jitsi_url().trim_end_matches('/'));
    let settings = json!({
        "clinicName": NAME, "clinicPhone": PHONE, "brandingPrimaryColor": "#8b1e3f", "brandingLogoUrl": logo,
    });
    let token = it.app.token_of(TENANT, "admin-1", "tenant_admin");
    let put = it.app.request(Method::PUT, "/config").bearer_auth(token).header("Content-Type", "application/json");
    it.app.send(put.header("If-Match", "*").body(settings.to_string())).await.expect(200);
    let doctor = it.app.account(TENANT, "clinician-1", "clinician").claim("name", json!(DOCTOR));
    it.app.come(&it.app.standins.issuer().token(&doctor), &it.visit).await.expect(200);
    it
}

async fn calls_the_clinic(it: &Arrived) {
    it.tab.until("!document.getElementById('call').hidden").await;
    assert_eq!(it.tab.eval("document.getElementById('call').href").await, format!("tel:{PHONE}"));
    assert!(it.tab.text("call").await.contains(PHONE));
    assert_eq!(it.tab.text("whose").await, NAME);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_sees_whose_clinic_it_is_and_can_call_it() {
    let it = at_a_clinic().await;
    it.open().await;
    assert_eq!(it.tab.text("whose").await, "", "nothing was sent yet");
    it.waits().await;
    calls_the_clinic(&it).await;
    assert_eq!(it.tab.text("who").await, it.english.fill("who", &[("n", &format!("\u{2068}{DOCTOR}\u{2069}"))]));
    let brand = "getComputedStyle(document.documentElement).getPropertyValue('--brand').trim()";
    assert_eq!(it.tab.eval(brand).await, "#8b1e3f");
    // The logo is seen, and came with the answer.
    it.tab.until("document.querySelector('#logo img').naturalWidth > 1").await;
    assert!(it.tab.addresses().iter().all(|address| !address.contains("logo.png")));
    for (_, tag, _) in LANGUAGES {
        it.tab.speak(tag).await;
        must_look_right(&it, &format!("whose clinic, in {tag}")).await;
    }
    it.must_have_behaved().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clinic_is_sent_once_and_stays_on_the_phone_also_on_a_dead_line() {
    let it = at_a_clinic().await;
    it.open().await;
    it.waits().await;
    calls_the_clinic(&it).await;
    it.tab.reload().await;
    it.says("wait").await;
    calls_the_clinic(&it).await;
    assert_eq!(it.tab.asked("/sessions/join/clinic").len(), 1);
    it.tab.line(Line::Gone).await;
    it.says("lost").await;
    calls_the_clinic(&it).await;
    it.must_have_behaved().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_opens_nothing_says_whom_to_call() {
    let it = at_a_clinic().await;
    // Another link makes this one old, before its holder has opened it.
    let newer = it.app.join_token(&it.visit).await;
    it.open().await;
    it.tab.press("first").await;
    it.says("bad").await;
    calls_the_clinic(&it).await;
    it.app.cancel(&it.visit, "power cut").await.expect(200);
    it.tab.open(&it.app.url(&format!("/visit?late#{newer}"))).await;
    it.tab.press("first").await;
    it.says("cancelled").await;
    calls_the_clinic(&it).await;
    it.must_have_behaved().await;
}

/// What an answer says goes onto the page as text, whatever it is.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_clinic_is_taken_for_more_than_a_text_a_colour_and_a_picture() {
    let it = at_a_clinic().await;
    let hostile = json!({
        "tag": "00000000", "name": "<img src=x onerror=alert(1)>", "phone": "112\"><b>", "locale": "en",
        "color": "red;} body { display: none", "logo": "https://evil.example/logo.png",
    });
    let changed = format!("/\"tag\"/.test(text) ? {} : text", json!(hostile.to_string()));
    it.tab.change_answers(&changed).await;
    it.open().await;
    it.waits().await;
    it.tab.until("document.getElementById('whose').textContent").await;
    assert_eq!(it.tab.text("whose").await, "<img src=x onerror=alert(1)>");
    assert_eq!(it.tab.eval("document.querySelectorAll('main img, main b').length").await, 0);
    assert_eq!(it.tab.eval("document.documentElement.style.length").await, 0);
    assert!(it.tab.addresses().iter().all(|address| !address.contains("evil")));
    it.must_have_behaved().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_made_for_a_language_opens_in_it_where_the_phone_says_no_other() {
    let phone = |languages| Phone { languages, ..Phone::default() };
    for (languages, spoken) in [("en", "ps"), ("de", "ps"), ("fa-AF", "fa")] {
        let it = Arrived::before(phone(languages)).await;
        let path = it.visit.path(&format!("/participants/{}/join-token", it.visit.patient));
        let wish: Value = json!({"language": "ps"});
        let url = it.app.post(&it.app.token("clinician"), &path, &wish).await.expect(201).text("joinUrl");
        let (_, page) = url.split_once("/visit").unwrap();
        it.tab.open(&it.app.url(&format!("/visit{page}"))).await;
        it.tab.says(Words::of(spoken).get("ask")).await;
        it.tab.press("first").await;
        it.tab.says(Words::of(spoken).get("wait")).await;
    }
}
