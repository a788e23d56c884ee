//! The identity provider's keys: fetched when needed, by one for all, and never lost to a failure.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::{Arc, Mutex};

use support::{HandClock, Reply, Stub, answer, client_of, json};
use time::Duration;
use tokio::sync::Notify;
use url::Url;
use vcare_adapters_http::{AddressPolicy, ClientConfig, JwksConfig, JwksLocation, JwksSource};
use vcare_app::ports::NeighbourFault;

/// A document with keys of those ids; the modulus is any number of 2048 bits.
fn jwks(kids: &[&str]) -> Reply {
    let n = "w".repeat(342);
    let keys: Vec<String> = kids
        .iter()
        .map(|kid| format!(r#"{{"kty":"RSA","use":"sig","alg":"RS256","kid":"{kid}","n":"{n}","e":"AQAB"}}"#))
        .collect();
    json("200 OK", &format!(r#"{{"keys":[{}]}}"#, keys.join(",")))
}

/// A provider whose answer can be changed, and a source of its keys.
struct Provider {
    stub: Stub,
    answer: Arc<Mutex<Reply>>,
    clock: Arc<HandClock>,
    source: Arc<JwksSource>,
}

impl Provider {
    async fn new(reply: Reply) -> Self {
        let answer = Arc::new(Mutex::new(reply));
        let current = Arc::clone(&answer);
        let stub = Stub::answering(move |_, _| current.lock().unwrap().clone()).await;
        let clock = HandClock::new();
        let location = JwksLocation::Url(Url::parse(&format!("{}/keys", stub.url())).unwrap());
        let source = Arc::new(source(JwksConfig::new("https://id.example/realms/ghasi", location), &clock));
        Self { stub, answer, clock, source }
    }

    fn answers(&self, reply: Reply) {
        *self.answer.lock().unwrap() = reply;
    }

    fn fetches(&self) -> usize {
        self.stub.requests().len()
    }

    async fn knows(&self, kid: &str) -> bool {
        self.source.key_set_with(kid).await.unwrap().contains(kid)
    }
}

fn source(config: JwksConfig, clock: &Arc<HandClock>) -> JwksSource {
    let client = client_of(&ClientConfig::new(AddressPolicy::PRIVATE), Arc::clone(clock));
    JwksSource::new(client, config)
}

#[tokio::test]
async fn keys_are_fetched_when_first_needed_and_then_kept_for_ten_minutes() {
    let provider = Provider::new(jwks(&["k1"])).await;
    assert_eq!(provider.fetches(), 0, "starting asks nobody");
    for _ in 0..3 {
        assert!(provider.knows("k1").await);
    }
    provider.clock.advance(Duration::minutes(10) - Duration::SECOND);
    assert!(provider.knows("k1").await);
    assert_eq!(provider.fetches(), 1);
    provider.clock.advance(Duration::SECOND);
    assert!(provider.knows("k1").await);
    assert_eq!(provider.fetches(), 2);
}

#[tokio::test]
async fn a_rotated_key_is_found_at_once_and_a_withdrawn_one_is_gone() {
    let provider = Provider::new(jwks(&["k1"])).await;
    assert!(provider.knows("k1").await);
    provider.clock.advance(Duration::seconds(31));
    provider.answers(jwks(&["k2"]));
    assert!(provider.knows("k2").await);
    assert_eq!(provider.fetches(), 2);
    assert!(!provider.source.key_set().await.unwrap().contains("k1"));
}

#[tokio::test]
async fn unknown_keys_ask_the_provider_once_in_thirty_seconds() {
    let provider = Provider::new(jwks(&["k1"])).await;
    for n in 0..50 {
        assert!(!provider.knows(&format!("random-{n}")).await);
    }
    assert_eq!(provider.fetches(), 1, "the keys had just been fetched");
    provider.clock.advance(Duration::seconds(30));
    for n in 0..50 {
        assert!(!provider.knows(&format!("random-{n}")).await);
    }
    assert_eq!(provider.fetches(), 2);
}

#[tokio::test]
async fn a_crowd_of_callers_makes_one_fetch() {
    let go = Arc::new(Notify::new());
    let provider = Provider::new(Reply::Held(Arc::clone(&go), Box::new(jwks(&["k1"])))).await;
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let source = Arc::clone(&provider.source);
            tokio::spawn(async move { source.key_set_with("k1").await.unwrap().contains("k1") })
        })
        .collect();
    provider.stub.received(1).await;
    go.notify_one();
    for caller in callers {
        assert!(caller.await.unwrap());
    }
    assert_eq!(provider.fetches(), 1);
}

#[tokio::test]
async fn while_one_caller_refreshes_the_others_go_on_with_the_old_keys() {
    let provider = Provider::new(jwks(&["k1"])).await;
    assert!(provider.knows("k1").await);
    let go = Arc::new(Notify::new());
    provider.answers(Reply::Held(Arc::clone(&go), Box::new(jwks(&["k1", "k2"]))));
    provider.clock.advance(Duration::minutes(11));
    let first = {
        let source = Arc::clone(&provider.source);
        tokio::spawn(async move { source.key_set().await.unwrap() })
    };
    provider.stub.received(2).await;
    let meanwhile = provider.source.key_set().await.unwrap();
    assert_eq!(meanwhile.len(), 1, "nobody waits for a provider that may be down");
    go.notify_one();
    assert_eq!(first.await.unwrap().len(), 2);
}

#[tokio::test]
async fn old_keys_outlive_every_kind_of_failure() {
    let failures = [
        answer("503 Service Unavailable", ""),
        json("200 OK", r#"{"keys":[]}"#),
        json("200 OK", "{}"),
        answer("200 OK\r\ncontent-type: text/html", "<html>maintenance</html>"),
        answer("302 Found\r\nlocation: /login", ""),
        json("200 OK", &"x".repeat(100_000)),
        Reply::Close,
    ];
    for failure in failures {
        let provider = Provider::new(jwks(&["k1"])).await;
        assert!(provider.knows("k1").await);
        let shown = format!("{failure:.60?}");
        provider.answers(failure);
        for _ in 0..3 {
            provider.clock.advance(Duration::hours(1));
            assert!(provider.knows("k1").await, "{shown}");
        }
        assert_eq!(provider.fetches(), 4, "{shown}: tried again each time");
        provider.answers(jwks(&["k2"]));
        provider.clock.advance(Duration::hours(1));
        assert!(provider.knows("k2").await, "{shown}");
    }
}

#[tokio::test]
async fn a_provider_that_is_down_is_not_asked_by_every_request() {
    let provider = Provider::new(answer("503 Service Unavailable", "")).await;
    for _ in 0..10 {
        assert_eq!(provider.source.key_set().await.unwrap_err().fault, NeighbourFault::Status(503));
    }
    assert_eq!(provider.fetches(), 1);
    provider.answers(jwks(&["k1"]));
    provider.clock.advance(Duration::SECOND);
    assert!(provider.knows("k1").await, "and is asked again soon, for nobody can sign in");
}

#[tokio::test]
async fn a_provider_that_fails_a_refresh_is_left_alone_for_thirty_seconds() {
    let provider = Provider::new(jwks(&["k1"])).await;
    assert!(provider.knows("k1").await);
    provider.answers(answer("503 Service Unavailable", ""));
    provider.clock.advance(Duration::minutes(11));
    for _ in 0..10 {
        assert!(provider.knows("k1").await);
    }
    assert_eq!(provider.fetches(), 2);
    provider.clock.advance(Duration::seconds(30));
    assert!(provider.knows("k1").await);
    assert_eq!(provider.fetches(), 3);
}

/// A provider whose discovery document says this, and what came of it.
async fn discover(
    document: impl Fn(&str) -> Reply + Send + Sync + 'static,
) -> (Result<usize, NeighbourFault>, Vec<String>) {
    let stub = Stub::answering(move |_, request| match request.line.as_str() {
        "GET /realms/ghasi/.well-known/openid-configuration HTTP/1.1" => {
            document(&format!("http://{}", request.header("host").unwrap()))
        }
        "GET /certs HTTP/1.1" => jwks(&["k1"]),
        _ => answer("404 Not Found", ""),
    })
    .await;
    let issuer = format!("{}/realms/ghasi", stub.url());
    let keys = source(JwksConfig::new(issuer, JwksLocation::Discovery), &HandClock::new()).key_set().await;
    let lines = stub.requests().into_iter().map(|request| request.line).collect();
    (keys.map(|keys| keys.len()).map_err(|error| error.fault), lines)
}

#[tokio::test]
async fn discovery_leads_to_the_keys() {
    let (keys, lines) = discover(|base| {
        json("200 OK", &format!(r#"{{"issuer":"{base}/realms/ghasi","jwks_uri":"{base}/certs","more":1}}"#))
    })
    .await;
    assert_eq!(keys, Ok(1));
    assert_eq!(lines.len(), 2);
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_not_believed() {
    let documents: [fn(&str) -> String; 5] = [
        |base| format!(r#"{{"issuer":"https://evil.example","jwks_uri":"{base}/certs"}}"#),
        |base| format!(r#"{{"issuer":"{base}/realms/ghasi/","jwks_uri":"{base}/certs"}}"#),
        |base| format!(r#"{{"issuer":"{base}/realms/ghasi"}}"#),
        |base| format!(r#"{{"issuer":"{base}/realms/ghasi","jwks_uri":"/certs"}}"#),
        |base| format!(r#"{{"issuer":"{base}/realms/ghasi","jwks_uri":"file:///certs"}}"#),
    ];
    for document in documents {
        let (keys, lines) = discover(move |base| json("200 OK", &document(base))).await;
        assert_eq!((keys, lines.len()), (Err(NeighbourFault::Malformed), 1), "{}", document("http://host"));
    }
}
