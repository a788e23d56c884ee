//! What those who run the service see: health, metrics, and what goes around every answer.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use vcare_testkit::{Mode, Name, StreamReader, until};

use crate::support::{Answer, Program, TENANT, TestApp};

async fn get(app: &TestApp, path: &str) -> Answer {
    app.send(app.request(Method::GET, &format!("/{path}"))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_the_service_is_degraded_and_ready() {
    let app = TestApp::start().await;
    let degraded = json!({
        "status": "degraded",
        "checks": [{"name": "database", "status": "up"},
            {"name": "nats", "status": "degraded", "cause": "not connected: events wait in the outbox"},
            {"name": "clock", "status": "up"},
            {"name": "storage", "status": "up"}],
    });
    for path in ["/health", "/health/ready"] {
        assert_eq!(get(&app, path).await.expect(200).body, degraded, "{path}");
    }
    assert_eq!(get(&app, "/health/live").await.expect(200).body, json!({"status": "up"}));
    // Neighbours cost their own feature only.
    for name in Name::ALL {
        app.standins.set_mode(name, Mode::DOWN);
    }
    assert_eq!(get(&app, "/health").await.expect(200).body, degraded);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_the_service_is_down_and_says_so_until_it_is_back() {
    let app = TestApp::start_with("database.connection_timeout_ms = 3000").await;
    let visit = app.visit().await;
    let clinician = app.token("clinician");
    let name = app.database.name().to_owned();
    app.lose_the_database().await;

    for path in ["/health", "/health/ready"] {
        let health = get(&app, path).await.expect(503);
        assert_eq!(health.body["status"], "down");
        let database = &health.body["checks"][0];
        assert_eq!((&database["name"], &database["status"]), (&json!("database"), &json!("down")));
    }
    // The first to ask had a connection, which was ended.
    until("it says why no connection is made", async || {
        let health = get(&app, "/health").await;
        let cause = health.body["checks"][0]["cause"].as_str().unwrap_or_default().to_owned();
        cause.contains("the server refuses") && cause.contains("SQLSTATE")
    })
    .await;
    get(&app, "/health/live").await.expect(200);
    let refused = app.get(&clinician, &visit.path("")).await.refused(503, "SERVICE_UNAVAILABLE");
    assert_eq!(refused.header("retry-after"), "1");
    // Nothing of the inside is told.
    assert!(!refused.body.to_string().contains("permission") && !refused.body.to_string().contains(&name));

    app.find_the_database().await;
    until("it is back", async || get(&app, "/health").await.status == 200).await;
    app.cancel(&visit, "power cut").await.expect(200);
}

/// A database that hangs answers nobody, and must not hold everybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_takes_too_long_is_answered_503_and_what_it_began_is_undone() {
    let app = TestApp::start_with("api.request_deadline_seconds = 1").await;
    let visit = app.visit().await;
    let clinician = app.token("clinician");
    let before = app.read(&visit).await;
    let locked = app.database.client().await.unwrap();
    locked.batch_execute("BEGIN; LOCK TABLE virtual_session IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let late = app.get(&clinician, &visit.path("")).await.refused(503, "SERVICE_UNAVAILABLE");
    assert_eq!(late.header("retry-after"), "5");
    app.cancel(&visit, "power cut").await.refused(503, "SERVICE_UNAVAILABLE");
    locked.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(app.read(&visit).await, before);
    app.cancel(&visit, "power cut").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_404_and_another_method_is_405() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    for path in
        ["//", "//favicon.ico", "//api/v1/virtual-care", "/session", "/sessions/", "/sessions/join/", "//health/x"]
    {
        app.get(&clinician, path).await.refused(404, "NOT_FOUND");
    }
    for (method, path, allow) in [
        (Method::DELETE, "/sessions", "GET, HEAD, POST, OPTIONS"),
        (Method::PUT, "/sessions/join", "GET, POST, OPTIONS"),
        (Method::POST, "/sessions/join/status", "GET, OPTIONS"),
        (Method::GET, "/sessions/vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R/end", "POST, OPTIONS"),
        (Method::POST, "//health", "GET, HEAD, OPTIONS"),
        (Method::DELETE, "//metrics", "GET, HEAD, OPTIONS"),
        (Method::POST, "//visit", "GET, HEAD, OPTIONS"),
    ] {
        let answer = app.send(app.request(method, path).bearer_auth(&clinician)).await;
        let answer = answer.refused(405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), allow, "{path}");
        assert_eq!(answer.text("detail"), format!("this address takes {allow}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_keeps_its_secrets_from_caches_and_other_pages() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    let answers = [
        app.post(&clinician, "/sessions", &app.wish()).await.expect(201),
        app.post(&clinician, "/sessions", &json!({})).await.expect(400),
        app.get("x", "/sessions").await.expect(401),
        app.join("x").await.expect(401),
        get(&app, "/health").await.expect(200),
        get(&app, "/nowhere").await.expect(404),
    ];
    for answer in answers {
        for (name, value) in
            [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"), ("cache-control", "no-store")]
        {
            assert_eq!(answer.header(name), value, "{}", answer.body);
        }
        assert!(answer.headers.get("server").is_none());
        assert!(answer.headers.get("access-control-allow-origin").is_none());
    }
}

/// What somebody wrote may name a person, and would stand in logs, events and at other services.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_keeps_the_id_it_came_with_only_if_a_program_made_it() {
    let app = TestApp::start().await;
    let with = async |id: &str| {
        let request = app.request(Method::GET, "/sessions").header("X-Request-Id", id);
        app.send(request).await.refused(401, "UNAUTHORIZED").header("x-request-id").to_owned()
    };
    let uuid = "019ac2f4-7a51-7c3e-9d0b-5f3a2e8c1b46";
    for kept in [uuid, "019AC2F4-7A51-7C3E-9D0B-5F3A2E8C1B46", "01KA8Z0Q3CJ9XW2V5T7N4B6M8R", &uuid.replace('-', "")] {
        assert_eq!(with(kept).await, kept);
    }
    let too_long = "x".repeat(65);
    let replaced = [
        "",
        " ",
        "a b",
        "a\"b",
        "{}",
        "a/b",
        "req-17",
        "req-HABIB-0700123456",
        "habib.rahimi",
        "0700123456",
        &too_long,
        "81KA8Z0Q3CJ9XW2V5T7N4B6M8R",
        "01KA8Z0Q3CJ9XW2V5T7N4B6M8I",
        "019ac2f4-7a51-7c3e-9d0b-5f3a2e8c1b4g",
        "{019ac2f4-7a51-7c3e-9d0b-5f3a2e8c1b46}",
        "019ac2f47a517c3e9d0b5f3a2e8c1b4x",
    ];
    for replaced in replaced {
        let id = with(replaced).await;
        assert!(id.len() == 36 && id != replaced && id != with(replaced).await, "{replaced:?} became {id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn request_ids_that_were_replaced_are_counted() {
    let app = Box::pin(Program::start("")).await;
    for id in ["req-17", "0700123456", "01KA8Z0Q3CJ9XW2V5T7N4B6M8R"] {
        app.send(app.request(Method::GET, "/sessions").header("X-Request-Id", id)).await.refused(401, "UNAUTHORIZED");
    }
    let metrics = app.metrics().await;
    assert!(metrics.contains("vcare_request_ids_replaced_total 2\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_goes_on_to_neighbours_and_events() {
    let app = TestApp::start().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = app.request(Method::POST, "/sessions").bearer_auth(app.token("clinician"));
    let request = request
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .header("X-Request-Id", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736");
    app.send(request.header("Content-Type", "application/json").body(app.wish().to_string())).await.expect(201);
    for name in [Name::Licence, Name::Consent, Name::Jitsi] {
        let asked = app.standins.requests(name).remove(0);
        assert!(asked.header("traceparent").unwrap().contains(trace), "{name}: {asked:?}");
    }
    let created = app.only_event("virtual_care.session.created.v1").await;
    assert!(created["traceparent"].as_str().unwrap().contains(trace));

    // Who brings none gets one.
    app.visit().await;
    let event = app.events().await.pop().unwrap();
    let own = event["traceparent"].as_str().unwrap();
    assert!(own.len() == 55 && !own.contains(trace), "{own}");
}

fn preflight(app: &TestApp, origin: &str) -> reqwest::RequestBuilder {
    let request = app.request(Method::OPTIONS, "/sessions").header("Origin", origin);
    let request = request.header("Access-Control-Request-Method", "POST");
    request.header("Access-Control-Request-Headers", "authorization,content-type,idempotency-key,if-match")
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pages_of_a_configured_origin_may_call() {
    let app = TestApp::start_with(r#"api.cors_allow_origins = ["https://console.example"]"#).await;
    let allowed = app.send(preflight(&app, "https://console.example")).await.expect(204);
    assert_eq!(allowed.header("access-control-allow-origin"), "https://console.example");
    assert_eq!(allowed.header("access-control-allow-methods"), "GET, HEAD, POST");
    assert_eq!(allowed.header("access-control-max-age"), "600");
    let headers = allowed.header("access-control-allow-headers").to_lowercase();
    assert!(headers.contains("idempotency-key") && headers.contains("if-match"), "{headers}");
    let request = app.request(Method::GET, "/sessions").bearer_auth(app.token("clinician"));
    let answer = app.send(request.header("Origin", "https://console.example")).await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), "https://console.example");
    let exposed = answer.header("access-control-expose-headers").to_lowercase();
    for name in
        ["etag", "location", "x-request-id", "idempotency-replayed", "retry-after", "ratelimit", "www-authenticate"]
    {
        assert!(exposed.contains(name), "{name}: {exposed}");
    }
    // A refusal can be read, too.
    let request = app.request(Method::GET, "/sessions").header("Origin", "https://console.example");
    let answer = app.send(request).await.refused(401, "UNAUTHORIZED");
    assert_eq!(answer.header("access-control-allow-origin"), "https://console.example");

    let stranger = app.send(preflight(&app, "https://evil.example")).await;
    assert_eq!(stranger.header("access-control-allow-origin"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_kong_no_origin_is_answered_for() {
    let app = TestApp::start().await;
    let answer = app.send(preflight(&app, "https://console.example")).await;
    let answer = answer.expect(204);
    assert_eq!(answer.header("allow"), "GET, HEAD, POST, OPTIONS");
    assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{:?}", answer.headers);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_publishes_its_events_and_shows_its_metrics() {
    let app = Program::start("").await;
    let (visit, _) = app.active_visit().await;
    app.long_enough().await;
    app.end(&visit).await.expect(200);

    let stream = StreamReader::connect(&app.nats.url()).await.unwrap();
    let charged = "virtual_care.billing.session_chargeable.v1";
    let all =
        stream.wait_for(|all| all.iter().any(|one| one.subject == charged), Duration::from_secs(20)).await.unwrap();
    let subjects: Vec<&str> = all.iter().map(|one| one.subject.as_str()).collect();
    let of_visits: Vec<_> = subjects.iter().filter(|subject| subject.contains(".session.")).collect();
    assert_eq!(of_visits[0], &"virtual_care.session.created.v1");
    for message in &all {
        assert_eq!(message.headers["Nats-Msg-Id"], message.json()["id"].as_str().unwrap());
    }
    let health = get(&app, "/health").await.expect(200).body;
    assert_eq!((&health["status"], &health["checks"][1]["status"]), (&json!("up"), &json!("up")));

    // What has been published is counted a moment after it was.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    let metrics = loop {
        let metrics = get(&app, "/metrics").await.expect(200);
        assert!(metrics.header("content-type").starts_with("text/plain"));
        let metrics = String::from_utf8(metrics.bytes).unwrap();
        if metrics.contains("vcare_outbox_pending 0") {
            break metrics;
        }
        assert!(tokio::time::Instant::now() < deadline, "{metrics}");
    };
    for shown in [
        r#"vcare_http_requests_total{method="POST",route="/api/v1/virtual-care/sessions/{sessionId}/end",status="200"} 1"#,
        r#"vcare_http_request_duration_seconds_bucket{method="POST",route="/api/v1/virtual-care/sessions",le="10"} 1"#,
        r#"vcare_gate_outcomes_total{outcome="passed"} 1"#,
        "vcare_backend_health_check_success 1",
        r#"vcare_encounter_attempts_total{outcome="created"} 1"#,
        r#"vcare_neighbour_requests_total{neighbour="fhir",outcome="ok"} 1"#,
        r#"vcare_neighbour_request_duration_seconds_count{neighbour="consent"} 1"#,
        r#"vcare_transaction_duration_seconds_count{name="create_session",outcome="commit"} 1"#,
        "vcare_pool_wait_seconds_count",
        "vcare_nats_connected 1",
        "vcare_nats_publish_duration_seconds_count",
        "vcare_outbox_published_total",
        "vcare_outbox_leader 1",
        "vcare_outbox_pending 0",
    ] {
        assert!(metrics.contains(shown), "{shown} is not among\n{metrics}");
    }
    assert!(!metrics.contains(TENANT), "{metrics}");

    // On-call finds every one of them in the book.
    let book = include_str!("../../../../docs/observability.md");
    let names = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    for name in names.filter(|name| name.starts_with("vcare_")) {
        assert!(book.contains(&format!("| `{name}` |")), "{name} is not in docs/observability.md");
    }
}
