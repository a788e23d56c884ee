//! Tenants do not see each other: not over HTTP, whatever the route, and not in the database, whatever the statement.

mod database;
mod functions;
mod intruder;

use reqwest::Method;
use serde_json::json;
use vcare_testkit::TestDatabase;

pub use database::tables;

use crate::described::{Operation, operations};
use crate::support::{Answer, CONSENTED, OTHER_TENANT, TENANT, TestApp, Visit};

const ROLES: [&str; 7] =
    ["clinician", "nurse_practitioner", "scheduler", "admin", "tenant_admin", "platform_admin", "patient"];

/// Somebody of the other tenant with every role there is, who claims to be the patient.
fn outsider(app: &TestApp) -> String {
    let account = app.account(OTHER_TENANT, "clinician-1", "clinician").patient(CONSENTED);
    app.standins.issuer().token(&account.claim("realm_access", json!({ "roles": ROLES })))
}

async fn send(app: &TestApp, token: &str, operation: &Operation, visit: &Visit) -> Answer {
    let request = app.request(operation.method.clone(), &operation.path(&visit.id, &visit.patient)).bearer_auth(token);
    app.send(operation.fill(request, &app.wish())).await
}

/// A decision on a draft that there is.
async fn decide(app: &TestApp, token: &str, visit: &Visit, draft: &str) -> Answer {
    app.decide(token, visit, &json!({"draftId": draft, "accepted": true})).await
}

/// All rows of a tenant, as the owner of the database sees them, without the audit of reads.
async fn all_of(database: &TestDatabase, tenant: &str) -> Vec<String> {
    let mut all = Vec::new();
    for table in tables(database).await {
        let changes = if table == "outbox" { "AND subject <> 'virtual_care.audit.recorded.v1'" } else { "" };
        let query = format!("SELECT t::text FROM {table} AS t WHERE tenant_id = $1 {changes} ORDER BY 1");
        let rows = database.rows(&query, &[&tenant]).await.unwrap();
        all.extend(rows.iter().map(|row| format!("{table} {}", row.get::<_, &str>(0))));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_hides_a_visit_from_another_tenant() {
    let app = TestApp::start().await;
    let outsider = outsider(&app);
    let mut tried = 0;
    for operation in operations().into_iter().filter(Operation::of_a_session) {
        let begun = operation.wants_a_begun_visit();
        let (visit, _) = match operation.id.as_str() {
            // Whoever is in the waiting room has come.
            "markNoShow" => app.missed_visit().await,
            _ if begun => app.active_visit().await,
            _ => app.waiting_visit().await,
        };
        let draft = if operation.id == "acceptSummary" { Some(app.draft(&visit).await) } else { None };
        if operation.id == "continueSessionAsync" {
            app.fail(&visit).await;
        }
        let before = all_of(&app.database, TENANT).await;
        let answer = match &draft {
            Some(draft) => decide(&app, &outsider, &visit, draft).await,
            None => send(&app, &outsider, &operation, &visit).await,
        };
        let answer = answer.refused(404, "SESSION_NOT_FOUND");
        let told = String::from_utf8(answer.bytes).unwrap();
        assert!(!told.contains(&visit.id) && !told.contains(TENANT), "{}: {told}", operation.id);
        assert_eq!(all_of(&app.database, TENANT).await, before, "{}", operation.id);
        assert_eq!(all_of(&app.database, OTHER_TENANT).await.len(), 1, "{} left something: the settings", operation.id);
        // It is refused for whose it is, and for nothing else.
        let own = match &draft {
            Some(draft) => decide(&app, &app.token("clinician"), &visit, draft).await,
            // Only the patient says that they are late.
            None if operation.id == "announceDelay" => send(&app, &app.token("patient"), &operation, &visit).await,
            None => send(&app, &app.token("clinician"), &operation, &visit).await,
        };
        assert!((200..300).contains(&own.status), "{}: {} {}", operation.id, own.status, own.body);
        tried += 1;
    }
    assert!(tried >= 8, "{tried}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_route_shows_and_changes_only_what_is_the_callers() {
    let app = TestApp::start().await;
    let outsider = outsider(&app);
    let (visit, join_token) = app.waiting_visit().await;
    app.visit().await;
    let before = all_of(&app.database, TENANT).await;
    for operation in operations().into_iter().filter(|operation| !operation.of_a_session()) {
        match operation.id.as_str() {
            "listSessions" => nothing_is_listed(&app, &outsider, &visit).await,
            // Nobody's visit; `async_visits` tries another tenant's.
            "getAsyncVisit" | "claimAsyncVisit" | "releaseAsyncVisit" | "respondAsyncVisit" | "addAddendum"
            | "closeAsyncVisit" => {
                send(&app, &outsider, &operation, &visit).await.refused(404, "ASYNC_VISIT_NOT_FOUND");
            }
            "listAsyncVisits" => {
                let listed = send(&app, &outsider, &operation, &visit).await.expect(200);
                assert_eq!(listed.body["items"], json!([]));
            }
            "submitAsyncVisit" => {
                let submitted = send(&app, &outsider, &operation, &visit).await.expect(201);
                assert_eq!(submitted.body["tenantId"], OTHER_TENANT, "the tenant is the token's");
            }
            "syncAsyncVisits" => {
                let synced = send(&app, &outsider, &operation, &visit).await.expect(200);
                assert_eq!(synced.body["results"][0]["body"]["tenantId"], OTHER_TENANT);
            }
            "createSession" => {
                // Nobody is the provider of their own visit, and the outsider claims to be the patient.
                let clinician = app.token_of(OTHER_TENANT, "clinician-1", "clinician");
                send(&app, &outsider, &operation, &visit).await.refused(403, "ACCESS_DENIED");
                let created = send(&app, &clinician, &operation, &visit).await.expect(201);
                assert_eq!(created.body["tenantId"], OTHER_TENANT, "the tenant is the token's");
            }
            "getReconciliation" => {
                let told =
                    app.get(&app.token_of(OTHER_TENANT, "admin-9", "admin"), "/reconciliation").await.expect(200);
                // What they did themselves a moment ago may still wait to be published.
                assert_eq!(told.body["visitsWithoutEncounter"]["count"], 0, "{}", told.body);
            }
            // Who comes by link is of the tenant that signed the link; `bad_input` tries all others.
            "joinSession"
            | "joinSessionByGet"
            | "getWaitingRoomStatus"
            | "reportConnectionByToken"
            | "resolveShortLink"
            | "getClinic"
            | "announceDelayByToken"
            | "cancelSessionByToken"
            | "submitLinkProbeByToken" => {
                send(&app, &outsider, &operation, &visit).await;
            }
            "getConfig" | "updateConfig" | "patchConfig" => {
                let admin = app.token_of(OTHER_TENANT, "admin-9", "tenant_admin");
                let request = app.request(operation.method.clone(), "/config").bearer_auth(admin);
                let answer = app.send(operation.fill(request, &json!({}))).await.expect(200);
                assert_eq!(answer.body["tenantId"], OTHER_TENANT);
            }
            "testConnection" => {
                let admin = app.token_of(OTHER_TENANT, "admin-9", "tenant_admin");
                app.post(&admin, "/config/test-connection", &json!({})).await.expect(200);
            }
            // For the deployment's own servers, which serve all tenants; `video_rooms` tries what they may ask.
            "reserveConference"
            | "getConference"
            | "closeConference"
            | "reportOccupantJoined"
            | "reportOccupantLeft"
            | "reportRoomCreated"
            | "reportRoomDestroyed"
            | "reportRecording" => {
                send(&app, &outsider, &operation, &visit).await.refused(401, "UNAUTHORIZED");
            }
            // The same for every room, there or not; `branding` tells whose it is.
            "getBranding" => {
                send(&app, &outsider, &operation, &visit).await.expect(200);
            }
            // Whose an upload is, and what a link opens, is tried in `uploads`.
            "createUpload"
            | "getUploadOffset"
            | "appendToUpload"
            | "overrideUploadMethod"
            | "deleteUpload"
            | "getTusCapabilities"
            | "getUploadTusCapabilities"
            | "listAttachments"
            | "downloadAttachment"
            | "describeAttachment" => {}
            // No tenant's data.
            "getHealth" | "getLiveness" | "getReadiness" | "getMetrics" | "downloadProbeBytes" | "uploadProbeBytes" => {
                let told = send(&app, &outsider, &operation, &visit).await.bytes;
                let told = String::from_utf8_lossy(&told);
                assert!(!told.contains(TENANT) && !told.contains(&visit.id), "{told}");
            }
            id => panic!("say here how {id} keeps tenants apart"),
        }
        assert_eq!(all_of(&app.database, TENANT).await, before, "{}", operation.id);
    }
    app.join(&join_token).await.expect(200);
}

async fn nothing_is_listed(app: &TestApp, outsider: &str, visit: &Visit) {
    let mine = app.get(&app.token("clinician"), "/sessions?limit=1").await.expect(200);
    assert_eq!(mine.body["items"][0]["id"], visit.id);
    let cursor = mine.text("nextCursor");
    let from = "1970-01-01T00:00:00Z";
    for query in [
        String::new(),
        "?limit=100".to_owned(),
        "?status=waiting".to_owned(),
        format!("?patientId={CONSENTED}"),
        format!("?from={from}"),
    ] {
        let answer = app.get(outsider, &format!("/sessions{query}")).await.expect(200);
        assert_eq!(answer.body, json!({"items": [], "nextCursor": null}), "{query}");
    }
    let next = format!("/sessions?limit=1&cursor={cursor}");
    app.get(outsider, &next).await.refused(400, "CURSOR_MISMATCH");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_another_tenant_used_is_still_ones_own() {
    let app = TestApp::start().await;
    let (wish, key) = (app.wish(), "the same key");
    let key = &key.replace(' ', "-");
    let first = app.post_once(&app.token("clinician"), "/sessions", &wish, key).await.expect(201);
    // The same account name, the same key, the same body.
    let other = app.token_of(OTHER_TENANT, "clinician-1", "clinician");
    let second = app.post_once(&other, "/sessions", &wish, key).await.expect(201);
    assert_ne!(first.body["id"], second.body["id"]);
    assert_eq!(second.body["tenantId"], OTHER_TENANT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_admin_reads_their_own_tenant_only() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let admin = app.token_of(OTHER_TENANT, "root", "platform_admin");
    app.get(&admin, &format!("/sessions/{}", visit.id)).await.refused(404, "SESSION_NOT_FOUND");
    let answer = app.send(app.request(Method::GET, "/sessions").bearer_auth(&admin)).await.expect(200);
    assert_eq!(answer.body["items"], json!([]));
}
