//! The neighbour's part, played by a server that answers what was agreed on and nothing else.

use std::sync::{Arc, Mutex};

use tokio_rustls::TlsAcceptor;
use url::Url;
use vcare_testkit::pacts::{Asked, Interaction, Pact, Request, Response, Rules};

use crate::support::{Reply, Request as Came, Stub};

const CONSUMER: &str = "virtual-care-service";

/// A pact that is being written.
pub struct Contract {
    provider: &'static str,
    tls: Option<TlsAcceptor>,
    written: Vec<Interaction>,
}

impl Contract {
    /// With that neighbour.
    pub fn with(provider: &'static str) -> Self {
        Self { provider, tls: None, written: Vec::new() }
    }

    /// The neighbour speaks TLS.
    pub fn over_tls(self, tls: TlsAcceptor) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Has `ask` ask for exactly those things, in that order, of who is at the port that it is given, and writes them down.
    pub async fn says<T>(&mut self, interactions: impl Into<Vec<Interaction>>, ask: impl AsyncFnOnce(u16) -> T) -> T {
        let interactions = interactions.into();
        let wrong = Arc::new(Mutex::new(Vec::new()));
        let (script, complaints) = (interactions.clone(), Arc::clone(&wrong));
        let answer = move |number: usize, came: &Came| match script.get(number) {
            Some(agreed) => {
                let mismatches = agreed.request.mismatches(&asked(came));
                complaints.lock().unwrap().extend(mismatches);
                reply(&agreed.response)
            }
            None => {
                complaints.lock().unwrap().push(format!("nobody expects {}", came.line));
                Reply::Close
            }
        };
        let stub = Stub::start(self.tls.clone(), Arc::new(answer)).await;
        let result = ask(stub.port).await;
        assert_eq!(*wrong.lock().unwrap(), Vec::<String>::new(), "{:?}", interactions[0].description);
        assert_eq!(stub.requests().len(), interactions.len(), "{:?}", interactions[0].description);
        for interaction in interactions {
            if !self.written.contains(&interaction) {
                self.written.push(interaction);
            }
        }
        result
    }

    /// Asserts that what was written down is committed.
    #[track_caller]
    pub fn must_be_committed(self) {
        Pact::new(CONSUMER, self.provider, self.written).must_be_committed();
    }
}

/// A request as every one of ours to a service of the platform.
pub fn ours(method: &str, path: &str) -> Request {
    traced(method, path)
        .header("Accept", "application/json")
        .header("Authorization", "Bearer service-token")
        .matching(Rules::new().header("Authorization", r"^Bearer \S+$"))
}

/// A request as every one of ours that is made for somebody else's.
pub fn traced(method: &str, path: &str) -> Request {
    let rules = Rules::new()
        .header("X-Request-Id", r"^\S+$")
        .header("traceparent", "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$");
    Request::new(method, path)
        .header("X-Request-Id", "req-1")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-1111111111111111-01")
        .matching(rules)
}

fn asked(came: &Came) -> Asked {
    let mut line = came.line.split(' ');
    let (method, target) = (line.next().unwrap(), line.next().unwrap());
    let url = Url::parse("http://provider").unwrap().join(target).unwrap();
    Asked {
        method: method.to_owned(),
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers: came.headers.clone(),
        body: came.body.clone().into_bytes(),
    }
}

fn reply(agreed: &Response) -> Reply {
    let answered = agreed.as_answered();
    let mut head = format!("HTTP/1.1 {} As Agreed\r\nconnection: close\r\n", answered.status);
    for (name, value) in &answered.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", answered.body.len()));
    Reply::Bytes([head.into_bytes(), answered.body].concat())
}
