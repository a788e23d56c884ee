//! `async_upload`.

use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::StoreError;
use vcare_domain::{
    ClientMutationId, Content, LeaseToken, MediaType, PatientId, RejectReason, StorageKey, TenantId, Upload, UploadId,
    UploadKind, UploadParts, UploadSlot, UploadState, Uploader, UserId,
};

use crate::schema::async_upload;

/// An upload; inserted whole.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = async_upload, check_for_backend(diesel::pg::Pg))]
pub(crate) struct UploadRow {
    tenant_id: String,
    id: Uuid,
    owner_id: String,
    patient_id: String,
    client_mutation_id: Uuid,
    attachment_index: i16,
    kind: String,
    length: i32,
    folder: String,
    created_at: OffsetDateTime,
    uploader: Option<String>,
    #[diesel(embed)]
    changes: UploadChanges,
}

/// What of an upload changes; written by every save.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = async_upload, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(crate) struct UploadChanges {
    received: i32,
    chunks: Vec<String>,
    writer: Option<Uuid>,
    state: String,
    reason: Option<String>,
    content_key: Option<String>,
    content_type: Option<String>,
    content_size: Option<i32>,
    discarded_at: Option<OffsetDateTime>,
    expires_at: OffsetDateTime,
    due_at: Option<OffsetDateTime>,
    checks: i32,
    updated_at: OffsetDateTime,
}

fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt { table: "async_upload", column }
}

fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn count(number: i32, column: &'static str) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|_| corrupt(column))
}

fn key(text: String, column: &'static str) -> Result<StorageKey, StoreError> {
    StorageKey::parse(text).map_err(|_| corrupt(column))
}

const fn state(state: &UploadState) -> &'static str {
    match state {
        UploadState::Receiving { .. } => "receiving",
        UploadState::Checking => "checking",
        UploadState::Ready(_) => "ready",
        UploadState::Rejected(_) => "rejected",
        UploadState::Discarded { .. } => "discarded",
    }
}

impl From<&Upload> for UploadRow {
    fn from(upload: &Upload) -> Self {
        let parts = upload.parts();
        Self {
            tenant_id: parts.tenant_id.as_str().to_owned(),
            id: *parts.id.as_uuid(),
            owner_id: parts.owner_id.as_str().to_owned(),
            patient_id: parts.patient_id.as_str().to_owned(),
            client_mutation_id: *parts.slot.client_mutation_id.as_uuid(),
            attachment_index: i16::from(parts.slot.index),
            kind: parts.slot.kind.as_str().to_owned(),
            length: number(parts.length),
            folder: parts.folder.as_str().to_owned(),
            created_at: parts.created_at,
            uploader: parts.uploader.map(|uploader| uploader.as_str().to_owned()),
            changes: UploadChanges::from(upload),
        }
    }
}

impl From<&Upload> for UploadChanges {
    fn from(upload: &Upload) -> Self {
        let parts = upload.parts();
        let mut changes = Self {
            received: number(parts.offset),
            chunks: parts.chunks.iter().map(|chunk| chunk.as_str().to_owned()).collect(),
            writer: None,
            state: state(&parts.state).to_owned(),
            reason: None,
            content_key: None,
            content_type: None,
            content_size: None,
            discarded_at: None,
            expires_at: parts.expires_at,
            due_at: parts.due_at,
            checks: number(parts.checks),
            updated_at: parts.updated_at,
        };
        match &parts.state {
            UploadState::Receiving { writer } => changes.writer = writer.map(|writer| *writer.as_uuid()),
            UploadState::Checking => {}
            UploadState::Ready(content) => {
                changes.content_key = Some(content.key.as_str().to_owned());
                changes.content_type = Some(content.media_type.as_str().to_owned());
                changes.content_size = Some(number(content.size));
            }
            UploadState::Rejected(reason) => changes.reason = Some(reason.as_str().to_owned()),
            UploadState::Discarded { at } => changes.discarded_at = Some(*at),
        }
        changes
    }
}

impl UploadChanges {
    fn state(&mut self) -> Result<UploadState, StoreError> {
        match self.state.as_str() {
            "receiving" => Ok(UploadState::Receiving { writer: self.writer.map(LeaseToken::from_uuid) }),
            "checking" => Ok(UploadState::Checking),
            "ready" => {
                let media_type = self.content_type.as_deref().and_then(MediaType::from_name);
                let content_key = self.content_key.take().ok_or(corrupt("content_key"))?;
                let size = self.content_size.ok_or(corrupt("content_size"))?;
                Ok(UploadState::Ready(Content {
                    key: key(content_key, "content_key")?,
                    media_type: media_type.ok_or(corrupt("content_type"))?,
                    size: count(size, "content_size")?,
                }))
            }
            "rejected" => {
                let reason = self.reason.as_deref().and_then(RejectReason::from_name);
                Ok(UploadState::Rejected(reason.ok_or(corrupt("reason"))?))
            }
            "discarded" => Ok(UploadState::Discarded { at: self.discarded_at.ok_or(corrupt("discarded_at"))? }),
            _ => Err(corrupt("state")),
        }
    }
}

impl UploadRow {
    /// The upload.
    pub(crate) fn restore(self) -> Result<Upload, StoreError> {
        let mut changes = self.changes;
        let state = changes.state()?;
        Ok(Upload::restore(UploadParts {
            id: UploadId::from_uuid(self.id),
            tenant_id: TenantId::parse(self.tenant_id).map_err(|_| corrupt("tenant_id"))?,
            owner_id: UserId::parse(self.owner_id).map_err(|_| corrupt("owner_id"))?,
            uploader: match self.uploader {
                Some(uploader) => Some(Uploader::from_name(&uploader).ok_or(corrupt("uploader"))?),
                None => None,
            },
            patient_id: PatientId::parse(self.patient_id).map_err(|_| corrupt("patient_id"))?,
            slot: UploadSlot {
                client_mutation_id: ClientMutationId::from_uuid(self.client_mutation_id),
                index: u8::try_from(self.attachment_index).map_err(|_| corrupt("attachment_index"))?,
                kind: UploadKind::from_name(&self.kind).ok_or(corrupt("kind"))?,
            },
            length: count(self.length, "length")?,
            offset: count(changes.received, "received")?,
            folder: key(self.folder, "folder")?,
            chunks: changes.chunks.into_iter().map(|chunk| key(chunk, "chunks")).collect::<Result<_, _>>()?,
            state,
            expires_at: changes.expires_at,
            due_at: changes.due_at,
            checks: count(changes.checks, "checks")?,
            created_at: self.created_at,
            updated_at: changes.updated_at,
        }))
    }
}
