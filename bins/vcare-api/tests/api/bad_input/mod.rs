//! What must not pass. Each case is refused with its own status and code, names the field where there is one, writes
//! nothing and tells nothing.

mod access_tokens;
mod addresses;
mod bodies;
mod fields;
mod headers;
mod join_tokens;
mod times;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use url::form_urlencoded;
use vcare_testkit::Consents;

use crate::described::Operation;
use crate::support::{Answer, OTHER_TENANT, TestApp, Visit, names, problem_type};

/// A visit of another tenant's has this patient.
const FOREIGN_PATIENT: &str = "pat-of-herat";
/// The longest refusal. What was sent is not sent back at length.
const LONGEST_ANSWER: usize = 2000;
/// What only our own inside would say.
const INSIDE: [&str; 12] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "diesel",
    "postgres",
    "serde",
    "panicked",
    "backtrace",
    ".rs",
    "::",
    "struct ",
    "virtual_session",
];

/// A request that must be refused, and how.
struct Case {
    name: String,
    request: RequestBuilder,
    status: u16,
    code: &'static str,
    /// The field that must be named; for none, none may be.
    field: Option<String>,
}

/// A service with a visit whose patient waits, and another tenant's visit.
struct Bench {
    app: TestApp,
    clinician: String,
    visit: Visit,
    join_token: String,
    foreign: Visit,
    /// What no refusal may hold.
    secrets: Vec<String>,
    /// Answers how all tables are.
    everything: String,
}

impl Bench {
    async fn start() -> Self {
        let app = TestApp::start().await;
        // One that is recorded, so that every request has something to do.
        let mut recorded = app.wish();
        recorded["recordingEnabled"] = json!(true);
        let created = app.post(&app.token("clinician"), "/sessions", &recorded).await.expect(201);
        let visit = Visit::of(&created.body);
        let join_token = app.join_token(&visit).await;
        app.join(&join_token).await.expect(200);
        app.standins.set_consent(FOREIGN_PATIENT, Consents::ALL);
        let herat = app.token_of(OTHER_TENANT, "clinician-of-herat", "clinician");
        let mut wish = app.wish();
        wish["patientId"] = json!(FOREIGN_PATIENT);
        let created = app.post(&herat, "/sessions", &wish).await.expect(201);
        let foreign = Visit::of(&created.body);
        let clinician = app.token("clinician");
        let mut secrets = vec![OTHER_TENANT.to_owned(), FOREIGN_PATIENT.to_owned(), created.text("roomName")];
        secrets.extend(
            [&foreign.id, &foreign.patient, &foreign.provider, &join_token, &clinician, &herat].map(String::clone),
        );
        let everything = everything(&app).await;
        Self { app, clinician, visit, join_token, foreign, secrets, everything }
    }

    /// A request of the clinician's.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.app.request(method, path).bearer_auth(&self.clinician)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// Bytes, said to be JSON.
    fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.request(Method::POST, path).header("Content-Type", "application/json").body(body)
    }

    /// An operation's own request, with bytes that are said to be JSON.
    fn with_body(&self, operation: &Operation, body: impl Into<reqwest::Body>) -> RequestBuilder {
        let path = operation.path(&self.visit.id, &self.visit.patient);
        self.request(operation.method.clone(), &path).header("Content-Type", operation.json()).body(body)
    }

    fn post_json(&self, path: &str, body: &Value) -> RequestBuilder {
        self.post(path, body.to_string())
    }

    /// `/sessions/{id}/…` of the clinician's own visit.
    fn at(&self, path: &str) -> String {
        format!("/sessions/{}{path}", self.visit.id)
    }

    /// Sends them all, and fails with everything that was not as it must be.
    async fn refuse(&self, cases: Vec<Case>) {
        let mut wrong = Vec::new();
        let mut before = self.state().await;
        for case in cases {
            let answer = self.app.send(case.request).await;
            let after = self.state().await;
            let mut say = |what: String| wrong.push(format!("{}: {what}", case.name));
            if answer.is_of_head() && (answer.status, before == after) == (case.status, true) {
                continue;
            }
            if (answer.status, answer.body["code"].as_str()) != (case.status, Some(case.code)) {
                say(format!("not {} {}: {} {}", case.status, case.code, answer.status, shown(&answer)));
                // What it wrote or let out is then no wonder.
                before = after;
                continue;
            }
            for fault in shape(&answer, case.field.as_deref()).into_iter().map(str::to_owned).chain(self.leaks(&answer))
            {
                say(format!("{fault}: {}", shown(&answer)));
            }
            if before != after {
                say(format!("it wrote:\n  {before}\n  {after}"));
                before = after;
            }
        }
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    }

    /// What the refusal tells that is nobody's business.
    fn leaks(&self, answer: &Answer) -> Vec<String> {
        let text = String::from_utf8_lossy(&answer.bytes);
        let secrets = self.secrets.iter().map(String::as_str).chain(INSIDE);
        secrets.filter(|secret| text.contains(secret)).map(|secret| format!("tells {secret:.40}")).collect()
    }

    /// All rows of all tables, in short.
    async fn state(&self) -> String {
        self.app.database.query_one(&self.everything, &[]).await.unwrap().get(0)
    }
}

/// A path with one parameter, whatever is in it.
fn with(path: &str, name: &str, value: &str) -> String {
    format!("{path}?{}", form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish())
}

fn case(name: impl Into<String>, request: RequestBuilder, status: u16, code: &'static str) -> Case {
    Case { name: name.into(), request, status, code, field: None }
}

/// A request that is 400 `VALIDATION_ERROR` for that field.
fn wrong_field(name: impl Into<String>, request: RequestBuilder, field: &str) -> Case {
    Case { field: Some(field.to_owned()), ..case(name, request, 400, "VALIDATION_ERROR") }
}

/// How the refusal falls short of what every refusal must be.
fn shape(answer: &Answer, field: Option<&str>) -> Vec<&'static str> {
    let mut faults = Vec::new();
    let mut must = |holds: bool, fault| {
        if !holds {
            faults.push(fault);
        }
    };
    let problem = &answer.body;
    must(answer.header("content-type") == "application/problem+json", "not problem+json");
    must(answer.header("cache-control") == "no-store", "may be kept by caches");
    must(answer.header("x-content-type-options") == "nosniff", "may be taken for a page");
    must(problem["status"] == answer.status, "two statuses");
    must(problem["type"] == problem_type(problem["code"].as_str().unwrap_or_default()), "no type");
    must(problem["instance"] == format!("urn:uuid:{}", answer.header("x-request-id")), "no instance");
    must(problem["requestId"].as_str() == Some(answer.header("x-request-id")), "no request id");
    must(answer.bytes.len() <= LONGEST_ANSWER, "too long");
    let challenge = answer.header("www-authenticate");
    must(answer.status != 401 || challenge.starts_with("Bearer realm=\"virtual-care"), "no challenge");
    let insufficient = challenge.contains("error=\"insufficient_scope\"");
    must(answer.status == 401 || challenge.is_empty() || answer.status == 403 && insufficient, "a challenge");
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    match field {
        Some(field) => must(errors.iter().any(|error| names(error, field)), "does not name the field"),
        None => must(errors.is_empty(), "names a field"),
    }
    faults
}

/// The beginning of an answer.
fn shown(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.bytes).chars().take(400).collect()
}

/// A query for one text that changes whenever any row of any table does, except for audit entries of refusals.
async fn everything(app: &TestApp) -> String {
    let tables =
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1";
    let tables = app.database.rows(tables, &[]).await.unwrap();
    let each: Vec<String> = tables
        .iter()
        .map(|row| row.get::<_, String>(0))
        .map(|table| {
            let but = if table == "outbox" { "WHERE subject <> 'virtual_care.audit.recorded.v1'" } else { "" };
            format!(
                "(SELECT '{table}: ' || count(*) || ' rows ' || md5(coalesce(string_agg(t::text, '' ORDER BY t::text), ''))
                  FROM {table} AS t {but})"
            )
        })
        .collect();
    format!("SELECT concat_ws(', ', {})", each.join(", "))
}
