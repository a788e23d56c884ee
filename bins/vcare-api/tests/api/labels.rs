//! What outsiders send makes no new series: neither clients, nor neighbours, nor tenants' servers, nor messages. A series that
//! was begun is kept until the process ends, so whoever could name one could fill the memory.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;
use vcare_api::problem::Code;
use vcare_testkit::{Mode, Name, Subscriber, until};

use crate::support::{Program, TENANT, occupant, reservation};

/// What the text format shows, without values: each series once. Those of a histogram's buckets are left out.
fn series(metrics: &str) -> BTreeSet<&str> {
    let lines = metrics.lines().filter(|line| line.starts_with("vcare_") && !line.contains("le=\""));
    lines.map(|line| line.rsplit_once(' ').unwrap().0).collect()
}

/// Name and value of each label of a series. No value of ours has a comma or a quotation mark.
fn labels(series: &str) -> impl Iterator<Item = (&str, &str)> {
    let inner = series.split_once('{').map_or("", |(_, rest)| rest.trim_end_matches('}'));
    inner.split(',').filter(|label| !label.is_empty()).map(|label| {
        let (name, value) = label.split_once('=').unwrap();
        (name, value.trim_matches('"'))
    })
}

/// Whether a label has one of the values that there are for it. What is not known from the code stands in the book.
fn is_known(metric: &str, name: &str, value: &str) -> bool {
    let book = include_str!("../../../../docs/observability.md");
    let lower_case = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    match name {
        "method" => {
            ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "other"].contains(&value)
        }
        "route" => value == "unmatched" || value.starts_with('/'),
        "status" => value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_digit()),
        "code" => Code::ALL.iter().any(|code| code.as_str() == value),
        // Transactions have the names of use cases.
        "name" => lower_case(value) && value.len() < 40,
        _ => {
            let metric = ["_sum", "_count"].iter().find_map(|end| metric.strip_suffix(end)).unwrap_or(metric);
            let mut metrics = book.lines().filter(|line| line.starts_with("| `vcare_"));
            assert!(book.contains(&format!("| `{metric}` |")), "{metric} is not in the book");
            // What a label may say is told once, for all metrics that have it.
            metrics.any(|line| line.contains(&format!("`{name}`")) && line.contains(&format!("`{value}`")))
        }
    }
}

/// Everything that somebody outside can send, with this word wherever they are free to choose one.
struct Outsiders<'a> {
    app: &'a Program,
    communication: &'a Subscriber,
    word: &'static str,
    /// What neighbours answer with.
    statuses: [u16; 3],
}

impl Outsiders<'_> {
    async fn send(&self) {
        self.methods().await;
        self.operations().await;
        self.tokens().await;
        self.jitsi().await;
        self.neighbours().await;
        self.messages().await;
    }

    /// Methods that there are not, at addresses that there are and that there are not.
    async fn methods(&self) {
        for number in 0..20 {
            let method = Method::from_bytes(format!("{}{number}", self.word).as_bytes()).unwrap();
            let paths = ["/sessions", "//health", "/async-visits/uploads", "//visit"].map(ToOwned::to_owned);
            for path in
                paths.into_iter().chain([format!("//{}/{number}", self.word), format!("/sessions/{}", self.word)])
            {
                let request = self.app.request(method.clone(), &path).bearer_auth(self.app.token("clinician"));
                request.send().await.unwrap();
            }
        }
    }

    /// Every operation there is, with that word in its path, query, headers and body.
    async fn operations(&self) {
        let document = serde_json::to_value(vcare_api::openapi::document()).unwrap();
        let word = self.word;
        for (path, item) in document["paths"].as_object().unwrap() {
            let path: String = path
                .split('/')
                .map(|part| if part.starts_with('{') { word } else { part })
                .collect::<Vec<_>>()
                .join("/");
            for method in item.as_object().unwrap().keys().filter(|key| key.len() < 7) {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let mut request =
                    self.app.request(method.clone(), &format!("/{path}?{word}={word}&token={word}&since=0"));
                for name in [
                    "X-Request-Id",
                    "Idempotency-Key",
                    "If-Match",
                    "Upload-Offset",
                    "Upload-Metadata",
                    "Origin",
                    "User-Agent",
                ] {
                    request = request.header(name, word);
                }
                request = request
                    .header("traceparent", format!("00-{word}-{word}-01"))
                    .header("Content-Type", "application/json");
                if method != Method::GET && method != Method::HEAD {
                    request =
                        request.body(json!({ word: word, "state": word, "code": word, "token": word }).to_string());
                }
                request.bearer_auth(self.app.token("clinician")).send().await.unwrap();
            }
        }
    }

    /// Accounts, roles and tenants that there are not, in tokens that are good and in tokens that are not.
    async fn tokens(&self) {
        for number in 0..5 {
            let tenant = format!("{}-{number}", self.word.to_lowercase());
            for token in
                [self.app.token_of(&tenant, self.word, self.word), self.app.token_of(TENANT, self.word, "clinician")]
            {
                self.app.get(&token, "/sessions").await;
            }
            let short =
                self.app.request(Method::POST, "/sessions/join/short").header("Content-Type", "application/json");
            let short = short.header("X-Real-IP", format!("192.0.2.{number}"));
            self.app.send(short.body(json!({"code": format!("{tenant}-{}", self.word)}).to_string())).await;
        }
    }

    /// A tenant's own Jitsi, which may say whatever it wants.
    async fn jitsi(&self) {
        let mut event = occupant("joined", self.word, self.word, self.word, self.app.now().unix_timestamp());
        event["event_name"] = json!(self.word);
        for path in ["occupant/joined", "occupant/left", "room/created", "room/destroyed"] {
            self.app.tell(&format!("//internal/jitsi/events/{path}"), &event).await;
        }
        self.app.reserve(self.word).await;
        self.app.give_back(self.word).await;
        self.app.send(reservation(self.app, self.word).bearer_auth(self.word)).await;
    }

    /// Neighbours that answer what nobody expects.
    async fn neighbours(&self) {
        for status in self.statuses {
            for name in Name::ALL.into_iter().filter(|name| *name != Name::Identity) {
                self.app.standins.set_mode(name, Mode::down_with(status));
            }
            self.app.post(&self.app.token("clinician"), "/sessions", &self.app.wish()).await;
            let test =
                self.app.request(Method::POST, "/config/test-connection").bearer_auth(self.app.token("tenant_admin"));
            test.send().await.unwrap();
        }
        for name in Name::ALL {
            self.app.standins.set_mode(name, Mode::UP);
        }
    }

    /// Messages of a service that went wrong.
    async fn messages(&self) {
        let data = json!({"threadId": self.word, "tenantId": self.word, "sessionId": format!("vsn_{}", self.word), "idempotencyKey": self.word});
        let message =
            json!({"specversion": self.word, "type": self.word, "id": self.word, "source": self.word, "data": data});
        self.communication.publish("communication.thread.created", &message).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_outsiders_send_no_label_has_a_value_of_theirs_and_no_series_is_new() {
    let app = Program::start("api.client_address_header = \"X-Real-IP\"").await;
    let communication = app.standins.subscribe_communication(&app.nats.url()).await.unwrap();
    let worker = app.worker().await;
    let of_worker = async || app.metrics_at(worker.address()).await;
    let mut http = Vec::new();
    let rounds = [("ALPHA", [404, 418, 599]), ("BRAVO", [431, 451, 508]), ("CHARLIE", [410, 507, 530])];
    for (count, (word, statuses)) in (1..).zip(rounds) {
        Outsiders { app: &app, communication: &communication, word, statuses }.send().await;
        let line = format!("vcare_messages_total{{outcome=\"set_aside\"}} {count}");
        until(&line, async || of_worker().await.contains(&line)).await;
        let shown = [app.metrics().await, of_worker().await];
        for metrics in &shown {
            assert!(!metrics.to_lowercase().contains(&word.to_lowercase()), "{metrics}");
            for series in series(metrics) {
                let metric = series.split('{').next().unwrap();
                for (name, value) in labels(series) {
                    assert!(is_known(metric, name, value), "{name}: {series}");
                }
            }
            assert!(metrics.len() < 300_000, "{} bytes", metrics.len());
        }
        let requests = series(&shown[0]).into_iter().filter(|one| one.starts_with("vcare_http_"));
        http.push(requests.map(ToOwned::to_owned).collect::<BTreeSet<_>>());
    }
    assert!(
        http[0].iter().any(|one| one.contains("method=\"other\"") && one.contains("status=\"405\"")),
        "{:#?}",
        http[0]
    );
    assert_eq!(http[0], http[1]);
    assert_eq!(http[0], http[2]);
}
