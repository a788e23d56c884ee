//! How a room looks: asked by everybody's browser, before anybody signs in.

use reqwest::Method;
use serde_json::{Value, json};

use super::{room, settings, shared_jitsi};
use crate::support::{Answer, OTHER_TENANT, TENANT, TestApp};

async fn branding(app: &TestApp, room: &str) -> Answer {
    let room: String = url::form_urlencoded::byte_serialize(room.as_bytes()).collect();
    app.send(app.request(Method::GET, &format!("//branding?conferenceFqn={room}"))).await
}

fn plain() -> Value {
    json!({"requireRecordingConsent": true})
}

async fn brand(app: &TestApp, tenant: &str, logo: &str, color: &str) {
    settings(app, tenant, |draft| {
        draft.branding_logo_url = Some(logo.to_owned());
        draft.branding_primary_color = Some(color.to_owned());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn us_007_a_room_has_its_tenants_logo_and_colour() {
    let app = TestApp::start().await;
    brand(&app, TENANT, "https://kabul.example/logo.svg", "#4080C0").await;
    let visit = app.visit().await;
    let answer = branding(&app, &room(&app, &visit).await).await.expect(200);
    let expected = json!({
        "logoImageUrl": "https://kabul.example/logo.svg",
        "customTheme": {"palette": {
            "action01": "#4080c0", "action01Hover": "#5c93c9", "action01Active": "#376da4",
            "link01": "#4080c0", "link01Hover": "#5c93c9", "link01Active": "#376da4",
        }},
        "requireRecordingConsent": true,
    });
    assert_eq!(answer.body, expected);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_is_the_same_for_rooms_that_there_are_and_that_there_are_not() {
    let app = TestApp::start().await;
    brand(&app, TENANT, "https://kabul.example/logo.svg", "#4080c0").await;
    let visit = app.visit().await;
    let real = branding(&app, &room(&app, &visit).await).await.expect(200);
    let made_up = branding(&app, "kabul-nosuchrm").await.expect(200);
    assert_eq!(real.bytes, made_up.bytes);
    let nobodys = branding(&app, "nobody-nosuchrm").await.expect(200);
    assert_eq!(nobodys.body, plain());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_shared_jitsi_the_path_segment_says_whose_room_it_is() {
    let app = TestApp::start().await;
    shared_jitsi(&app).await;
    brand(&app, TENANT, "https://kabul.example/logo.svg", "#4080c0").await;
    brand(&app, OTHER_TENANT, "https://herat.example/logo.svg", "#c08040").await;
    for (room, logo) in [
        ("kabul-clinic/kabul-abcdefgh", json!("https://kabul.example/logo.svg")),
        ("Kabul-Clinic/anything", json!("https://kabul.example/logo.svg")),
        ("herat-clinic/kabul-abcdefgh", json!("https://herat.example/logo.svg")),
        ("kabul-abcdefgh", json!(null)),
        ("nobody/kabul-abcdefgh", json!(null)),
    ] {
        assert_eq!(branding(&app, room).await.expect(200).body["logoImageUrl"], logo, "{room}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_of_two_tenants_is_nobodys() {
    let app = TestApp::start().await;
    brand(&app, TENANT, "https://kabul.example/logo.svg", "#4080c0").await;
    settings(&app, OTHER_TENANT, |draft| draft.room_slug_prefix = "kabul".to_owned()).await;
    assert_eq!(branding(&app, "kabul-abcdefgh").await.expect(200).body, plain());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_the_answer_is_json_for_every_origin() {
    let app = TestApp::start_with("database.connection_timeout_ms = 3000").await;
    for query in
        ["", "?", "?conferenceFqn=", "?conferenceFqn=%ff%fe", "?x=1", "?conferenceFqn=a%2fb%2fc", "?conferenceFqn=<b>"]
    {
        let answer = app.send(app.request(Method::GET, &format!("//branding{query}"))).await.expect(200);
        assert_eq!(answer.body, plain(), "{query}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{query}");
    }
    app.lose_the_database().await;
    let down = branding(&app, "kabul-abcdefgh").await.refused(503, "SERVICE_UNAVAILABLE");
    assert_eq!(down.header("access-control-allow-origin"), "*");
}
