//! Photos and voice notes of visits without a live link.

mod attachments;
mod bad_input;
mod checking;
mod crash;
mod downloads;
mod formats;
mod limits;
mod lost;
pub mod pictures;
mod protocol;
mod proxy;
mod races;
mod slow_link;
mod tenants;
mod tus_js;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use vcare_app::ports::{RecordCipher, RecordId, RecordKeys, WrappedKey, WrappedKeys};
use vcare_domain::{PatientId, TenantId, UploadId};
use vcare_testkit::TestDatabase;

use crate::support::{Answer, CONSENTED, TestApp, files_below, vault};

/// A draft on somebody's phone.
pub const DRAFT: &str = "7f4df2a6-3c7e-4c4a-9d0b-2f1f0a6f5e11";

/// `Upload-Metadata` as clients write it.
pub fn metadata(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name} {}", STANDARD.encode(value))).collect();
    pairs.join(",")
}

/// What an attachment of [`DRAFT`] is for.
pub fn attachment(index: &str, kind: &str) -> String {
    metadata(&[
        ("clientMutationId", DRAFT),
        ("index", index),
        ("patientId", CONSENTED),
        ("kind", kind),
        ("filename", "../../etc/ahmad rahimi.jpg"),
        ("filetype", "image/jpeg"),
    ])
}

/// An upload that was begun: its path below the base.
pub fn place(created: &Answer) -> String {
    created.location("/async-visits/uploads")
}

/// The id in an upload's path.
pub fn id_of(place: &str) -> UploadId {
    place.rsplit('/').next().unwrap().parse().unwrap()
}

/// The bytes of an upload that count, as they are stored in that folder.
pub async fn arrived(database: &TestDatabase, storage: &Path, place: &str) -> Vec<u8> {
    let query = "SELECT folder, chunks FROM async_upload WHERE id = $1";
    let row = database.query_one(query, &[id_of(place).as_uuid()]).await.unwrap();
    let (folder, chunks): (String, Vec<String>) = (row.get(0), row.get(1));
    let cipher = upload_cipher(database, id_of(place)).await;
    let path = storage.join(&folder[..2]).join(&folder);
    chunks.iter().flat_map(|chunk| decrypted(&*cipher, &path.join(chunk))).collect()
}

/// What is in a file of the storage: its name and its folder's are in what it is encrypted as.
pub fn decrypted(cipher: &dyn RecordCipher, file: &Path) -> Vec<u8> {
    let mut names = file.components().rev().map(|name| name.as_os_str().to_str().unwrap());
    let (key, folder) = (names.next().unwrap(), names.next().unwrap());
    let stored = std::fs::read(file).unwrap();
    let segments: Vec<_> = stored.strip_prefix(b"vcareAE1").unwrap().chunks(64 * 1024 + 28).collect();
    let opened = segments.iter().enumerate().map(|(index, segment)| {
        let last = if index + 1 == segments.len() { "/last" } else { "" };
        cipher.open(&format!("attachment/{folder}/{key}/{index}{last}"), segment).unwrap()
    });
    opened.flat_map(|segment| segment.expose().to_vec()).collect()
}

/// What decrypts an upload's bytes, from what the database and the key file hold.
pub async fn upload_cipher(database: &TestDatabase, id: UploadId) -> Arc<dyn RecordCipher> {
    let keys = "SELECT tenant_id, patient_id, key_version, subject.wrapped, record_key.wrapped
                  FROM vcare_keys.record_key JOIN vcare_keys.subject USING (tenant_id, patient_id) WHERE record_id = $1";
    let row = database.query_one(keys, &[id.as_uuid()]).await.unwrap();
    let tenant = TenantId::parse(row.get::<_, String>(0)).unwrap();
    let patient = PatientId::parse(row.get::<_, String>(1)).unwrap();
    let version = u32::try_from(row.get::<_, i32>(2)).unwrap();
    let wrapped = WrappedKeys { patient: WrappedKey { version, bytes: row.get(3) }, record: row.get(4) };
    let record = RecordId { tenant: &tenant, patient: &patient, record: *id.as_uuid() };
    vault().record_cipher(record, &wrapped).await.unwrap()
}

impl TestApp {
    pub fn begin_request(&self, token: &str, length: usize, metadata: &str) -> RequestBuilder {
        self.request(Method::POST, "/async-visits/uploads")
            .bearer_auth(token)
            .header("Upload-Length", length)
            .header("Upload-Metadata", metadata)
    }

    pub async fn begin_upload(&self, token: &str, length: usize, metadata: &str) -> Answer {
        self.send(self.begin_request(token, length, metadata)).await
    }

    pub fn append_request(&self, token: &str, place: &str, offset: usize, bytes: &[u8]) -> RequestBuilder {
        self.request(Method::PATCH, place)
            .bearer_auth(token)
            .header("Upload-Offset", offset)
            .header("Content-Type", "application/offset+octet-stream")
            .body(bytes.to_vec())
    }

    pub async fn append(&self, token: &str, place: &str, offset: usize, bytes: &[u8]) -> Answer {
        self.send(self.append_request(token, place, offset, bytes)).await
    }

    pub async fn head(&self, token: &str, place: &str) -> Answer {
        self.send(self.request(Method::HEAD, place).bearer_auth(token)).await
    }

    pub async fn take_back(&self, token: &str, place: &str) -> Answer {
        self.send(self.request(Method::DELETE, place).bearer_auth(token)).await
    }

    /// A patient's attachment, whole.
    pub async fn uploaded(&self, index: &str, kind: &str, bytes: &[u8]) -> String {
        let token = self.token("patient");
        let created = self.begin_upload(&token, bytes.len(), &attachment(index, kind)).await.expect(201);
        let place = place(&created);
        self.append(&token, &place, 0, bytes).await.expect(204);
        place
    }

    /// Does what is due at uploads, as a worker does.
    pub async fn look_after_uploads(&self) {
        while self.app.work_next_upload().await.unwrap() {}
    }

    /// An upload's row: state, reason, how many bytes, how many chunks.
    pub async fn upload_row(&self, place: &str) -> (String, Option<String>, i32, usize) {
        let query = "SELECT state, reason, received, chunks FROM async_upload WHERE id = $1";
        let row = self.database.query_one(query, &[id_of(place).as_uuid()]).await.unwrap();
        (row.get(0), row.get(1), row.get(2), row.get::<_, Vec<String>>(3).len())
    }

    /// The patient's visit of [`DRAFT`], which announces so many attachments.
    pub async fn submitted_with(&self, attachments: usize) -> String {
        let attachments: Vec<Value> = (0..attachments).map(|index| json!({ "index": index })).collect();
        let draft = json!({
            "clientMutationId": DRAFT, "patientId": CONSENTED, "chiefComplaint": "a rash since Friday",
            "authoredAt": "2026-03-01T09:00:00Z", "attachments": attachments,
        });
        self.post(&self.token("patient"), "/async-visits", &draft).await.expect(201).text("id")
    }

    pub async fn attachments(&self, token: &str, visit: &str) -> Value {
        self.get(token, &format!("/async-visits/{visit}/attachments")).await.expect(200).body["items"].clone()
    }

    /// Every file in the storage.
    pub fn stored_files(&self) -> Vec<PathBuf> {
        files_below(&self.storage_folder())
    }

    pub fn storage_folder(&self) -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.attachments", self.database.name()))
    }
}
