//! Names and languages that are refused, each by its field.

use serde_json::{Value, json};

use crate::support::TestApp;

fn bad_names() -> Vec<String> {
    let flood = format!("A{}", "\u{301}".repeat(60));
    let texts = [
        "",
        "   ",
        "\u{200C}\u{200D}",
        "Noori\u{202E}irooN",
        "\u{2066}Noori\u{2069}",
        "Noori\u{200F}",
        "Noori\u{0}",
        "Noori\nAmiri",
        "Noori\u{85}Amiri",
        "<script>alert(1)</script>",
        "Noori <b>",
        &flood,
    ];
    let long = ["x".repeat(101), "x".repeat(65_000), "د".repeat(30_000)];
    texts.into_iter().map(str::to_owned).chain(long).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_none_is_refused_by_its_field_wherever_it_is_given() {
    let app = TestApp::start_with("api.max_body_bytes = 200000").await;
    let visit = app.visit().await;
    let token = app.token("clinician");
    let link = visit.path(&format!("/participants/{}/join-token", visit.patient));
    for name in bad_names() {
        app.invite(&visit, &json!({"role": "observer", "displayName": name})).await.names_field("displayName");
        app.post(&token, &link, &json!({"displayName": name})).await.names_field("displayName");
        for field in ["patientName", "providerName"] {
            let mut wish = app.wish();
            wish[field] = json!(name);
            app.post(&token, "/sessions", &wish).await.names_field(field);
        }
    }
    let seen = app.read(&visit).await;
    assert_eq!((&seen["version"], seen["participants"].as_array().unwrap().len()), (&json!(1), 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_language_that_we_do_not_speak_is_refused_by_its_field_and_all_wrong_fields_are_named_together() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    for language in ["", "de", "fa", "FA-AF", "ps-AF", "en\u{0}"] {
        app.invite(&visit, &json!({"role": "observer", "language": language})).await.names_field("language");
        let mut wish = app.wish();
        wish["patientLanguage"] = json!(language);
        app.post(&app.token("clinician"), "/sessions", &wish).await.names_field("patientLanguage");
    }
    let wish = json!({"role": "surgeon", "displayName": "<", "language": "xx"});
    let refused = app.invite(&visit, &wish).await.names_field("role").names_field("displayName");
    refused.names_field("language");
    for odd in [json!(7), json!(["Noori"]), json!({"text": "Noori"})] {
        let answer = app.invite(&visit, &json!({"role": "observer", "displayName": odd})).await;
        answer.names_field("displayName");
    }
    // Null is as good as nothing.
    let nothing = json!({"role": "observer", "displayName": Value::Null, "language": Value::Null});
    app.invite(&visit, &nothing).await.expect(201);
}
