//! What Zoom must not be known by afterwards.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;
use vcare_app::ports::SecretName;
use vcare_domain::ParticipantRole;
use vcare_testkit::{Mode, Name};

use super::support::{self, Stub, answer};
use super::{Account, Hospital};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The test's runtime has one thread: its log holds all that happens in it.
#[tokio::test]
async fn no_key_token_passcode_or_address_is_in_logs_and_errors() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let hospital = Hospital::open().await;
    let room = hospital.create().await.unwrap();
    let meeting = hospital.standins.zoom().meetings().remove(0);
    for role in [ParticipantRole::Provider, ParticipantRole::Patient] {
        hospital.url(&room, role).await.unwrap();
    }
    let mut errors = Vec::new();
    hospital.standins.set_mode(Name::Zoom, Mode::DOWN);
    errors.push(hospital.create().await.unwrap_err());
    hospital.standins.set_mode(Name::Zoom, Mode::UP);
    hospital.standins.zoom().revoke_tokens();
    hospital.brought.bring(SecretName::ZoomApiSecret, Some("a-wrong-secret"));
    errors.push(hospital.url(&room, ParticipantRole::Provider).await.unwrap_err());
    let body = r#"{"access_token":"token-with-a-blank ","expires_in":"an hour","error":"zoom-client-secret"}"#;
    for head in ["200 OK", "400 Bad Request", "401 Unauthorized"] {
        let stub = Stub::replying(vec![support::json(head, body)]).await;
        errors.push(Account::at(&stub.url()).create().await.unwrap_err());
    }
    let stub =
        Stub::replying(vec![answer("302 Found\r\nlocation: https://evil.example/?zoom-client-secret", "")]).await;
    errors.push(Account::at(&stub.url()).create().await.unwrap_err());

    let mut told = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(told.contains("neighbour_call") && told.contains("a neighbour gave no usable answer"), "{told}");
    for error in &errors {
        told.push_str(&format!("{error} {error:?}\n"));
    }
    let tokens = hospital.asked("GET", "/v2/meetings");
    let token = tokens[0].header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
    let text = |name: &str| meeting[name].as_str().unwrap().to_owned();
    let (start_url, join_url) = (text("start_url"), text("join_url"));
    let secrets = [
        "zoom-client",
        "a-wrong-secret",
        "em9vbS1jbGllbnQ6", // the key in Basic
        "token-with-a-blank",
        token,
        &text("password"),
        &text("encrypted_password"),
        start_url.split_once('?').unwrap().1,
        join_url.split_once('?').unwrap().1,
    ];
    for secret in secrets {
        assert!(!told.contains(secret), "{secret} is told");
    }
}
