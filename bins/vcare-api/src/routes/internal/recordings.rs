//! `/internal/jibri/recordings`: a recording is finished, or came to nothing. Told by our finalize script.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use vcare_app::rooms::FinishedRecording;
use vcare_domain::{ConferenceName, RecordingRef};

use super::trace;
use crate::extract::{Body, Fields, Instant};
use crate::problem::Problem;
use crate::server::Api;

/// The most files of one recording.
const MAX_FILES: usize = 20;

/// A finished recording; without files one that came to nothing.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordingRequest {
    /// The room: the last part of the meeting's address.
    #[schema(example = "acme-k3j9x2qa")]
    room: String,
    /// The tenant's path segment, when the address has one.
    #[serde(default)]
    tenant: Option<String>,
    /// When it began.
    #[serde(default)]
    started_at: Option<Instant>,
    /// What was recorded.
    files: Vec<RecordingFileDto>,
    /// Jibri's `metadata.json`. Not looked at: it may name people.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    #[expect(dead_code, reason = "taken, so that the script can send what it has")]
    metadata: Option<serde::de::IgnoredAny>,
}

/// A recorded file.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RecordingFile)]
pub struct RecordingFileDto {
    /// Its name.
    #[schema(example = "acme-k3j9x2qa_2026-03-01-09-01-07.mp4")]
    name: String,
    /// Its length in bytes; an empty file is no recording.
    size: u64,
    /// Its SHA-256 in hex.
    #[schema(min_length = 64, max_length = 64)]
    sha256: String,
    /// Where it is stored; `{tenant}/{room}/{name}` when absent.
    #[serde(default)]
    #[schema(max_length = 512)]
    storage_key: Option<String>,
}

impl RecordingRequest {
    fn parse(self) -> Result<FinishedRecording, Problem> {
        let mut fields = Fields::default();
        if self.files.len() > MAX_FILES {
            return Err(Problem::field("files", format!("must be at most {MAX_FILES}")));
        }
        let tenant = self.tenant.filter(|tenant| !tenant.is_empty());
        let path = tenant.map_or_else(|| self.room.clone(), |tenant| format!("{tenant}/{}", self.room));
        let room = fields.take("room", ConferenceName::parse_path(&path));
        let mut recordings = Vec::new();
        for (number, file) in self.files.into_iter().enumerate() {
            let hex = file.sha256.len() == 64 && file.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
            let hash = if hex { Ok(()) } else { Err("must be 64 hex digits") };
            fields.take(&format!("files[{number}].sha256"), hash);
            let key = file.storage_key.unwrap_or_else(|| format!("{path}/{}", file.name));
            let recording = fields.take(&format!("files[{number}].storageKey"), RecordingRef::parse(key));
            recordings.extend(recording.filter(|_| file.size > 0));
        }
        let started_at = self.started_at.map(|at| at.0);
        fields.done(room.map(|room| FinishedRecording { room, recordings, started_at }))
    }
}

/// Tell of a finished recording.
///
/// Telling twice changes nothing. A recording that came to nothing, and one that nobody consented to, become audit entries.
#[utoipa::path(
    post, path = "/internal/jibri/recordings", tag = "Internal", operation_id = "recordingFinished",
    request_body = RecordingRequest,
    responses(
        (status = 204, description = "Noted"),
    ),
    security(("internalToken" = [])),
)]
pub async fn finished(
    api: web::Data<Api>,
    req: HttpRequest,
    body: Body<RecordingRequest>,
) -> Result<HttpResponse, Problem> {
    let told = body.value.parse()?;
    api.app.note_recordings(&told, trace(&req)?).await?;
    Ok(HttpResponse::NoContent().finish())
}
