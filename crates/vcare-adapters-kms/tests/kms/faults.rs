//! What AWS KMS may answer when it does not answer: a server that is told what to say.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use vcare_adapters_kms::{AwsKms, AwsKmsConfig, KeyKeeper, SealContext};
use vcare_app::ports::{KeyPurpose, SecretName};

use crate::contract::{REGION, client};
use crate::support::{BROUGHT, tenant, told};

/// What a connection gets.
#[derive(Clone)]
enum Reply {
    /// A status and a body.
    Say(&'static str, String),
    /// Nothing, for ever.
    Stall,
    /// The end.
    Hang,
}

/// A server that says the same to everybody, and counts how often it was asked.
struct Stub {
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Stub {
    async fn saying(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (reply, count) = (reply.clone(), Arc::clone(&count));
                tokio::spawn(async move {
                    let mut request = vec![0; 64 * 1024];
                    let mut read = 0;
                    while !whole(&request[..read]) {
                        match stream.read(&mut request[read..]).await {
                            Ok(more) if more > 0 => read += more,
                            _ => return,
                        }
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                    match reply {
                        Reply::Say(status, body) => {
                            let head = format!(
                                "HTTP/1.1 {status}\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\n\
                                 Connection: close\r\n\r\n",
                                body.len()
                            );
                            let _ = stream.write_all(head.as_bytes()).await;
                            let _ = stream.write_all(body.as_bytes()).await;
                        }
                        Reply::Stall => std::future::pending().await,
                        Reply::Hang => {}
                    }
                });
            }
        });
        Self { url, asked }
    }

    async fn aws(&self) -> AwsKms {
        let config = AwsKmsConfig {
            endpoint_url: Some(self.url.clone()),
            deadline: Duration::from_millis(1500),
            attempt_deadline: Duration::from_millis(300),
            ..AwsKmsConfig::new("alias/vcare", "alias/vcare-mac", REGION)
        };
        client(&config).await
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Whether head and body have arrived.
fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned));
    length.and_then(|length| length.trim().parse().ok()).is_none_or(|length: usize| body.len() >= length)
}

fn error(status: &'static str, code: &str) -> Reply {
    // Messages name accounts and keys; ours must not.
    let message = "User: arn:aws:iam::123456789012:role/vcare is not authorized";
    Reply::Say(status, format!(r#"{{"__type":"{code}","message":"{message}"}}"#))
}

fn say(body: &str) -> Reply {
    Reply::Say("200 OK", body.to_owned())
}

/// The outcome of each operation.
async fn outcomes(aws: &AwsKms) -> [&'static str; 3] {
    let kabul = tenant("hosp-kabul");
    let context = SealContext { tenant: &kabul, name: SecretName::JitsiJwtSecret.into(), version: 1 };
    let outcome = |asked: Result<(), vcare_adapters_kms::KeeperFault>| match asked {
        Ok(()) => "ok",
        Err(fault) => {
            let told = told(&fault);
            assert!(!told.contains("arn:") && !told.contains("123456789012") && !told.contains(BROUGHT), "{told}");
            fault.outcome()
        }
    };
    [
        outcome(aws.derive(KeyPurpose::JoinKey, 1, &kabul).await.map(drop)),
        outcome(aws.seal(context, BROUGHT.as_bytes()).await.map(drop)),
        outcome(aws.open(context, "alias/vcare", b"sealed").await.map(drop)),
    ]
}

#[tokio::test]
async fn every_answer_that_is_none_is_sorted_by_what_can_be_done_about_it() {
    let table = [
        (error("400 Bad Request", "AccessDeniedException"), "denied"),
        (error("400 Bad Request", "DisabledException"), "denied"),
        (error("400 Bad Request", "NotFoundException"), "denied"),
        (error("400 Bad Request", "UnrecognizedClientException"), "denied"),
        (error("400 Bad Request", "ExpiredTokenException"), "denied"),
        // What a clock that is wrong is told.
        (error("400 Bad Request", "InvalidSignatureException"), "denied"),
        (error("400 Bad Request", "RequestExpired"), "denied"),
        (error("400 Bad Request", "InvalidCiphertextException"), "not_openable"),
        (error("400 Bad Request", "IncorrectKeyException"), "not_openable"),
        (Reply::Say("403 Forbidden", "<html>a proxy's page</html>".to_owned()), "denied"),
        (Reply::Say("302 Found\r\nLocation: http://127.0.0.1:1/", String::new()), "malformed"),
        (Reply::Say("404 Not Found", String::new()), "malformed"),
        (say("not json"), "malformed"),
        (say("{}"), "malformed"),
        (say("[]"), "malformed"),
        (say(""), "malformed"),
        (say(r#"{"Mac": 7, "CiphertextBlob": 7, "Plaintext": 7, "KeyId": 7}"#), "malformed"),
        (say(r#"{"Mac": "!!", "CiphertextBlob": "!!", "Plaintext": "!!", "KeyId": "k"}"#), "malformed"),
        // A key of three bytes, nothing sealed, nothing opened.
        (say(r#"{"Mac": "AAAA", "CiphertextBlob": "", "Plaintext": "", "KeyId": "alias/vcare"}"#), "malformed"),
    ];
    for (reply, expected) in table {
        let name = match &reply {
            Reply::Say(status, body) => format!("{status}: {body}"),
            Reply::Stall | Reply::Hang => String::new(),
        };
        let stub = Stub::saying(reply).await;
        assert_eq!(outcomes(&stub.aws().await).await, [expected; 3], "{name}");
    }
}

#[tokio::test]
async fn a_sealed_value_that_is_the_value_itself_was_not_sealed() {
    use base64::Engine;
    let blob = base64::engine::general_purpose::STANDARD.encode(BROUGHT);
    let stub = Stub::saying(say(&format!(r#"{{"CiphertextBlob": "{blob}", "KeyId": "k"}}"#))).await;
    assert_eq!(outcomes(&stub.aws().await).await[1], "malformed");
}

#[tokio::test]
async fn what_can_pass_is_tried_again_within_the_deadline_and_no_longer() {
    let table = [
        (error("400 Bad Request", "ThrottlingException"), "throttled"),
        (error("429 Too Many Requests", "TooManyRequestsException"), "throttled"),
        (error("500 Internal Server Error", "KMSInternalException"), "unavailable"),
        (Reply::Say("503 Service Unavailable", String::new()), "unavailable"),
        (Reply::Hang, "unavailable"),
        (Reply::Stall, "timed_out"),
    ];
    for (reply, expected) in table {
        let stub = Stub::saying(reply).await;
        let begun = Instant::now();
        let outcomes = outcomes(&stub.aws().await).await;
        assert_eq!(outcomes, [expected; 3]);
        assert!((4..=9).contains(&stub.asked()), "{expected}: asked {} times", stub.asked());
        // Three deadlines, and what a busy machine takes.
        assert!(begun.elapsed() < Duration::from_secs(10), "{expected}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let stub = Stub { url, asked: Arc::default() };
    assert_eq!(outcomes(&stub.aws().await).await, ["unavailable"; 3]);
}
