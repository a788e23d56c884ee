//! What people do with machines in a test.

use reqwest::{Body, Method, RequestBuilder};
use serde_json::{Value, json};
use vcare_app::jobs::WorkReport;
use vcare_app::ports::JobKind;

use super::{Answer, TestApp, Visit};

/// Says in added settings that there is no AI gateway.
pub(super) const WITHOUT_AI: &str = "# without AI";
/// How WebM begins.
const WEBM: [u8; 12] = *b"\x1A\x45\xDF\xA3\x9FB\x86\x81\x01B\xF7\x81";

/// So many bytes that begin as WebM does, and in which there is something to be heard.
pub fn audio(bytes: usize) -> Vec<u8> {
    let mut audio = WEBM.to_vec();
    audio.resize(bytes, 0x55);
    audio
}

/// Nobody speaks.
pub fn silence() -> Vec<u8> {
    let mut audio = WEBM.to_vec();
    audio.resize(500, 0);
    audio
}

impl TestApp {
    /// A deployment without an AI gateway.
    pub async fn start_without_ai() -> Self {
        Self::start_with(WITHOUT_AI).await
    }

    /// A request to write audio down, without its audio.
    pub fn to_transcribe(&self, token: &str, visit: &Visit) -> RequestBuilder {
        self.request(Method::POST, &visit.path("/ai/transcribe"))
            .bearer_auth(token)
            .header("Content-Type", "audio/webm")
    }

    pub async fn transcribe(&self, token: &str, visit: &Visit, audio: impl Into<Body>) -> Answer {
        self.send(self.to_transcribe(token, visit).body(audio)).await
    }

    pub async fn summarise(&self, token: &str, visit: &Visit, transcript: &str) -> Answer {
        self.post(token, &visit.path("/ai/summary"), &json!({"transcript": transcript})).await
    }

    /// A draft of the visit's clinician, waiting for a decision.
    pub async fn draft(&self, visit: &Visit) -> String {
        let answer = self.summarise(&self.token("clinician"), visit, "The cough is better, but I sleep badly.").await;
        answer.expect(201).text("draftId")
    }

    pub async fn decide(&self, token: &str, visit: &Visit, decision: &Value) -> Answer {
        self.post(token, &visit.path("/ai/accept-summary"), decision).await
    }

    pub async fn accept(&self, visit: &Visit, draft: &str) -> Answer {
        self.decide(&self.token("clinician"), visit, &json!({"draftId": draft, "accepted": true})).await
    }

    pub async fn decline(&self, visit: &Visit, draft: &str) -> Answer {
        self.decide(&self.token("clinician"), visit, &json!({"draftId": draft, "accepted": false})).await
    }

    /// A worker takes up what is to be written into charts.
    pub async fn write_notes(&self) -> WorkReport {
        self.work(JobKind::PushSummary).await
    }

    /// Whether a text is held of any draft.
    pub async fn a_text_is_held(&self) -> bool {
        let held = "SELECT EXISTS (SELECT FROM ai_draft WHERE sealed IS NOT NULL)";
        self.database.query_one(held, &[]).await.unwrap().get(0)
    }

    /// The types of all audit entries about drafts so far.
    pub async fn draft_audit(&self) -> Vec<String> {
        let entries = self.events_of("virtual_care.audit.recorded.v1").await;
        let of_drafts = entries.iter().filter(|event| event["data"]["resourceType"] == "AiDraft");
        of_drafts.map(|event| event["data"]["eventType"].as_str().unwrap().to_owned()).collect()
    }
}
