//! patient-chart-service: one note a draft, however often it is written.

use async_trait::async_trait;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use vcare_app::TraceContext;
use vcare_app::encounters::SESSION_IDENTIFIER_SYSTEM;
use vcare_app::ports::{ChartError, ChartNotes, NeighbourError, NeighbourFault};
use vcare_app::timestamp::Timestamp;
use vcare_domain::{ChartNote, NoteId};

use crate::client::{Answer, Call, HttpClient};
use crate::neighbour::{Neighbour, NeighbourConfig, for_tenant, once};

/// Where in a note the summary stands.
const SECTION: &str = "summary";
const TITLE: &str = "Summary of a virtual visit";

/// Writes notes: `POST {base}/v1/clinical-notes` makes a draft of one with where it comes from, and
/// `POST {base}/v1/clinical-notes/{noteId}/ai-accepted` puts the text in. Both under keys that are the draft's own, and with
/// bodies that are the same each time: what was done is not done again.
#[derive(Debug, Clone)]
pub struct HttpChartNotes {
    neighbour: Neighbour,
    deadline: Duration,
}

impl HttpChartNotes {
    /// The charts there.
    #[must_use]
    pub const fn new(client: HttpClient, config: NeighbourConfig) -> Self {
        let deadline = config.deadline();
        Self { neighbour: Neighbour::new("chart", client, config), deadline }
    }

    /// Fits a call into what is left of the whole.
    fn within<'a>(&self, mut call: Call<'a>, note: &ChartNote, key: &str, until: Instant) -> Call<'a> {
        let left = until.saturating_duration_since(Instant::now());
        call.deadline = self.deadline.min(left.try_into().unwrap_or(self.deadline));
        for_tenant(&mut call, note.tenant());
        once(&mut call, &Uuid::new_v5(note.draft().as_uuid(), key.as_bytes()).to_string());
        call
    }
}

#[async_trait]
impl ChartNotes for HttpChartNotes {
    async fn write(&self, note: &ChartNote, deadline: Duration, trace: &TraceContext) -> Result<NoteId, ChartError> {
        let until = Instant::now() + deadline.max(Duration::ZERO).unsigned_abs();
        let provenance = provenance(note)?;
        let wish = json!({"patientId": note.patient().as_str(), "title": TITLE, "metadata": provenance});
        let call = self.neighbour.post_json(self.neighbour.url(["v1", "clinical-notes"]), &wish, trace);
        let call = self.within(call, note, "chart-note", until);
        let id = self.neighbour.client.exchange(call, made).await.map_err(|error| refused(error, &[400, 409, 422]))?;

        let url = self.neighbour.url(["v1", "clinical-notes", id.as_str(), "ai-accepted"]);
        let content = json!({
            "sectionKey": SECTION,
            "feature": note.template(),
            "modelVersion": note.model().as_str(),
            "content": note.text().as_str(),
            "contentHash": note.content_hash().to_string(),
            "metadata": provenance,
        });
        let call = self.neighbour.post_json(url, &content, trace);
        let call = self.within(call, note, "chart-note/content", until);
        // A note that is gone, or signed, will not come back.
        let written = self.neighbour.client.exchange(call, written).await;
        written.map_err(|error| refused(error, &[400, 404, 409, 410, 413, 422]))?;
        Ok(id)
    }
}

/// Where a note comes from, who answers for it, and whether it is still what the machine wrote.
fn provenance(note: &ChartNote) -> Result<Value, NeighbourError> {
    let accepted_at = serde_json::to_value(Timestamp(note.accepted_at())).map_err(|_| NeighbourError {
        neighbour: "chart",
        fault: NeighbourFault::Malformed,
        retry_after: None,
    })?;
    let visit = note.session().as_uuid().hyphenated().to_string();
    Ok(json!({
        "aiGenerated": true,
        "aiModel": note.model().as_str(),
        "aiTemplate": note.template(),
        "aiAcceptedBy": note.accepted_by().as_str(),
        "aiAcceptedAt": accepted_at,
        "humanEdited": note.human_edited(),
        "contentHash": note.content_hash().to_string(),
        "virtualSessionId": note.session().to_string(),
        // The Encounter may be written later than the note: it is found by this.
        "encounterIdentifier": format!("{SESSION_IDENTIFIER_SYSTEM}|{visit}"),
    }))
}

#[derive(Deserialize)]
struct Envelope {
    data: Option<Made>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    note_id: String,
}

fn made(answer: &Answer) -> Result<NoteId, NeighbourFault> {
    match answer.status {
        StatusCode::OK | StatusCode::CREATED => {
            let made = answer.json::<Envelope>()?.data.ok_or(NeighbourFault::Malformed)?;
            let id = NoteId::parse(made.note_id).map_err(|_| NeighbourFault::Malformed)?;
            // As a step of a path, one of dots alone leads elsewhere.
            let dots = id.as_str().bytes().all(|byte| byte == b'.');
            if dots { Err(NeighbourFault::Malformed) } else { Ok(id) }
        }
        _ => Err(answer.refusal()),
    }
}

fn written(answer: &Answer) -> Result<(), NeighbourFault> {
    match answer.status {
        StatusCode::OK | StatusCode::CREATED => {
            answer.json::<Envelope>()?.data.map(|_| ()).ok_or(NeighbourFault::Malformed)
        }
        _ => Err(answer.refusal()),
    }
}

/// These say that the note itself cannot be; the rest heals, and the same call works then.
fn refused(error: NeighbourError, hopeless: &[u16]) -> ChartError {
    match error.fault {
        NeighbourFault::Status(status) if hopeless.contains(&status) => ChartError::Refused { status },
        _ => ChartError::Unavailable(error),
    }
}
