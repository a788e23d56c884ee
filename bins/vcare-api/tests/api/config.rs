//! VCARE-US-010: a tenant's settings.

use reqwest::Method;
use serde_json::{Value, json};
use vcare_testkit::until;

use crate::support::{Answer, CONSENTED, OTHER_TENANT, TENANT, TestApp};

async fn get(app: &TestApp, role: &str) -> Answer {
    app.get(&app.token(role), "/config").await
}

/// Whatever version there is.
async fn put_as(app: &TestApp, token: &str, body: &Value) -> Answer {
    put_if(app, token, &[("If-Match", "*")], body).await
}

async fn put_if(app: &TestApp, token: &str, conditions: &[(&str, &str)], body: &Value) -> Answer {
    change(app, Method::PUT, "application/json", token, conditions, body).await
}

async fn patch_if(app: &TestApp, token: &str, conditions: &[(&str, &str)], body: &Value) -> Answer {
    change(app, Method::PATCH, "application/merge-patch+json", token, conditions, body).await
}

async fn change(
    app: &TestApp,
    method: Method,
    kind: &str,
    token: &str,
    conditions: &[(&str, &str)],
    body: &Value,
) -> Answer {
    let request = app.request(method, "/config").bearer_auth(token).header("Content-Type", kind);
    let request = conditions.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    app.send(request.body(body.to_string())).await
}

async fn put(app: &TestApp, body: &Value) -> Answer {
    put_as(app, &app.token("tenant_admin"), body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn us_010_settings_are_saved_and_only_the_names_of_what_changed_are_told() {
    let app = TestApp::start().await;
    let server = app.standins.jitsi_url().replace("localhost", "127.0.0.1");
    let change = json!({
        "jitsiServerUrl": server, "brandingLogoUrl": "https://kabul.example/logo.svg", "maxParticipants": 8,
    });
    let saved = put(&app, &change).await.expect(200);
    assert_eq!(saved.header("etag"), "\"2\"");
    for (name, value) in change.as_object().unwrap() {
        assert_eq!(&saved.body[name], value);
    }
    assert_eq!(get(&app, "admin").await.expect(200).body, saved.body);
    let events = app.events_of("virtual_care.config.updated.v1").await;
    let event = events.last().unwrap();
    assert_eq!(event["data"]["changedFields"], json!(["jitsiServerUrl", "brandingLogoUrl", "maxParticipants"]));
    assert_eq!((&event["tenantid"], &event["actorid"]), (&json!(TENANT), &json!("tenant_admin-1")));
    assert!(!event.to_string().contains("kabul.example"), "names, never values");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_010_credentials_read_back_as_asterisks() {
    let app = TestApp::start().await;
    let config = get(&app, "tenant_admin").await.expect(200).body;
    for credential in ["jitsiJwtSecret", "zoomApiKey", "zoomApiSecret"] {
        assert_eq!(config[credential], "****", "{credential}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_can_be_sent_back_and_changes_nothing() {
    let app = TestApp::start().await;
    let read = get(&app, "tenant_admin").await.expect(200).body;
    let told = app.events().await.len();
    let sent = put(&app, &read).await.expect(200).body;
    assert_eq!(sent, read);
    assert_eq!(app.events().await.len(), told, "nothing changed, and nothing is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sent_stays_and_null_is_the_default() {
    let app = TestApp::start().await;
    put(&app, &json!({"maxParticipants": 9, "locale": "ps", "brandingPrimaryColor": "#FFF"})).await.expect(200);
    let config = put(&app, &json!({"locale": null, "linkMaxRttMs": 900})).await.expect(200).body;
    assert_eq!((&config["maxParticipants"], &config["locale"]), (&json!(9), &json!("en")));
    assert_eq!(config["brandingPrimaryColor"], "#ffffff");
    let config = put(&app, &json!({"brandingPrimaryColor": null})).await.expect(200).body;
    assert_eq!(config["brandingPrimaryColor"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_administrators_at_once_the_second_is_told_of_the_first() {
    let app = TestApp::start().await;
    let version = get(&app, "tenant_admin").await.expect(200).body["version"].as_u64().unwrap();
    let both = futures_util::future::join_all((0..6).map(|n| {
        let app = &app;
        async move { put(app, &json!({"maxParticipants": 10 + n, "version": version})).await }
    }))
    .await;
    let won = both.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
    for lost in both.into_iter().filter(|answer| answer.status != 200) {
        let lost = lost.refused(409, "OPTIMISTIC_LOCK_CONFLICT");
        assert_eq!(lost.body["currentVersion"], version + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_tenants_who_take_a_prefix_at_once_one_has_it_and_the_other_does_not_learn_whose_it_is() {
    let app = TestApp::start().await;
    let admins = [TENANT, OTHER_TENANT].map(|tenant| app.token_of(tenant, "admin-1", "tenant_admin"));
    for round in 0..5 {
        let prefix = format!("central-{round}");
        let change = json!({"roomSlugPrefix": prefix});
        let both = futures_util::future::join_all(admins.iter().map(|admin| put_as(&app, admin, &change))).await;
        let (won, lost): (Vec<_>, Vec<_>) = both.into_iter().partition(|answer| answer.status == 200);
        assert_eq!((won.len(), lost.len()), (1, 1));
        assert_eq!(won[0].body["roomSlugPrefix"], prefix.as_str());
        let lost = lost.into_iter().next().unwrap().refused(409, "SETTING_TAKEN");
        let expected = "belongs to another tenant";
        assert_eq!(
            lost.body["errors"],
            json!([{"pointer": "/roomSlugPrefix", "code": "CONFLICT", "detail": expected}])
        );
        assert!(!lost.body.to_string().contains("hosp-"), "{}", lost.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_segment_that_another_tenant_has_is_told_by_its_name() {
    let app = TestApp::start().await;
    let change = json!({"jitsiTenant": "clinic"});
    put_as(&app, &app.token("platform_admin"), &change).await.expect(200);
    let other = app.token_of(OTHER_TENANT, "operator-1", "platform_admin");
    let refused = put_as(&app, &other, &change).await.refused(409, "SETTING_TAKEN");
    assert_eq!(refused.body["errors"][0]["pointer"], "/jitsiTenant");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_tenant_sets_itself_up() {
    let app = TestApp::start().await;
    let token = app.token_of("Hosp.Ghazni", "admin-1", "tenant_admin");
    app.get(&token, "/config").await.refused(404, "CONFIG_NOT_FOUND");
    let change = json!({"jitsiServerUrl": app.standins.jitsi_url()});
    for condition in ["*", "\"1\""] {
        put_if(&app, &token, &[("If-Match", condition)], &change).await.refused(404, "CONFIG_NOT_FOUND");
        patch_if(&app, &token, &[("If-Match", condition)], &change).await.refused(404, "CONFIG_NOT_FOUND");
    }
    let new: &[_] = &[("If-None-Match", "*")];
    put_if(&app, &token, new, &json!({"maxParticipants": 3})).await.names_field("jitsiServerUrl");
    put_if(&app, &token, new, &json!({"version": 1})).await.names_field("version");
    patch_if(&app, &token, new, &change).await.names_field("If-None-Match");
    let all = futures_util::future::join_all((0..4).map(|_| put_if(&app, &token, new, &change))).await;
    let (won, lost): (Vec<_>, Vec<_>) = all.into_iter().partition(|answer| answer.status == 201);
    assert_eq!((won.len(), won[0].header("etag")), (1, "\"1\""));
    for lost in lost {
        assert_eq!(lost.refused(409, "OPTIMISTIC_LOCK_CONFLICT").body["currentVersion"], 1);
    }
    let config = app.get(&token, "/config").await.expect(200).body;
    assert_eq!((&config["version"], &config["roomSlugPrefix"]), (&json!(1), &json!("hosp-ghazni")));
    let clinician = app.token_of("Hosp.Ghazni", "clinician-1", "clinician");
    let created = app.post(&clinician, "/sessions", &app.wish()).await.expect(201);
    assert!(created.text("roomName").starts_with("hosp-ghazni-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_by_name_and_changes_nothing() {
    let app = TestApp::start().await;
    let before = get(&app, "tenant_admin").await.expect(200).body;
    let cases = [
        ("maxParticipants", json!(1)),
        ("maxParticipants", json!(21)),
        ("maxParticipants", json!("6")),
        ("maxParticipants", json!(6.5)),
        ("jitsiServerUrl", json!("http://meet.example")),
        ("jitsiServerUrl", json!("https://user:secret@meet.example")),
        ("jitsiServerUrl", json!(7)),
        ("brandingLogoUrl", json!("javascript:alert(1)")),
        ("brandingLogoUrl", json!("data:image/svg+xml,<svg/>")),
        ("brandingPrimaryColor", json!("red")),
        ("brandingPrimaryColor", json!("#fff;background:url(https://evil.example)")),
        ("roomSlugPrefix", json!("a.b")),
        ("roomSlugPrefix", json!("a/b")),
        ("roomSlugPrefix", json!("x".repeat(300))),
        ("roomSlugPrefix", json!("")),
        ("sessionGraceMinutesBefore", json!(241)),
        ("sessionGraceMinutesAfter", json!(0)),
        ("autoEndMinutes", json!(0)),
        ("resumeMinutes", json!(241)),
        ("noShowMinutes", json!(4)),
        ("timeZone", json!("Mars/Olympus")),
        ("locale", json!("de")),
        ("recordingPolicy", json!("always")),
        ("recordingRetentionDays", json!(0)),
        ("videoBackend", json!("teams")),
        ("zoomAccountId", json!("a b")),
        ("linkVideoMinKbps", json!(10)),
        ("linkMaxLossPercent", json!(-1)),
        ("jitsiJwtSecret", json!(7)),
        ("surprise", json!(1)),
        ("version", json!(0)),
        ("tenantId", json!(OTHER_TENANT)),
    ];
    for (field, value) in cases {
        put(&app, &json!({field: value})).await.names_field(field);
    }
    put(&app, &json!({"videoBackend": "zoom"})).await.names_field("zoomAccountId");
    assert_eq!(get(&app, "tenant_admin").await.expect(200).body, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_the_operators_a_tenants_administrator_does_not_change() {
    let app = TestApp::start().await;
    let inside = json!({"prosodyUrl": "http://10.0.0.1:5280", "jicofoHealthUrl": "http://10.0.0.1:8888/about/health"});
    for (field, value) in [
        ("jitsiTenant", json!("herat")),
        ("prosodyUrl", inside["prosodyUrl"].clone()),
        ("jicofoHealthUrl", inside["jicofoHealthUrl"].clone()),
    ] {
        let refused = put(&app, &json!({field: value})).await.refused(403, "ACCESS_DENIED");
        assert_eq!(refused.body["detail"], format!("{field} is set by the operators of the platform"));
    }
    let operator = app.token("platform_admin");
    let set = put_as(&app, &operator, &inside).await.expect(200).body;
    assert_eq!(set["prosodyUrl"], inside["prosodyUrl"]);
    let seen = get(&app, "tenant_admin").await.expect(200).body;
    assert!(seen.get("prosodyUrl").is_none() && !seen.to_string().contains("10.0.0.1"), "{seen}");
    // What they cannot see, they do not undo.
    put(&app, &json!({"maxParticipants": 4})).await.expect(200);
    let kept = app.get(&operator, "/config").await.expect(200).body;
    assert_eq!(kept["prosodyUrl"], inside["prosodyUrl"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_never_records_creates_no_recorded_session() {
    let app = TestApp::start().await;
    put(&app, &json!({"recordingPolicy": "disabled"})).await.expect(200);
    let mut wish = json!({"patientId": CONSENTED, "scheduledStart": app.minutes_ahead(30), "recordingEnabled": true});
    app.post(&app.token("clinician"), "/sessions", &wish).await.refused(403, "RECORDING_DISABLED");
    assert_eq!(app.count("virtual_session").await, 0);
    wish["recordingEnabled"] = json!(false);
    app.post(&app.token("clinician"), "/sessions", &wish).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_written_are_503_and_nothing_is_half_written() {
    let app = TestApp::start_with("database.connection_timeout_ms = 3000").await;
    let before = get(&app, "tenant_admin").await.expect(200).body;
    app.lose_the_database().await;
    put(&app, &json!({"maxParticipants": 9})).await.refused(503, "SERVICE_UNAVAILABLE");
    app.find_the_database().await;
    until("it is back", async || get(&app, "tenant_admin").await.status == 200).await;
    assert_eq!(get(&app, "tenant_admin").await.body, before);
}

const SECRET: &str = "a-secret-that-the-clinics-prosody-has-already";

/// Everything that the database holds, as text.
async fn everything(app: &TestApp) -> String {
    let tables = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    let mut all = String::new();
    for table in app.database.rows(tables, &[]).await.unwrap() {
        let table: &str = table.get(0);
        // Bytes as text, too: events are kept as bytes.
        let query = format!("SELECT t::text, encode(convert_to(t::text, 'UTF8'), 'escape') FROM {table} AS t");
        for row in app.database.rows(&query, &[]).await.unwrap() {
            all.push_str(row.get(0));
        }
    }
    let bodies = app.database.rows("SELECT convert_from(body, 'UTF8') FROM outbox", &[]).await.unwrap();
    bodies.iter().for_each(|body| all.push_str(body.get(0)));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn us_010_a_credential_is_sealed_told_by_name_and_used_at_once() {
    let app = TestApp::start().await;
    let saved = put(&app, &json!({"jitsiJwtSecret": SECRET, "maxParticipants": 5})).await.expect(200);
    assert_eq!(saved.body["jitsiJwtSecret"], "****");
    let event = app.only_event("virtual_care.config.updated.v1").await;
    assert_eq!(event["data"]["changedFields"], json!(["maxParticipants", "jitsiJwtSecret"]));
    let audits = app.events_of("virtual_care.audit.recorded.v1").await;
    let audits: Vec<_> = audits.iter().map(|audit| (&audit["data"]["eventType"], &audit["data"]["actorId"])).collect();
    let by = json!("tenant_admin-1");
    assert_eq!(audits, [(&json!("SECRET_SET"), &by), (&json!("CONFIG_UPDATED"), &by)]);

    let (visit, _) = app.waiting_visit().await;
    let url = app.admit(&visit).await.expect(200).text("videoJoinUrl");
    let token = url.split("%22").nth(1).unwrap();
    vcare_jose::hs256::verify::<Value>(SECRET.as_bytes(), token).unwrap();
    assert!(!everything(&app).await.contains(SECRET));

    // What was read is sent back: the credential stays.
    let read = get(&app, "tenant_admin").await.expect(200).body;
    assert_eq!(put(&app, &read).await.expect(200).body, read);
    // Gone: the derived one counts again.
    put(&app, &json!({"jitsiJwtSecret": null})).await.expect(200);
    let url = app.come(&app.token("clinician"), &visit).await.expect(200).text("videoJoinUrl");
    crate::support::VideoUrl::read(TENANT, &url).await;
    let version = get(&app, "tenant_admin").await.expect(200).body["version"].clone();
    let again = put(&app, &json!({"jitsiJwtSecret": null})).await.expect(200).body;
    assert_eq!(again["version"], version, "there was none to remove");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_cannot_be_a_secret_is_refused_and_not_repeated() {
    let app = TestApp::start().await;
    let before = everything(&app).await;
    for value in
        [String::new(), "0123456789".to_owned(), format!("{SECRET}\0"), format!("{SECRET} {SECRET}"), "s".repeat(5000)]
    {
        let refused = put(&app, &json!({"jitsiJwtSecret": value, "maxParticipants": 5})).await;
        let refused = refused.names_field("jitsiJwtSecret");
        assert!(value.is_empty() || !refused.body.to_string().contains(&value), "{}", refused.body);
    }
    put(&app, &json!({"zoomApiSecret": "s".repeat(65_536)})).await.refused(413, "PAYLOAD_TOO_LARGE");
    assert_eq!(everything(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_set_a_credential_at_once_both_are_heard_one_after_the_other() {
    let app = TestApp::start().await;
    let all = futures_util::future::join_all((0..4).map(|n| {
        let app = &app;
        async move { put(app, &json!({"zoomApiKey": format!("key-{n}")})).await }
    }))
    .await;
    assert!(all.iter().all(|answer| answer.status == 200), "{all:?}");
    assert_eq!(app.events_of("virtual_care.config.updated.v1").await.len(), 4);
    assert_eq!(app.count("tenant_secret").await, 1);
}
