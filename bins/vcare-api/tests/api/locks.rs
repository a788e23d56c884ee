//! Conditions (RFC 9110, 13.1): `ETag`, `If-Match` and `If-None-Match`.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, OTHER_TENANT, TestApp, draft};

async fn read_if(app: &TestApp, token: &str, path: &str, known: &str) -> Answer {
    app.send(app.request(Method::GET, path).bearer_auth(token).header("If-None-Match", known)).await
}

/// Asserts that nothing is sent to who has it already, but for its tag.
#[track_caller]
fn is_known(answer: &Answer, etag: &str) {
    assert_eq!((answer.status, answer.header("etag"), answer.bytes.len()), (304, etag, 0));
    assert_eq!(answer.header("content-type"), "");
}

async fn post_if(app: &TestApp, token: &str, path: &str, condition: &str, body: &Value) -> Answer {
    let request = app.request(Method::POST, path).bearer_auth(token).header("If-Match", condition);
    app.send(request.header("Content-Type", "application/json").body(body.to_string())).await
}

async fn reads_audited(app: &TestApp) -> usize {
    app.all_events().await.iter().filter(|event| event["data"]["eventType"] == "RECORD_READ").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_visit_already_is_sent_nothing_and_the_read_is_audited_all_the_same() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let (clinician, path) = (app.token("clinician"), visit.path(""));
    let read = app.get(&clinician, &path).await.expect(200);
    let etag = read.header("etag").to_owned();
    let before = reads_audited(&app).await;
    let conditions = [etag.clone(), format!("W/{etag}"), format!("\"1\", {etag}"), "*".to_owned()];
    for known in &conditions {
        is_known(&read_if(&app, &clinician, &path, known).await, &etag);
    }
    assert_eq!(reads_audited(&app).await, before + conditions.len());
    for other in ["\"1\"", "\"2-0000000000000000\"", "W/\"1\""] {
        assert_eq!(read_if(&app, &clinician, &path, other).await.expect(200).bytes, read.bytes);
    }
    app.come(&clinician, &visit).await.expect(200);
    let changed = read_if(&app, &clinician, &path, &etag).await.expect(200);
    assert_ne!(changed.header("etag"), etag);
    assert!(changed.header("etag").starts_with("\"2-"));
    for bad in ["1", "", "\"1", "*, \"1\""] {
        read_if(&app, &clinician, &path, bad).await.names_field("If-None-Match");
    }
}

/// Whether the patient is there changes without the version; a clinician who looks again must see it.
#[tokio::test(flavor = "multi_thread")]
async fn what_changes_without_the_version_is_not_known_either() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    let (clinician, path) = (app.token("clinician"), visit.path(""));
    app.tell_connection(&token, "alive", 0).await.expect(200);
    let here = app.get(&clinician, &path).await.expect(200);
    is_known(&read_if(&app, &clinician, &path, here.header("etag")).await, here.header("etag"));
    app.clock.advance(Duration::minutes(5));
    let gone = read_if(&app, &clinician, &path, here.header("etag")).await.expect(200);
    assert_eq!(gone.body["version"], here.body["version"]);
    assert_ne!(gone.body["participants"], here.body["participants"]);
    // Both tags say the same version, and both are good for a change.
    assert_ne!(gone.header("etag"), here.header("etag"));
    post_if(&app, &clinician, &visit.path("/join"), here.header("etag"), &json!({})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_audiences_tag_is_not_anothers_and_another_tenant_learns_nothing_by_a_tag() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let path = visit.path("");
    let treating = app.get(&app.token("clinician"), &path).await.expect(200);
    let patient = read_if(&app, &app.token("patient"), &path, treating.header("etag")).await.expect(200);
    assert_eq!(patient.body["version"], treating.body["version"]);
    assert_eq!(patient.body["audience"], "patient");
    let outsider = app.token_of(OTHER_TENANT, "clinician-1", "clinician");
    for known in [treating.header("etag"), "*"] {
        read_if(&app, &outsider, &path, known).await.refused(404, "SESSION_NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn async_visits_settings_and_ones_own_standing_are_known_by_their_tags_too() {
    let app = TestApp::start().await;
    let submitted = app.submit(&draft()).await.expect(201);
    let (_, link) = app.waiting_visit().await;
    let paths = [
        (app.token("patient"), format!("/async-visits/{}", submitted.text("id"))),
        (app.token("tenant_admin"), "/config".to_owned()),
        (link, "/sessions/join/status".to_owned()),
    ];
    for (token, path) in &paths {
        let read = app.get(token, path).await.expect(200);
        is_known(&read_if(&app, token, path, read.header("etag")).await, read.header("etag"));
        assert_eq!(read_if(&app, token, path, "\"1\"").await.expect(200).bytes, read.bytes, "{path}");
    }
    // Operators see more of the same settings.
    let (_, config) = (&paths[1].0, app.get(&paths[1].0, "/config").await.expect(200));
    let inside = json!({"prosodyUrl": "http://10.0.0.1:5280"});
    let operator = app.token("platform_admin");
    let put = app.request(Method::PUT, "/config").bearer_auth(&operator).header("Content-Type", "application/json");
    app.send(put.header("If-Match", config.header("etag")).body(inside.to_string())).await.expect(200);
    let seen = app.get(&paths[1].0, "/config").await.expect(200);
    read_if(&app, &operator, "/config", seen.header("etag")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn if_match_takes_a_list_and_compares_strongly() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    let (clinician, join) = (app.token("clinician"), visit.path("/join"));
    let before = app.read(&visit).await;
    assert_eq!(before["version"], 3);
    for no_match in
        ["W/\"3\"", "\"2\", \"4\"", "\"2\", W/\"3\"", "\"three\"", "\"\"", "\"03\"", "\"3-\"", "\"99999999999\""]
    {
        let refused = post_if(&app, &clinician, &join, no_match, &json!({})).await;
        let refused = refused.refused(409, "OPTIMISTIC_LOCK_CONFLICT");
        assert_eq!((&refused.body["currentVersion"], refused.header("etag")), (&json!(3), "\"3\""), "{no_match}");
    }
    assert_eq!(app.read(&visit).await, before);
    let joined = post_if(&app, &clinician, &join, "\"2\", W/\"9\", ,\"3\"", &json!({})).await.expect(200);
    assert_eq!(joined.header("etag"), "\"4\"");
    // Several headers are one list.
    let two = app.request(Method::POST, &visit.path("/cancel")).bearer_auth(&clinician);
    let two = two.header("If-Match", "\"1\"").header("If-Match", "\"4\"").header("Content-Type", "application/json");
    app.send(two.body(r#"{"reason": "snow"}"#)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_act_on_the_same_list_of_versions_at_once_one_wins() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let (clinician, path) = (app.token("clinician"), visit.path("/participants"));
    let body = json!({"role": "observer"});
    let all = (0..4).map(|_| post_if(&app, &clinician, &path, "\"1\", \"7\"", &body));
    let (won, lost): (Vec<_>, Vec<_>) =
        futures_util::future::join_all(all).await.into_iter().partition(|answer| answer.status == 201);
    assert_eq!((won.len(), won[0].header("etag")), (1, "\"2\""));
    for lost in lost {
        let lost = lost.refused(409, "OPTIMISTIC_LOCK_CONFLICT");
        assert_eq!((&lost.body["currentVersion"], lost.header("etag")), (&json!(2), "\"2\""));
    }
}

/// What is asked of what answers with a version: `TestApp::send` compares its tag.
#[tokio::test(flavor = "multi_thread")]
async fn admissions_joins_standings_and_threads_carry_the_visits_version() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let link = app.join_token(&visit).await;
    let clinician = app.token("clinician");
    let answers = [
        app.join(&link).await,
        app.join_by_post(&link).await,
        app.join_status(&link).await,
        app.tell_connection(&link, "alive", 0).await,
        app.come(&clinician, &visit).await,
        app.admit(&visit).await,
        app.post(&clinician, &visit.path("/connection"), &json!({"state": "alive"})).await,
    ];
    for answer in answers {
        let answer = answer.expect(200);
        assert!(answer.body["version"].is_u64() && !answer.header("etag").is_empty(), "{answer:?}");
    }
    let fallen_back = app.post(&clinician, &visit.path("/fallback-message"), &json!({})).await;
    assert!([200, 202].contains(&fallen_back.status));
    let tag = fallen_back.header("etag").to_owned();
    assert_eq!(format!("\"{}\"", app.read(&visit).await["version"]), tag);
}

fn settings(app: &TestApp, method: Method, body: &Value) -> RequestBuilder {
    let kind = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
    let request = app.request(method, "/config").bearer_auth(app.token("tenant_admin"));
    request.header("Content-Type", kind).body(body.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_changed_on_a_condition_or_not_at_all() {
    let app = TestApp::start().await;
    let read = app.get(&app.token("tenant_admin"), "/config").await.expect(200);
    let body = json!({"maxParticipants": 9});
    for method in [Method::PUT, Method::PATCH] {
        app.send(settings(&app, method.clone(), &body)).await.refused(428, "PRECONDITION_REQUIRED");
        // A version in the body is none of a request that says `If-Match` nowhere.
        let versioned = json!({"maxParticipants": 9, "version": read.body["version"]});
        app.send(settings(&app, method.clone(), &versioned)).await.refused(428, "PRECONDITION_REQUIRED");
        for stale in ["\"77\"", "W/\"1\"", "\"77\", \"78\""] {
            let refused = app.send(settings(&app, method.clone(), &body).header("If-Match", stale)).await;
            let refused = refused.refused(409, "OPTIMISTIC_LOCK_CONFLICT");
            assert_eq!(refused.body["currentVersion"], read.body["version"]);
        }
        let two = settings(&app, method.clone(), &versioned).header("If-Match", "\"77\"");
        app.send(two).await.names_field("version");
        let both = settings(&app, method.clone(), &body).header("If-Match", "*").header("If-None-Match", "*");
        app.send(both).await.names_field("If-None-Match");
        let known = settings(&app, method, &body).header("If-None-Match", "\"77\"");
        app.send(known).await.names_field("If-None-Match");
    }
    // The tenant has settings: they are no new ones.
    let new = settings(&app, Method::PUT, &body).header("If-None-Match", "*");
    app.send(new).await.refused(409, "OPTIMISTIC_LOCK_CONFLICT");
    let now = app.get(&app.token("tenant_admin"), "/config").await.expect(200);
    assert_eq!(now.body, read.body);
    let put = settings(&app, Method::PUT, &body).header("If-Match", read.header("etag"));
    let put = app.send(put).await.expect(200);
    let patch = settings(&app, Method::PATCH, &json!({"maxParticipants": 10})).header("If-Match", put.header("etag"));
    assert_eq!(app.send(patch).await.expect(200).body["maxParticipants"], 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_patch_the_same_settings_at_once_one_wins() {
    let app = TestApp::start().await;
    let read = app.get(&app.token("tenant_admin"), "/config").await.expect(200);
    let etag = read.header("etag");
    let all = (0..4).map(|n| {
        let method = if n % 2 == 0 { Method::PATCH } else { Method::PUT };
        app.send(settings(&app, method, &json!({"maxParticipants": 10 + n})).header("If-Match", etag))
    });
    let (won, lost): (Vec<_>, Vec<_>) =
        futures_util::future::join_all(all).await.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1);
    for lost in lost {
        let lost = lost.refused(409, "OPTIMISTIC_LOCK_CONFLICT");
        assert_eq!(
            (&lost.body["currentVersion"], lost.header("etag")),
            (&won[0].body["version"], won[0].header("etag"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_patch_changes_what_it_names_and_null_takes_back() {
    let app = TestApp::start().await;
    let patch = async |body: Value| {
        app.send(settings(&app, Method::PATCH, &body).header("If-Match", "*")).await.expect(200).body
    };
    let secret = "a-secret-that-the-clinics-prosody-has-already";
    patch(json!({"maxParticipants": 9, "locale": "ps", "brandingPrimaryColor": "#FFF", "jitsiJwtSecret": secret}))
        .await;
    let config = patch(json!({"locale": null, "linkMaxRttMs": 900})).await;
    assert_eq!((&config["maxParticipants"], &config["locale"]), (&json!(9), &json!("en")));
    assert_eq!((&config["brandingPrimaryColor"], &config["linkMaxRttMs"]), (&json!("#ffffff"), &json!(900)));
    // Secrets are written and never read, and their mask leaves them.
    assert_eq!(config["jitsiJwtSecret"], "****");
    let same = patch(json!({"jitsiJwtSecret": "****"})).await;
    assert_eq!(same["version"], config["version"], "nothing changed");
    let removed = patch(json!({"jitsiJwtSecret": null, "brandingPrimaryColor": null})).await;
    assert_eq!((&removed["jitsiJwtSecret"], &removed["brandingPrimaryColor"]), (&json!("****"), &Value::Null));
    assert_eq!(removed["version"].as_u64(), config["version"].as_u64().map(|version| version + 1));
    let events = app.events_of("virtual_care.config.updated.v1").await;
    let changed = &events.last().unwrap()["data"]["changedFields"];
    assert_eq!(changed, &json!(["brandingPrimaryColor", "jitsiJwtSecret"]));
    assert!(!json!(events).to_string().contains(secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_of_another_kind_is_told_which_kind_is_taken() {
    let app = TestApp::start().await;
    let token = app.token("tenant_admin");
    let patch = |kind: &str, body: &str| {
        let request = app.request(Method::PATCH, "/config").bearer_auth(&token).header("If-Match", "*");
        app.send(request.header("Content-Type", kind).body(body.to_owned()))
    };
    let good = r#"{"maxParticipants": 9}"#;
    for kind in ["application/json", "application/json-patch+json", "text/plain", ""] {
        let refused = patch(kind, good).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
        assert_eq!(refused.header("accept-patch"), "application/merge-patch+json", "{kind}");
    }
    let kind = "application/merge-patch+json";
    // A patch that is no object would stand in the place of all settings.
    for bad in ["null", "[]", "7", "\"x\"", "", "{"] {
        patch(kind, bad).await.names_field("body");
    }
    patch(kind, r#"{"maxParticipants": 21}"#).await.names_field("maxParticipants");
    patch(kind, r#"{"surprise": null}"#).await.names_field("surprise");
    patch(kind, r#"{"tenantId": "hosp-herat"}"#).await.names_field("tenantId");
    patch(kind, r#"{"jitsiTenant": "herat"}"#).await.refused(403, "ACCESS_DENIED");
    patch(&format!("{kind}; charset=utf-8"), good).await.expect(200);
    let clinician = app.request(Method::PATCH, "/config").bearer_auth(app.token("clinician")).header("If-Match", "*");
    app.send(clinician.header("Content-Type", kind).body(good)).await.refused(403, "ACCESS_DENIED");
}
