//! Traces: one from each request to what becomes of it, in whatever process; and nothing of a person in them.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vcare_testkit::{CollectedSpan, Mode, Name, StreamReader, until};

use crate::support::{Answer, CONSENTED, Program, TENANT, Visit, WITH_TRACES};

const CHARGEABLE: &str = "virtual_care.billing.session_chargeable.v1";
const PATIENCE: Duration = Duration::from_secs(40);
/// The span of whoever calls us.
const CALLER: &str = "00f067aa0ba902b7";

/// What a request is traced by: a number, in the trace's id.
fn traceparent(number: u8) -> String {
    format!("00-{:032x}-{CALLER}-01", u128::from(number) << 64 | 0xA)
}

async fn call(app: &Program, number: u8, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
    let method = if body.is_some() { Method::POST } else { Method::GET };
    let mut request = app.request(method, path).header("traceparent", traceparent(number));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.header("Content-Type", "application/json").body(body.to_string());
    }
    app.send(request).await
}

/// The spans of one request's trace.
struct Trace(Vec<CollectedSpan>);

impl Trace {
    fn of(all: &[CollectedSpan], number: u8) -> Self {
        let id = traceparent(number)[3..35].to_owned();
        Self(all.iter().filter(|span| span.trace_id == id).cloned().collect())
    }

    /// The only span of that name and with that attribute.
    #[track_caller]
    fn only(&self, name: &str, attribute: &str, value: &str) -> &CollectedSpan {
        let fits =
            |span: &&CollectedSpan| span.name == name && (attribute.is_empty() || span.attribute(attribute) == value);
        let found: Vec<_> = self.0.iter().filter(fits).collect();
        let [only] = found.as_slice() else { panic!("{} of {name} {attribute}={value} in {:#?}", found.len(), self.0) };
        only
    }
}

/// Asserts which is above which, from the outermost on.
#[track_caller]
fn stand_in_line(spans: &[&CollectedSpan]) {
    for pair in spans.windows(2) {
        assert_eq!(pair[1].parent_id, pair[0].span_id, "{:#?} is not below {:#?}", pair[1], pair[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_a_request_through_the_job_to_the_charge_and_holds_nothing_of_a_person() {
    let mut app = Program::start(&format!("{WITH_TRACES}\notlp.every_ms = 50")).await;
    let clinician = app.token_of(TENANT, "dr-latifa", "clinician");
    let mut wish = app.wish();
    wish["timeZone"] = json!("Asia/Kabul");
    let created = call(&app, 1, "/sessions", Some(&clinician), Some(wish)).await.expect(201);
    let visit = Visit::of(&created.body);
    let path = visit.path(&format!("/participants/{}/join-token", visit.patient));
    let link = app.post(&clinician, &path, &json!({})).await.expect(201).text("joinToken");
    call(&app, 2, &format!("/sessions/join?token={link}"), None, None).await.expect(200);
    let admit = visit.path(&format!("/admit/{}", visit.patient));
    let video = call(&app, 3, &admit, Some(&clinician), Some(json!({}))).await.expect(200).text("videoJoinUrl");
    app.long_enough().await;
    app.standins.set_mode(Name::Fhir, Mode::DOWN);
    let ended = call(&app, 4, &visit.path("/end"), Some(&clinician), Some(json!({}))).await.expect(200);
    assert_eq!(ended.body["encounterStatus"], "pending");
    app.standins.clear_requests(Name::Fhir);
    app.standins.set_mode(Name::Fhir, Mode::UP);
    let mut worker = app.worker().await;
    app.database.execute("UPDATE retry_job SET due_at = now()", &[]).await.unwrap();
    let stream = StreamReader::connect(&app.nats.url()).await.unwrap();
    let all = stream.wait_for(|all| all.iter().any(|one| one.subject == CHARGEABLE), PATIENCE).await.unwrap();
    app.database.until("SELECT NOT EXISTS (SELECT FROM outbox)", PATIENCE).await.unwrap();
    // Who stops sends what is left.
    worker.stop().await;
    app.process.stop().await;
    let spans = app.standins.spans();

    let create = Trace::of(&spans, 1);
    let request = create.only("request", "", "");
    assert_eq!((request.parent_id.as_str(), request.kind), (CALLER, "SPAN_KIND_SERVER"));
    assert_eq!(request.attribute("http.route"), "/api/v1/virtual-care/sessions");
    assert_eq!(request.attribute("http.response.status_code"), "201");
    assert_eq!((request.attribute("tenant_id"), request.service.as_str()), (TENANT, "vcare-api"));
    assert_eq!(request.attribute("actor_id_hash").len(), 16);
    let create_session = create.only("create_session", "", "");
    for neighbour in [Name::Licence, Name::Consent, Name::Jitsi] {
        let asked = create.only("neighbour_call", "neighbour", neighbour.as_str());
        stand_in_line(&[request, create_session, asked]);
        assert_eq!((asked.kind, asked.attribute("call.outcome"), asked.failed), ("SPAN_KIND_CLIENT", "ok", false));
        // The neighbour's own span comes below this call.
        let header = app.standins.requests(neighbour).remove(0).header("traceparent").unwrap().to_owned();
        assert_eq!(header, format!("00-{}-{}-01", asked.trace_id, asked.span_id));
    }
    let transaction = create.only("transaction", "transaction", "create_session");
    stand_in_line(&[request, create_session, transaction]);
    assert_eq!(transaction.attribute("call.outcome"), "commit");

    let join = Trace::of(&spans, 2);
    let transaction = join.only("transaction", "transaction", "join_by_token");
    stand_in_line(&[join.only("request", "", ""), join.only("join_by_token", "session_id", &visit.id), transaction]);
    let admit = Trace::of(&spans, 3);
    let use_case = admit.only("admit_participant", "session_id", &visit.id);
    stand_in_line(&[admit.only("request", "", ""), use_case, admit.only("transaction", "call.outcome", "commit")]);

    let end = Trace::of(&spans, 4);
    let (request, use_case) = (end.only("request", "", ""), end.only("end_session", "", ""));
    stand_in_line(&[request, use_case, end.only("transaction", "transaction", "end_session")]);
    let refused = end.only("neighbour_call", "call.outcome", "status_5xx");
    assert!(refused.failed, "{refused:?}");
    stand_in_line(&[request, use_case, refused]);
    let job = end.only("job", "kind", "create_encounter");
    assert_eq!((job.service.as_str(), job.attribute("session_id")), ("vcare-retry-worker", visit.id.as_str()));
    let asked = end.0.iter().find(|span| span.parent_id == job.span_id && span.name == "neighbour_call").unwrap();
    stand_in_line(&[request, job, asked]);
    let header = app.standins.requests(Name::Fhir).remove(0).header("traceparent").unwrap().to_owned();
    assert_eq!(header, format!("00-{}-{}-01", asked.trace_id, asked.span_id));
    let record = end.only("transaction", "transaction", "record_encounter");
    stand_in_line(&[request, record]);
    let published = end.only("publish", "messaging.destination.name", CHARGEABLE);
    stand_in_line(&[request, published]);
    assert_eq!(published.kind, "SPAN_KIND_PRODUCER");
    let charge = all.iter().find(|one| one.subject == CHARGEABLE).unwrap();
    let told = format!("00-{}-{}-01", request.trace_id, request.span_id);
    assert_eq!(
        (charge.json()["traceparent"].as_str(), charge.headers["traceparent"].as_str()),
        (Some(told.as_str()), told.as_str())
    );

    let signature = |token: &str| token.split('.').nth(2).unwrap().to_owned();
    let video = signature(video.split("%22").nth(1).unwrap());
    let secrets = [CONSENTED, "dr-latifa", "appt-1", &signature(&clinician), &signature(&link), &video];
    for body in app.standins.collected_bodies() {
        for secret in secrets {
            let found = body.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
            assert!(!found, "{secret} left the process in a span: {}", String::from_utf8_lossy(&body));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_down_hangs_or_is_somebody_else_touches_no_request() {
    let mut app =
        Program::start(&format!("{WITH_TRACES}\notlp.every_ms = 1\notlp.deadline_ms = 200\notlp.queue = 8")).await;
    let clinician = app.token("clinician");
    for mode in [Mode::DOWN, Mode::SLOW] {
        app.standins.set_mode(Name::Collector, mode);
        app.standins.clear_requests(Name::Collector);
        app.post(&clinician, "/sessions", &app.wish()).await.expect(201);
        until("one is lost", async || app.metrics().await.contains(r#"vcare_traces_spans_total{outcome="lost"}"#))
            .await;
        until("the collector is asked", async || !app.standins.requests(Name::Collector).is_empty()).await;
    }
    // While it hangs, what finds no place in the queue is gone.
    until("one is dropped", async || {
        app.post(&clinician, "/sessions", &app.wish()).await.expect(201);
        app.metrics().await.contains(r#"outcome="dropped""#)
    })
    .await;
    app.process.stop().await;
    let log = std::fs::read_to_string(app.process.log_file()).unwrap();
    let told = log.lines().filter(|line| line.contains("traces are not collected, and lost")).count();
    assert_eq!(told, 1, "an outage is one line: {log}");
    assert!(log.contains("\"stopped\""), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_nothing_is_sent_and_nothing_kept() {
    let app = Program::start("").await;
    app.visit().await;
    assert!(app.standins.requests(Name::Collector).is_empty());
    for outcome in ["sent", "lost", "dropped"] {
        assert!(app.metrics().await.contains(&format!("vcare_traces_spans_total{{outcome=\"{outcome}\"}} 0\n")));
    }
}
