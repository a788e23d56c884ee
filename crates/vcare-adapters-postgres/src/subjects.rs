//! What is ordered about patients' data, and erasing it.

use async_trait::async_trait;
use diesel::prelude::{OptionalExtension, QueryableByName};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::{ErasedRecords, StoreError, SubjectRecords, Subjects};
use vcare_domain::{ERASED, PatientId, RecordingRef, Subject, SubjectOrder};

use crate::errors::store_error;
use crate::record_keys::lock_subject;
use crate::rows::NO_NOTE;
use crate::unit_of_work::PgUnitOfWork;

/// What stands in the place of an emergency access's reason, which has ten characters at least.
const REASON_ERASED: &str = "[the reason was erased]";

const FIND: &str = "
SELECT held_at, held_by, restricted_at, restricted_by, erased_at, erased_by
  FROM vcare_keys.subject WHERE tenant_id = $1 AND patient_id = $2";

const SAVE: &str = "
UPDATE vcare_keys.subject SET held_at = $3, held_by = $4, restricted_at = $5, restricted_by = $6
 WHERE tenant_id = $1 AND patient_id = $2";

/// A contact is over when its visit is; a visit that was never held is none.
const RECORDS: &str = "
WITH session AS (
    SELECT id, status, started_at, coalesce(ended_at, failed_at) AS over_at
      FROM virtual_session WHERE tenant_id = $1 AND patient_id = $2
), written AS (
    SELECT id, status, submitted_at, coalesce(closed_at, responded_at) AS over_at
      FROM async_visit WHERE tenant_id = $1 AND patient_id = $2
), unfinished AS (
    SELECT id FROM session WHERE status NOT IN ('ended', 'cancelled')
    UNION SELECT id FROM written WHERE status NOT IN ('responded', 'closed')
    UNION SELECT session_id FROM retry_job
     WHERE tenant_id = $1 AND session_id IN (SELECT id FROM session UNION SELECT id FROM written)
)
SELECT (SELECT count(*) FROM session) AS sessions,
       (SELECT count(*) FROM written) AS async_visits,
       (SELECT count(*) FROM async_upload
         WHERE tenant_id = $1 AND patient_id = $2 AND state <> 'discarded') AS uploads,
       (SELECT count(*) FROM unfinished) AS unfinished,
       greatest((SELECT max(over_at) FROM session WHERE started_at IS NOT NULL),
                (SELECT max(over_at) FROM written)) AS last_contact_at";

const SESSIONS: &str = "SELECT id FROM virtual_session WHERE tenant_id = $1 AND patient_id = $2";
const WRITTEN: &str = "SELECT id FROM async_visit WHERE tenant_id = $1 AND patient_id = $2";

/// Before anything is erased, as a role that may read them.
const RECORDINGS: &str = "
SELECT unnest(array_remove(array_prepend(recording_ref, further_recordings), NULL)) AS key
  FROM virtual_session WHERE tenant_id = $1 AND id = ANY ($2)";

const ERASE_ANSWERS: &str = "DELETE FROM idempotency_key WHERE tenant_id = $1 AND record_id = ANY ($2)";
const ERASE_DRAFTS: &str = "
UPDATE ai_draft SET status = 'expired', decided_at = $3, key_id = NULL, sealed = NULL, version = version + 1
 WHERE tenant_id = $1 AND session_id = ANY ($2) AND status = 'pending'";
const ERASE_ASYNC_VISITS: &str = "
UPDATE async_visit
   SET original_body = '{}', original_sealed = NULL, chief_complaint = $4, symptoms = '{}', locale = NULL,
       complaint_code_system = NULL, complaint_code = NULL, complaint_code_display = NULL,
       response_text = CASE WHEN response_text IS NOT NULL THEN $4 END,
       addenda = (SELECT coalesce(jsonb_agg(added || jsonb_build_object('text', $4)), '[]')
                    FROM jsonb_array_elements(addenda) AS added),
       sealed = NULL, erased_at = $3, version = version + 1, updated_at = greatest(updated_at, $3)
 WHERE tenant_id = $1 AND id = ANY ($2) AND $5::text IS NOT NULL";
const ERASE_SESSIONS: &str = "
UPDATE virtual_session
   SET cancel_reason = CASE WHEN no_show_at IS NOT NULL OR cancel_reason = $5 THEN cancel_reason
                            WHEN cancel_reason IS NOT NULL THEN $4 END,
       end_reason = CASE WHEN end_reason IS NOT NULL THEN $4 END,
       messaging_reason = CASE WHEN messaging_reason IS NOT NULL THEN $4 END,
       participants = (SELECT coalesce(jsonb_agg(CASE WHEN one ? 'reason' AND one ->> 'reason' <> $5
                                                      THEN one || jsonb_build_object('reason', $4) ELSE one END), '[]')
                         FROM jsonb_array_elements(participants) AS one),
       people = (SELECT coalesce(jsonb_object_agg(key, value - 'name' - 'key_version'), '{}') FROM jsonb_each(people)),
       recording_ref = NULL, further_recordings = '{}',
       sealed = NULL, erased_at = $3, version = version + 1, updated_at = greatest(updated_at, $3)
 WHERE tenant_id = $1 AND id = ANY ($2)";
/// What was measured and seen of people while they waited, table by table.
const ERASE_TRACES: [&str; 4] = [
    "DELETE FROM link_state WHERE tenant_id = $1 AND session_id = ANY ($2)",
    "DELETE FROM presence WHERE tenant_id = $1 AND session_id = ANY ($2)",
    "DELETE FROM presence_lease WHERE tenant_id = $1 AND session_id = ANY ($2)",
    "DELETE FROM short_link WHERE tenant_id = $1 AND session_id = ANY ($2)",
];
const ERASE_EMERGENCIES: &str = "UPDATE emergency_access SET reason = $3 WHERE tenant_id = $1 AND patient_id = $2";
const DELETE_KEYS: &str = "DELETE FROM vcare_keys.record_key WHERE tenant_id = $1 AND patient_id = $2";
const DELETE_PATIENT_KEY: &str = "
UPDATE vcare_keys.subject
   SET key_version = NULL, wrapped = NULL, restricted_at = NULL, restricted_by = NULL, erased_at = $3, erased_by = $4
 WHERE tenant_id = $1 AND patient_id = $2";

#[derive(QueryableByName)]
struct SubjectRow {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    held_at: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Text>)]
    held_by: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    restricted_at: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Text>)]
    restricted_by: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    erased_at: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Text>)]
    erased_by: Option<String>,
}

#[derive(QueryableByName)]
struct RecordsRow {
    #[diesel(sql_type = BigInt)]
    sessions: i64,
    #[diesel(sql_type = BigInt)]
    async_visits: i64,
    #[diesel(sql_type = BigInt)]
    uploads: i64,
    #[diesel(sql_type = BigInt)]
    unfinished: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_contact_at: Option<OffsetDateTime>,
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = Text)]
    key: String,
}

pub(crate) struct PgSubjects<'t>(pub(crate) &'t mut PgUnitOfWork);

impl PgSubjects<'_> {
    async fn ids(&mut self, query: &str, patient: &PatientId) -> Result<Vec<Uuid>, StoreError> {
        let (pg, tenant) = self.0.parts();
        let rows: Vec<IdRow> = diesel::sql_query(query)
            .bind::<Text, _>(tenant.as_str())
            .bind::<Text, _>(patient.as_str())
            .load(pg)
            .await
            .map_err(store_error)?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// Runs a statement about some records.
    async fn of_records(&mut self, statement: &str, records: &[Uuid]) -> Result<u64, StoreError> {
        let (pg, tenant) = self.0.parts();
        let done = diesel::sql_query(statement)
            .bind::<Text, _>(tenant.as_str())
            .bind::<Array<SqlUuid>, _>(records)
            .execute(pg)
            .await
            .map_err(store_error)?;
        Ok(done as u64)
    }

    /// The same with a time, with what takes the place of texts, and with what stands where there was none.
    async fn texts_of_records(
        &mut self,
        statement: &str,
        records: &[Uuid],
        at: OffsetDateTime,
    ) -> Result<u64, StoreError> {
        let (pg, tenant) = self.0.parts();
        let done = diesel::sql_query(statement)
            .bind::<Text, _>(tenant.as_str())
            .bind::<Array<SqlUuid>, _>(records)
            .bind::<Timestamptz, _>(at)
            .bind::<Text, _>(ERASED)
            .bind::<Text, _>(NO_NOTE)
            .execute(pg)
            .await
            .map_err(store_error)?;
        Ok(done as u64)
    }

    async fn take_role(&mut self, role: &str) -> Result<(), StoreError> {
        let (pg, _) = self.0.parts();
        pg.batch_execute(&format!("SET LOCAL ROLE {role}")).await.map_err(store_error)
    }

    async fn delete_all(
        &mut self,
        patient: &PatientId,
        order: &SubjectOrder,
        sessions: &[Uuid],
        written: &[Uuid],
    ) -> Result<ErasedRecords, StoreError> {
        let both = [sessions, written].concat();
        let answers = self.of_records(ERASE_ANSWERS, &both).await?;
        for traces in ERASE_TRACES {
            self.of_records(traces, sessions).await?;
        }
        let drafts = {
            let (pg, tenant) = self.0.parts();
            diesel::sql_query(ERASE_DRAFTS)
                .bind::<Text, _>(tenant.as_str())
                .bind::<Array<SqlUuid>, _>(sessions)
                .bind::<Timestamptz, _>(order.at)
                .execute(pg)
                .await
                .map_err(store_error)?
        };
        let async_visits = self.texts_of_records(ERASE_ASYNC_VISITS, written, order.at).await?;
        let erased_sessions = self.texts_of_records(ERASE_SESSIONS, sessions, order.at).await?;
        let (pg, tenant) = self.0.parts();
        let emergency_reasons = diesel::sql_query(ERASE_EMERGENCIES)
            .bind::<Text, _>(tenant.as_str())
            .bind::<Text, _>(patient.as_str())
            .bind::<Text, _>(REASON_ERASED)
            .execute(pg)
            .await
            .map_err(store_error)?;
        let keys = diesel::sql_query(DELETE_KEYS)
            .bind::<Text, _>(tenant.as_str())
            .bind::<Text, _>(patient.as_str())
            .execute(pg)
            .await
            .map_err(store_error)?;
        diesel::sql_query(DELETE_PATIENT_KEY)
            .bind::<Text, _>(tenant.as_str())
            .bind::<Text, _>(patient.as_str())
            .bind::<Timestamptz, _>(order.at)
            .bind::<Text, _>(&order.by)
            .execute(pg)
            .await
            .map_err(store_error)?;
        Ok(ErasedRecords {
            keys: keys as u64 + 1,
            sessions: erased_sessions,
            async_visits,
            drafts: drafts as u64,
            answers,
            emergency_reasons: emergency_reasons as u64,
            recordings: Vec::new(),
        })
    }
}

#[async_trait]
impl Subjects for PgSubjects<'_> {
    async fn find(&mut self, patient: &PatientId) -> Result<Subject, StoreError> {
        lock_subject(self.0, patient).await?;
        let (pg, tenant) = self.0.parts();
        let row: Option<SubjectRow> = diesel::sql_query(FIND)
            .bind::<Text, _>(tenant.as_str())
            .bind::<Text, _>(patient.as_str())
            .get_result(pg)
            .await
            .optional()
            .map_err(store_error)?;
        let row = row.ok_or(StoreError::Conflict)?;
        let order = |at: Option<OffsetDateTime>, by: Option<String>| Some(SubjectOrder { at: at?, by: by? });
        Ok(Subject {
            patient_id: patient.clone(),
            held: order(row.held_at, row.held_by),
            restricted: order(row.restricted_at, row.restricted_by),
            erased: order(row.erased_at, row.erased_by),
        })
    }

    async fn records(&mut self, patient: &PatientId) -> Result<SubjectRecords, StoreError> {
        let (pg, tenant) = self.0.parts();
        let row: RecordsRow = diesel::sql_query(RECORDS)
            .bind::<Text, _>(tenant.as_str())
            .bind::<Text, _>(patient.as_str())
            .get_result(pg)
            .await
            .map_err(store_error)?;
        Ok(SubjectRecords {
            sessions: row.sessions.unsigned_abs(),
            async_visits: row.async_visits.unsigned_abs(),
            uploads: row.uploads.unsigned_abs(),
            unfinished_visits: row.unfinished.unsigned_abs(),
            last_contact_at: row.last_contact_at,
        })
    }

    async fn save(&mut self, subject: &Subject) -> Result<(), StoreError> {
        let (held, restricted) = (subject.held.as_ref(), subject.restricted.as_ref());
        let (pg, tenant) = self.0.parts();
        let written = diesel::sql_query(SAVE)
            .bind::<Text, _>(tenant.as_str())
            .bind::<Text, _>(subject.patient_id.as_str())
            .bind::<Nullable<Timestamptz>, _>(held.map(|order| order.at))
            .bind::<Nullable<Text>, _>(held.map(|order| order.by.as_str()))
            .bind::<Nullable<Timestamptz>, _>(restricted.map(|order| order.at))
            .bind::<Nullable<Text>, _>(restricted.map(|order| order.by.as_str()))
            .execute(pg)
            .await
            .map_err(store_error)?;
        if written == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }

    async fn erase(&mut self, patient: &PatientId, order: &SubjectOrder) -> Result<ErasedRecords, StoreError> {
        let sessions = self.ids(SESSIONS, patient).await?;
        let written = self.ids(WRITTEN, patient).await?;
        let (pg, tenant) = self.0.parts();
        let recordings: Vec<KeyRow> = diesel::sql_query(RECORDINGS)
            .bind::<Text, _>(tenant.as_str())
            .bind::<Array<SqlUuid>, _>(&sessions)
            .load(pg)
            .await
            .map_err(store_error)?;
        self.take_role("vcare_eraser").await?;
        let erased = self.delete_all(patient, order, &sessions, &written).await?;
        self.take_role("vcare_api").await?;
        let corrupt = |_| StoreError::Corrupt { table: "virtual_session", column: "recording_ref" };
        let recordings = recordings.into_iter().map(|row| RecordingRef::parse(row.key).map_err(corrupt));
        Ok(ErasedRecords { recordings: recordings.collect::<Result<_, _>>()?, ..erased })
    }
}
