//! How a room looks: asked by everybody's browser, before anybody signs in.

use reqwest::Method;
use serde_json::{Value, json};
use vcare_domain::TenantConfigDraft;

use super::{room, settings, shared_jitsi};
use crate::support::{Answer, OTHER_TENANT, TENANT, TestApp, scope};

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
async fn who_wants_another_tenants_prefix_takes_none_of_its_looks_away() {
    let app = TestApp::start().await;
    brand(&app, TENANT, "https://kabul.example/logo.svg", "#4080c0").await;
    let before = branding(&app, "kabul-abcdefgh").await.expect(200).bytes;
    let mut draft = TenantConfigDraft::new(app.standins.jitsi_url(), "kabul");
    let refused = app.app.set_tenant_config(&scope(OTHER_TENANT), draft.clone()).await.unwrap_err();
    assert_eq!(refused.to_string(), "roomSlugPrefix belongs to another tenant");
    assert_eq!(branding(&app, "kabul-abcdefgh").await.expect(200).bytes, before);
    // Where the path segment says whose room it is, the prefix decides nothing.
    draft.jitsi_tenant = Some("herat-clinic".to_owned());
    app.app.set_tenant_config(&scope(OTHER_TENANT), draft.clone()).await.unwrap();
    assert_eq!(branding(&app, "kabul-abcdefgh").await.expect(200).bytes, before);
    draft.jitsi_tenant = None;
    let refused = app.app.set_tenant_config(&scope(OTHER_TENANT), draft).await.unwrap_err();
    assert_eq!(refused.to_string(), "roomSlugPrefix belongs to another tenant");
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_who_had_one_prefix_together_go_on_with_it_until_one_leaves_it_for_good() {
    let app = TestApp::start().await;
    brand(&app, TENANT, "https://kabul.example/logo.svg", "#4080c0").await;
    let before =
        "UPDATE tenant_config SET room_slug_prefix = 'kabul', shared_room_slug_prefix = 'kabul' WHERE tenant_id = $1";
    app.database.execute(before, &[&OTHER_TENANT]).await.unwrap();
    assert_eq!(branding(&app, "kabul-abcdefgh").await.expect(200).body, plain(), "it is not known whose room that is");
    settings(&app, OTHER_TENANT, |draft| draft.max_participants = 9).await;
    settings(&app, TENANT, |draft| draft.max_participants = 9).await;
    settings(&app, OTHER_TENANT, |draft| draft.room_slug_prefix = "herat".to_owned()).await;
    let logo = branding(&app, "kabul-abcdefgh").await.expect(200).body["logoImageUrl"].clone();
    assert_eq!(logo, "https://kabul.example/logo.svg");
    let back = TenantConfigDraft::new(app.standins.jitsi_url(), "kabul");
    let refused = app.app.set_tenant_config(&scope(OTHER_TENANT), back).await.unwrap_err();
    assert_eq!(refused.to_string(), "roomSlugPrefix belongs to another tenant");
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
