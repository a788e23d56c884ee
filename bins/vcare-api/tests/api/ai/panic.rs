//! A fault of ours in the middle of it: the process goes on, and what it was about is not printed.

use std::sync::Arc;

use async_trait::async_trait;
use vcare_app::TraceContext;
use vcare_app::ports::{AiError, AiGateway, AudioUpload, DraftedSummary, Transcribed};
use vcare_boot::{LogConfig, Overrides, TlsSection, init_telemetry};
use vcare_domain::{AiDraftId, TenantId, Transcript};

use crate::support::{TestApp, audio};

const PHRASE: &str = "haemoptysis since Nawruz";
/// Says which test is run as a process of its own.
const CHILD: &str = "ai::panic::child_that_panics_about_a_patient";

/// Something in here is wrong.
struct Faulty;

#[async_trait]
impl AiGateway for Faulty {
    async fn transcribe(&self, _: &TenantId, _: AudioUpload, _: &TraceContext) -> Result<Transcribed, AiError> {
        panic!("no speaker in {PHRASE}")
    }

    async fn summarise(
        &self,
        _: &TenantId,
        _: AiDraftId,
        transcript: &Transcript,
        _: &TraceContext,
    ) -> Result<DraftedSummary, AiError> {
        let parsed = transcript.as_str().parse::<u8>().map_err(|_| format!("cannot read {}", transcript.as_str()));
        parsed.expect("a number");
        Err(AiError::Refused)
    }
}

#[test]
fn a_panic_in_the_middle_of_a_transcript_prints_none_of_it() {
    let run = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--ignored", "--nocapture", "--test-threads", "1"])
        .output()
        .unwrap();
    let printed = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{printed}");
    for words in ["Nawruz", "haemoptysis", "no speaker in", "cannot read"] {
        assert!(!printed.contains(words), "{words}: {printed}");
    }
    let told = printed.lines().filter(|line| line.contains("\"message\":\"a panic\"")).count();
    assert_eq!(told, 2, "each is told, with its place: {printed}");
    assert!(printed.contains("panic.rs:"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the test above, as a process of its own"]
async fn child_that_panics_about_a_patient() {
    init_telemetry("vcare-api", &LogConfig { filter: "trace".to_owned() }, None, &TlsSection::default()).unwrap();
    let overrides = Overrides { ai_gateway: Some(Arc::new(Faulty)), ..Overrides::default() };
    let app = TestApp::start_over("", overrides).await;
    let (visit, _) = app.active_visit().await;
    let clinician = app.token("clinician");
    let sent = app.to_transcribe(&clinician, &visit).body(audio(500)).send().await;
    assert!(sent.is_err(), "who panics answers nothing");
    let asking = app.request(reqwest::Method::POST, &visit.path("/ai/summary")).bearer_auth(&clinician);
    assert!(asking.json(&serde_json::json!({"transcript": PHRASE})).send().await.is_err());
    // The others are answered.
    app.end(&visit).await.expect(200);
}
