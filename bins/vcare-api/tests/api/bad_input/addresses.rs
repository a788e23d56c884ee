//! Ids, paths, methods and query strings.

use reqwest::Method;

use super::{Bench, case, with, wrong_field};
use crate::described::{Operation, operations};

/// No id of that kind.
fn no_ids(prefix: &str, other: &str, good: &str) -> Vec<String> {
    let ulid = &good[4..];
    let mut all = vec![
        format!("{other}_{ulid}"),
        ulid.to_owned(),
        format!("{}_{ulid}", prefix.to_uppercase()),
        format!("{prefix}_{}", &ulid[1..]),
        format!("{good}0"),
        format!("{prefix}_8ZZZZZZZZZZZZZZZZZZZZZZZZZ"),
        format!("{prefix}_{}", "U".repeat(26)),
        format!("{prefix}_"),
        format!("{prefix}-{ulid}"),
        format!("{good}%00"),
        format!("{good}%20"),
        format!("{good}%0a"),
        format!("{good}'--"),
        "0198c0de-0000-7000-8000-000000000001".to_owned(),
        "1".to_owned(),
        "-1".to_owned(),
        "null".to_owned(),
        "..%2f..%2fmetrics".to_owned(),
        "%ff%fe".to_owned(),
    ];
    all.push("x".repeat(10_000));
    all
}

fn about_sessions() -> impl Iterator<Item = Operation> {
    operations().into_iter().filter(Operation::of_a_session)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_has_its_own_kind_and_one_form() {
    let bench = Bench::start().await;
    let (session, patient) = (&bench.visit.id, &bench.visit.patient);
    let mut cases = Vec::new();
    for operation in about_sessions() {
        let mut tried = |path: String, id: &str, field: &str| {
            let request = operation.fill(bench.request(operation.method.clone(), &path), &bench.app.wish());
            cases.push(wrong_field(format!("{} {id:.40}", operation.id), request, field));
        };
        for id in no_ids("vsn", "vsp", session) {
            tried(operation.path(&id, patient), &id, "sessionId");
        }
        if operation.of_a_participant() {
            for id in no_ids("vsp", "vsn", patient) {
                tried(operation.path(session, &id), &id, "participantId");
            }
        }
    }
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_and_what_is_another_tenants_is_not_found() {
    let bench = Bench::start().await;
    let Bench { visit, foreign, .. } = &bench;
    let (other, _) = bench.app.waiting_visit().await;
    let nobody = "vsp_01KA8Z0Q3CJ9XW2V5T7N4B6M8S";
    let mut cases = Vec::new();
    for operation in about_sessions() {
        let mut tried = |what: &str, session: &str, participant: &str, code| {
            let path = operation.path(session, participant);
            let request = match operation.id.as_str() {
                // Only patients say that they are late.
                "announceDelay" => {
                    let request = bench.app.request(operation.method.clone(), &path);
                    request.bearer_auth(bench.app.token("patient"))
                }
                _ => bench.request(operation.method.clone(), &path),
            };
            let request = operation.fill(request, &bench.app.wish());
            cases.push(case(format!("{} {what}", operation.id), request, 404, code));
        };
        tried("nobody's visit", "vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R", &visit.patient, "SESSION_NOT_FOUND");
        tried(
            "a person's id as a visit's",
            &visit.patient.replace("vsp_", "vsn_"),
            &visit.patient,
            "SESSION_NOT_FOUND",
        );
        tried("another tenant's visit", &foreign.id, &foreign.patient, "SESSION_NOT_FOUND");
        if operation.of_a_participant() {
            tried("nobody", &visit.id, nobody, "PARTICIPANT_NOT_FOUND");
            tried("somebody of another visit", &visit.id, &other.patient, "PARTICIPANT_NOT_FOUND");
            tried("somebody of another tenant", &visit.id, &foreign.patient, "PARTICIPANT_NOT_FOUND");
            tried("another tenant's provider", &visit.id, &foreign.provider, "PARTICIPANT_NOT_FOUND");
            let own_visit = visit.id.replace("vsn_", "vsp_");
            tried("a visit's id as a person's", &visit.id, &own_visit, "PARTICIPANT_NOT_FOUND");
        }
    }
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_none_is_not_found_and_another_method_is_not_allowed() {
    let bench = Bench::start().await;
    let mut cases = Vec::new();
    let paths = [
        "//",
        "//api/v1/virtual-care",
        "//sessions",
        "//admin",
        "//.env",
        "/session",
        "/sessions/",
        "/Sessions",
        "/sessions//end",
        "/sessions/%2e%2e/settings",
        "//api/v1/virtual-care/sessions%00",
        "//api/v2/virtual-care/sessions",
        "/settings",
    ];
    for path in paths.map(str::to_owned).into_iter().chain([bench.at("/"), bench.at("/end/"), bench.at("/audit")]) {
        cases.push(case(path.clone(), bench.get(&path), 404, "NOT_FOUND"));
    }
    let mut allowed = std::collections::BTreeMap::<String, Vec<Method>>::new();
    for operation in operations() {
        // Who may not call is told so first.
        if !operation.internal {
            allowed.entry(operation.path(&bench.visit.id, &bench.visit.patient)).or_default().push(operation.method);
        }
    }
    for (path, methods) in allowed {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if !methods.contains(&method) {
                let request = bench.request(method.clone(), &path);
                cases.push(case(format!("{method} {path}"), request, 405, "METHOD_NOT_ALLOWED"));
            }
        }
    }
    bench.refuse(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_holds_known_parameters_once_and_in_their_range() {
    let bench = Bench::start().await;
    bench.app.visit().await;
    let listed = bench.app.get(&bench.clinician, "/sessions?limit=1").await.expect(200);
    let cursor = listed.text("nextCursor");
    let long = "x".repeat(10_000);
    // Before the database's first year, and beyond any number of ours.
    let (before_history, never) = (cursor_at(-300_000_000_000_000), cursor_at(i64::MAX));
    let parameters: &[(&str, &str)] = &[
        ("limit", "0"),
        ("limit", "-1"),
        ("limit", "1e1"),
        ("limit", "ten"),
        ("limit", ""),
        ("limit", " 5"),
        ("limit", "5.0"),
        ("limit", "٥"),
        ("status", ""),
        ("status", "open"),
        ("status", "Scheduled"),
        ("status", "scheduled,open"),
        ("status", "scheduled ended"),
        ("appointmentId", "a/b"),
        ("appointmentId", &long),
        ("providerId", "' OR 1=1 --"),
        ("providerId", &long),
        ("order", "ascending"),
        ("order", ""),
        ("updatedSince", "yesterday"),
        ("present", "1"),
        ("present", "True"),
        ("status", &long),
        ("patientId", ""),
        ("patientId", "a b"),
        ("patientId", "a\u{0}"),
        ("patientId", "%"),
        ("patientId", "' OR 1=1 --"),
        ("patientId", &long),
        ("tenantId", "hosp-herat"),
        ("offset", "1"),
        ("Limit", "5"),
        ("$filter", "1"),
        ("", ""),
    ];
    let mut cases = Vec::new();
    for (name, value) in parameters {
        let request = bench.get(&with("/sessions", name, value));
        cases.push(wrong_field(format!("{name}={value:.30}"), request, name));
    }
    let cursors = ["", "x", "AAAA", &cursor[1..], "not+base64/url==", &never, &before_history, &long];
    for (at, value) in cursors.into_iter().enumerate() {
        let request = bench.get(&with("/sessions", "cursor", value));
        cases.push(case(format!("cursor {at}"), request, 400, "CURSOR_MISMATCH"));
    }
    for twice in [
        "limit",
        "order",
        "updatedSince",
        "status",
        "cursor",
        "patientId",
        "from",
        "to",
        "appointmentId",
        "providerId",
        "present",
    ] {
        let request = bench.get(&format!("/sessions?{twice}=5&{twice}=5"));
        cases.push(wrong_field(format!("{twice} twice"), request, twice));
    }
    for path in ["/sessions/join", "/sessions/join/status"] {
        let token = &bench.join_token;
        let get = |query: String| bench.app.request(Method::GET, &format!("{path}?{query}"));
        cases.push(wrong_field(format!("{path} token twice"), get(format!("token={token}&token={token}")), "token"));
        cases.push(wrong_field(format!("{path} more"), get(format!("token={token}&next=//evil.example")), "next"));
        cases.push(wrong_field(format!("{path} in capitals"), get(format!("Token={token}")), "Token"));
    }
    cases.push(wrong_field("no token", bench.app.request(Method::GET, "/sessions/join"), "token"));
    bench.refuse(cases).await;
}

/// A cursor that is well formed and speaks of that time, in milliseconds.
fn cursor_at(millis: i64) -> String {
    use base64::Engine;
    let mut bytes = millis.to_be_bytes().to_vec();
    bytes.extend([7; 16]);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
