//! A machine's draft as stored.

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use diesel::sql_types::{Binary, Nullable};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::{RecordCipher, RecordId, RecordKeys, StoreError};
use vcare_domain::{
    AiDraft, AiDraftId, AiDraftParts, AiModel, Decision, Delivery, DraftState, KeyedHash, NoteId, PatientId,
    SealedText, SessionId, TenantId, UserId,
};

use crate::record_keys::{Custody, KEYS_OF_DRAFT};
use crate::rows::{version, version_number};
use crate::schema::ai_draft;

const OWED: &str = "owed";
const PARKED: &str = "parked";
const DONE: &str = "done";

/// A row.
#[derive(Queryable, Selectable)]
#[diesel(table_name = ai_draft)]
pub(crate) struct AiDraftRow {
    tenant_id: String,
    id: Uuid,
    session_id: Uuid,
    requested_by: String,
    model: String,
    template: String,
    transcript_hash: Vec<u8>,
    draft_hash: Vec<u8>,
    status: String,
    delivery: Option<String>,
    key_id: Option<String>,
    sealed: Option<Vec<u8>>,
    decided_by: Option<String>,
    decided_at: Option<OffsetDateTime>,
    content_hash: Option<Vec<u8>>,
    human_edited: Option<bool>,
    note_id: Option<String>,
    delivered_at: Option<OffsetDateTime>,
    version: i32,
    created_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    #[diesel(select_expression = sql::<Nullable<Binary>>(KEYS_OF_DRAFT))]
    #[diesel(select_expression_type = SqlLiteral<Nullable<Binary>>)]
    keys: Option<Vec<u8>>,
}

/// What never changes.
#[derive(Insertable)]
#[diesel(table_name = ai_draft)]
pub(crate) struct NewAiDraftRow<'a> {
    tenant_id: &'a str,
    id: &'a Uuid,
    session_id: &'a Uuid,
    requested_by: &'a str,
    model: &'a str,
    template: &'a str,
    transcript_hash: &'a [u8],
    draft_hash: &'a [u8],
    created_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    #[diesel(embed)]
    pub changes: AiDraftChanges<'a>,
}

/// What a decision changes. What is not there any more is null again.
#[derive(Default, Insertable, AsChangeset)]
#[diesel(table_name = ai_draft, treat_none_as_null = true)]
pub(crate) struct AiDraftChanges<'a> {
    status: &'a str,
    delivery: Option<&'a str>,
    key_id: Option<&'a str>,
    pub sealed: Option<&'a [u8]>,
    decided_by: Option<&'a str>,
    decided_at: Option<OffsetDateTime>,
    content_hash: Option<&'a [u8]>,
    human_edited: Option<bool>,
    note_id: Option<&'a str>,
    delivered_at: Option<OffsetDateTime>,
    version: i32,
}

impl<'a> NewAiDraftRow<'a> {
    pub fn of(draft: &'a AiDraftParts, status: &'a str) -> Self {
        Self {
            tenant_id: draft.tenant_id.as_str(),
            id: draft.id.as_uuid(),
            session_id: draft.session_id.as_uuid(),
            requested_by: draft.requested_by.as_str(),
            model: draft.model.as_str(),
            template: &draft.template,
            transcript_hash: draft.transcript_hash.as_bytes(),
            draft_hash: draft.draft_hash.as_bytes(),
            created_at: draft.created_at,
            expires_at: draft.expires_at,
            changes: AiDraftChanges::of(draft, status),
        }
    }
}

impl<'a> AiDraftChanges<'a> {
    fn of(draft: &'a AiDraftParts, status: &'a str) -> Self {
        let plain = Self { status, version: version_number(draft.version), ..Self::default() };
        let held = |text: &'a SealedText| (Some(text.key_id.as_str()), Some(text.bytes.as_slice()));
        match &draft.state {
            DraftState::Pending { text } => {
                let (key_id, sealed) = held(text);
                Self { key_id, sealed, ..plain }
            }
            DraftState::Accepted { decision, content_hash, human_edited, delivery } => {
                let accepted = Self {
                    content_hash: Some(content_hash.as_bytes()),
                    human_edited: Some(*human_edited),
                    ..plain.decided(decision)
                };
                match delivery {
                    Delivery::Owed { text } => {
                        let (key_id, sealed) = held(text);
                        Self { delivery: Some(OWED), key_id, sealed, ..accepted }
                    }
                    Delivery::Parked { text } => {
                        let (key_id, sealed) = held(text);
                        Self { delivery: Some(PARKED), key_id, sealed, ..accepted }
                    }
                    Delivery::Done { note, at } => {
                        Self { delivery: Some(DONE), note_id: Some(note.as_str()), delivered_at: Some(*at), ..accepted }
                    }
                }
            }
            DraftState::Declined(decision) => plain.decided(decision),
            DraftState::Expired { at } => Self { decided_at: Some(*at), ..plain },
        }
    }

    fn decided(self, decision: &'a Decision) -> Self {
        Self { decided_by: Some(decision.by.as_str()), decided_at: Some(decision.at), ..self }
    }
}

/// The first byte of a text that is encrypted with the visit's key; the version before began with another.
const BY_VISIT: u8 = 2;

/// The value's name, which it is encrypted as.
fn what(draft: Uuid) -> String {
    format!("ai_draft.sealed/{draft}")
}

/// Encrypts the text of a draft once more, with the key of its visit.
pub(crate) fn seal_draft(
    cipher: &dyn RecordCipher,
    draft: AiDraftId,
    text: &SealedText,
) -> Result<Vec<u8>, StoreError> {
    Ok([&[BY_VISIT], &cipher.seal(&what(*draft.as_uuid()), &text.bytes)?[..]].concat())
}

fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt { table: "ai_draft", column }
}

fn hash(bytes: Vec<u8>, column: &'static str) -> Result<KeyedHash, StoreError> {
    bytes.try_into().map(KeyedHash::from_bytes).map_err(|_| corrupt(column))
}

impl AiDraftRow {
    /// The draft, whose text is decrypted as far as the visit's key goes.
    pub async fn restore(mut self, keys: &dyn RecordKeys) -> Result<AiDraft, StoreError> {
        if let Some(sealed) = self.sealed.as_deref().and_then(|sealed| sealed.strip_prefix(&[BY_VISIT])) {
            let (patient, wrapped) =
                Custody::read_with_patient(self.keys.as_deref()).ok_or(StoreError::SubjectErased)?;
            let tenant = TenantId::parse(self.tenant_id.clone()).map_err(|_| corrupt("tenant_id"))?;
            let patient = PatientId::parse(patient).map_err(|_| corrupt("session_id"))?;
            let record = RecordId { tenant: &tenant, patient: &patient, record: self.session_id };
            // One that does not open here opens nowhere, and can still be declined.
            if let Ok(opened) = keys.record_cipher(record, &wrapped).await?.open(&what(self.id), sealed) {
                self.sealed = Some(opened.expose().to_vec());
            }
        }
        self.into_draft()
    }

    fn into_draft(mut self) -> Result<AiDraft, StoreError> {
        let state = self.state()?;
        Ok(AiDraft::restore(AiDraftParts {
            id: AiDraftId::from_uuid(self.id),
            tenant_id: TenantId::parse(self.tenant_id).map_err(|_| corrupt("tenant_id"))?,
            session_id: SessionId::from_uuid(self.session_id),
            requested_by: UserId::parse(self.requested_by).map_err(|_| corrupt("requested_by"))?,
            model: AiModel::parse(self.model).map_err(|_| corrupt("model"))?,
            template: self.template,
            transcript_hash: hash(self.transcript_hash, "transcript_hash")?,
            draft_hash: hash(self.draft_hash, "draft_hash")?,
            state,
            version: version("ai_draft", self.version)?,
            created_at: self.created_at,
            expires_at: self.expires_at,
        }))
    }

    fn state(&mut self) -> Result<DraftState, StoreError> {
        match self.status.as_str() {
            "pending" => Ok(DraftState::Pending { text: self.text()? }),
            "accepted" => Ok(DraftState::Accepted {
                decision: self.decision()?,
                content_hash: hash(self.content_hash.take().ok_or(corrupt("content_hash"))?, "content_hash")?,
                human_edited: self.human_edited.ok_or(corrupt("human_edited"))?,
                delivery: self.delivery()?,
            }),
            "declined" => Ok(DraftState::Declined(self.decision()?)),
            "expired" => Ok(DraftState::Expired { at: self.decided_at.ok_or(corrupt("decided_at"))? }),
            _ => Err(corrupt("status")),
        }
    }

    fn delivery(&mut self) -> Result<Delivery, StoreError> {
        match self.delivery.as_deref() {
            Some(OWED) => Ok(Delivery::Owed { text: self.text()? }),
            Some(PARKED) => Ok(Delivery::Parked { text: self.text()? }),
            Some(DONE) => {
                let note = self.note_id.take().and_then(|id| NoteId::parse(id).ok()).ok_or(corrupt("note_id"))?;
                Ok(Delivery::Done { note, at: self.delivered_at.ok_or(corrupt("delivered_at"))? })
            }
            _ => Err(corrupt("delivery")),
        }
    }

    fn decision(&mut self) -> Result<Decision, StoreError> {
        let by = self.decided_by.take().and_then(|user| UserId::parse(user).ok()).ok_or(corrupt("decided_by"))?;
        Ok(Decision { by, at: self.decided_at.ok_or(corrupt("decided_at"))? })
    }

    fn text(&mut self) -> Result<SealedText, StoreError> {
        let key_id = self.key_id.take().ok_or(corrupt("key_id"))?;
        Ok(SealedText { key_id, bytes: self.sealed.take().ok_or(corrupt("sealed"))? })
    }
}
