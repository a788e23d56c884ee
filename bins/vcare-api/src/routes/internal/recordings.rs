//! `/internal/jibri/recordings`: a recording is finished, or came to nothing. Told by our finalize script.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use vcare_app::rooms::FinishedRecording;
use vcare_domain::{ConferenceName, RecordingRef};

use super::{Server, trace};
use crate::extract::{Body, Checked, Fields, Instant};
use crate::problem::{Fault, FieldCode, Problem};
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
    /// Where it is stored: below `{tenant}/{room}/`, or `{room}/` when the address has no path segment, in lower case. The
    /// file's name stands there when it is absent.
    #[serde(default)]
    #[schema(max_length = 512)]
    storage_key: Option<String>,
}

/// Where recordings of a room are: no other tenant's and no other visit's are there.
fn folder_of(room: &ConferenceName) -> String {
    match &room.tenant {
        Some(tenant) => format!("{tenant}/{}/", room.room),
        None => format!("{}/", room.room),
    }
}

/// A storage key below a folder, and nowhere else by what it may mean to a storage.
fn stored_below(folder: &str, key: String) -> Result<RecordingRef, String> {
    let plain = |path: &str| path.split('/').all(|segment| !matches!(segment, "" | "." | ".."));
    if !key.strip_prefix(folder).is_some_and(plain) {
        return Err(format!("must be below {folder}, without empty, '.' and '..' segments"));
    }
    RecordingRef::parse(key).map_err(|invalid| invalid.to_string())
}

impl RecordingRequest {
    fn parse(self) -> Result<FinishedRecording, Problem> {
        let mut fields = Fields::default();
        if self.files.len() > MAX_FILES {
            return Err(Problem::field("files", Fault(FieldCode::Length, format!("must be at most {MAX_FILES}"))));
        }
        let tenant = self.tenant.filter(|tenant| !tenant.is_empty());
        let path = tenant.map_or_else(|| self.room.clone(), |tenant| format!("{tenant}/{}", self.room));
        let room = fields.take("room", ConferenceName::parse_path(&path));
        let folder = room.as_ref().map(folder_of);
        let mut recordings = Vec::new();
        for (number, file) in self.files.into_iter().enumerate() {
            let hex = file.sha256.len() == 64 && file.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
            let hash = if hex { Ok(()) } else { Err("must be 64 hex digits") };
            fields.take(&format!("files[{number}].sha256"), hash);
            // Without a room there is no folder for it: a 4xx names the field.
            let Some(folder) = &folder else { continue };
            let key = file.storage_key.unwrap_or_else(|| format!("{folder}{}", file.name));
            let recording = fields.take(&format!("files[{number}].storageKey"), stored_below(folder, key));
            recordings.extend(recording.filter(|_| file.size > 0));
        }
        let started_at = self.started_at.map(|at| at.0);
        fields.done(room.map(|room| FinishedRecording { room, recordings, started_at }))
    }
}

impl Checked for RecordingRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(self.parse());
    }
}

/// Tell of a finished recording.
///
/// Telling twice changes nothing. A room of a tenant that the token is not for is unknown. A recording that came to nothing, and one that nobody consented to, become audit entries.
#[utoipa::path(
    post, path = "/internal/jibri/recordings", tag = "Internal", operation_id = "reportRecording",
    request_body = RecordingRequest,
    responses(
        (status = 204, description = "Noted"),
    ),
    security(("internalToken" = [])),
)]
pub async fn finished(
    api: web::Data<Api>,
    server: Server,
    req: HttpRequest,
    body: Body<RecordingRequest>,
) -> Result<HttpResponse, Problem> {
    let told = body.value.parse()?;
    api.app.note_recordings(&server.0, &told, trace(&req)?).await?;
    Ok(HttpResponse::NoContent().finish())
}
