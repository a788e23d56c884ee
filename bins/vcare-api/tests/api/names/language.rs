//! The language of a person's link and page.

use serde_json::json;

use crate::support::{TENANT, TestApp, Visit, scope};

#[tokio::test(flavor = "multi_thread")]
async fn a_link_says_which_language_its_reader_was_given_and_the_page_goes_on_in_it() {
    let app = TestApp::start().await;
    let mut wish = app.wish();
    wish["patientLanguage"] = json!("ps");
    let visit = Visit::of(&app.post(&app.token("clinician"), "/sessions", &wish).await.expect(201).body);
    let path = visit.path(&format!("/participants/{}/join-token", visit.patient));
    let issue = async |body: serde_json::Value| app.post(&app.token("clinician"), &path, &body).await.expect(201);
    let issued = issue(json!({})).await;
    let token = issued.text("joinToken");
    assert_eq!(issued.text("joinUrl"), format!("https://care.example/visit?l=ps#{token}"));
    let short = issued.text("shortUrl");
    assert!(short.starts_with("https://care.example/v?l=ps#") && short.len() <= "https://care.example".len() + 40);
    assert_eq!(app.join(&token).await.expect(200).body["locale"], "ps");
    // Patients, too, may say what they read; English is a language like the others.
    let own = app.post(&app.token("patient"), &path, &json!({"language": "en"})).await.expect(201);
    assert!(own.text("joinUrl").contains("/visit?l=en#"));
    assert_eq!(app.participant(&visit, &visit.patient).await["language"], "en");
    let dari = issue(json!({"language": "fa-AF"})).await;
    assert!(dari.text("shortUrl").contains("/v?l=fa#"));
    assert_eq!(app.join(&dari.text("joinToken")).await.expect(200).body["locale"], "fa-AF");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_given_no_language_is_spoken_to_as_the_clinic_speaks() {
    let app = TestApp::start().await;
    app.app
        .change_tenant_config(&scope(TENANT), |draft| {
            draft.locale = vcare_domain::Locale::FaAf;
            Ok(())
        })
        .await
        .unwrap();
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    assert_eq!(app.join(&token).await.expect(200).body["locale"], "fa-AF");
    let path = visit.path(&format!("/participants/{}/join-token", visit.patient));
    let issued = app.post(&app.token("clinician"), &path, &json!({})).await.expect(201);
    assert!(issued.text("joinUrl").starts_with("https://care.example/visit#"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_answers_the_same_link_whatever_language_was_given_since() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let path = visit.path(&format!("/participants/{}/join-token", visit.patient));
    let token = app.token("clinician");
    let first = app.post_once(&token, &path, &json!({"language": "ps"}), "k1").await.expect(201);
    app.post_once(&token, &path, &json!({"language": "fa-AF"}), "k2").await.expect(201);
    let again = app.post_once(&token, &path, &json!({"language": "ps"}), "k1").await.expect(201);
    assert_eq!(first.bytes, again.bytes);
}
