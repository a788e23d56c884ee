//! The wrapped keys of patients, visits and uploads.

use std::sync::Arc;

use std::collections::{HashMap, HashSet};

use diesel::dsl::sql;
use diesel::prelude::{OptionalExtension, QueryDsl, QueryableByName};
use diesel::sql_types::{Binary, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::{RecordCipher, RecordId, RecordKeys, SecretsError, StoreError, WrappedKey, WrappedKeys};
use vcare_domain::{PatientId, SessionId, TenantId, UploadId};

use crate::errors::store_error;
use crate::schema::{async_upload, virtual_session};
use crate::unit_of_work::PgUnitOfWork;

/// The length of a wrapped key, in bytes.
const WRAPPED: usize = 60;

/// A subquery for the row of `$table` that is being read: what is stored of the keys of its patient and of the record itself, as
/// one value that [`Custody::read`] takes apart. NULL when there is nothing.
macro_rules! custody_of {
    ($table:literal, $record:literal) => {
        concat!(
            "(SELECT coalesce(int8send((extract(epoch FROM subject.erased_at) * 1000000)::bigint), ",
            "int4send(subject.key_version) || subject.wrapped || coalesce(record_key.wrapped, '')) ",
            "FROM vcare_keys.subject LEFT JOIN vcare_keys.record_key ",
            "ON record_key.tenant_id = subject.tenant_id AND record_key.record_id = ",
            $table,
            ".",
            $record,
            " WHERE subject.tenant_id = ",
            $table,
            ".tenant_id AND subject.patient_id = ",
            $table,
            ".patient_id)"
        )
    };
}
pub(crate) use custody_of;

/// What is stored of the keys to a record.
#[derive(Debug, Default)]
pub(crate) enum Custody {
    /// Nothing was written about the patient, or nothing in this record.
    #[default]
    NoKey,
    /// The keys.
    Keys(WrappedKeys),
    /// The patient's key was deleted.
    Erased(OffsetDateTime),
}

impl Custody {
    /// Takes apart what a [`custody_of`] subquery answers; `None` when it makes no sense.
    pub(crate) fn read(stored: Option<&[u8]>) -> Option<Self> {
        let Some(stored) = stored else { return Some(Self::NoKey) };
        if let Ok(micros) = stored.try_into() {
            let nanos = i128::from(i64::from_be_bytes(micros)) * 1000;
            return OffsetDateTime::from_unix_timestamp_nanos(nanos).ok().map(Self::Erased);
        }
        let (patient, record) = patient_first(stored)?;
        match record.len() {
            0 => Some(Self::NoKey),
            WRAPPED => Some(Self::Keys(WrappedKeys { patient, record: record.to_vec() })),
            _ => None,
        }
    }

    /// Takes apart what [`KEYS_OF_ANSWER`] answers: the patient's id, and the keys. `None` when there are none.
    pub(crate) fn read_with_patient(stored: Option<&[u8]>) -> Option<(&str, WrappedKeys)> {
        let (patient, rest) = patient_first(stored?)?;
        let (record, id) = rest.split_at_checked(WRAPPED)?;
        Some((std::str::from_utf8(id).ok()?, WrappedKeys { patient, record: record.to_vec() }))
    }
}

fn patient_first(stored: &[u8]) -> Option<(WrappedKey, &[u8])> {
    let (version, keys) = stored.split_first_chunk::<4>()?;
    let (patient, rest) = keys.split_at_checked(WRAPPED)?;
    Some((WrappedKey { version: u32::from_be_bytes(*version), bytes: patient.to_vec() }, rest))
}

/// The keys of the visit that an answer is encrypted with, and behind them the patient's id, as one value that
/// [`Custody::read_with_patient`] takes apart. NULL when a key was deleted.
pub(crate) const KEYS_OF_ANSWER: &str = "
(SELECT int4send(subject.key_version) || subject.wrapped || record_key.wrapped || convert_to(subject.patient_id, 'UTF8')
   FROM vcare_keys.record_key JOIN vcare_keys.subject USING (tenant_id, patient_id)
  WHERE record_key.tenant_id = idempotency_key.tenant_id AND record_key.record_id = idempotency_key.record_id)";

/// The same for a machine's draft.
pub(crate) const KEYS_OF_DRAFT: &str = "
(SELECT int4send(subject.key_version) || subject.wrapped || record_key.wrapped || convert_to(subject.patient_id, 'UTF8')
   FROM vcare_keys.record_key JOIN vcare_keys.subject USING (tenant_id, patient_id)
  WHERE record_key.tenant_id = ai_draft.tenant_id AND record_key.record_id = ai_draft.session_id)";

/// The patient's key, locked so that it is not deleted before the transaction ends, made of `$4` and `$3` where there is none; and
/// the key of record `$6`. No row when another transaction makes the patient's at this moment. `$lock`: `SHARE` to write with the
/// key, `UPDATE` to change what is stored of the patient.
macro_rules! patient_key {
    ($lock:literal) => {
        concat!(
            "WITH there AS (SELECT key_version, wrapped FROM vcare_keys.subject WHERE tenant_id = $1 AND patient_id = $2 FOR ",
            $lock,
            "), made AS (INSERT INTO vcare_keys.subject (tenant_id, patient_id, key_version, wrapped, created_at) ",
            "SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT FROM there) ",
            "ON CONFLICT (tenant_id, patient_id) DO NOTHING RETURNING key_version, wrapped) ",
            "SELECT key_version, wrapped, ",
            "(SELECT wrapped FROM vcare_keys.record_key WHERE tenant_id = $1 AND record_id = $6) AS record ",
            "FROM (SELECT * FROM there UNION ALL SELECT * FROM made) AS patient"
        )
    };
}

const NEW_RECORD_KEY: &str = "
INSERT INTO vcare_keys.record_key (tenant_id, record_id, patient_id, wrapped, created_at) VALUES ($1, $2, $3, $4, $5)";

#[derive(QueryableByName)]
struct KeysRow {
    #[diesel(sql_type = Nullable<Integer>)]
    key_version: Option<i32>,
    #[diesel(sql_type = Nullable<Binary>)]
    wrapped: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    record: Option<Vec<u8>>,
}

/// The patient's key, made when there is none, and the record's. Of two transactions that make the first, the second waits for
/// the first, and then finds what that made.
async fn find_keys(
    mut pg: &AsyncPgConnection,
    keys: &dyn RecordKeys,
    record: RecordId<'_>,
    at: OffsetDateTime,
    statement: &str,
) -> Result<(WrappedKey, Option<Vec<u8>>), StoreError> {
    let drawn = keys.new_patient_key(record.tenant, record.patient).await?;
    let version = i32::try_from(drawn.version).map_err(|_| corrupt("key_version"))?;
    for _ in 0..2 {
        let rows: Vec<KeysRow> = diesel::sql_query(statement)
            .bind::<Text, _>(record.tenant.as_str())
            .bind::<Text, _>(record.patient.as_str())
            .bind::<Integer, _>(version)
            .bind::<Binary, _>(&drawn.bytes)
            .bind::<Timestamptz, _>(at)
            .bind::<SqlUuid, _>(record.record)
            .load(&mut pg)
            .await
            .map_err(store_error)?;
        let Some(KeysRow { key_version, wrapped, record }) = rows.into_iter().next() else { continue };
        let (Some(version), Some(bytes)) = (key_version, wrapped) else { return Err(StoreError::SubjectErased) };
        return Ok((
            WrappedKey { version: u32::try_from(version).map_err(|_| corrupt("key_version"))?, bytes },
            record,
        ));
    }
    Err(StoreError::Conflict)
}

/// Locks what is stored of a patient until the transaction ends; it is made where there is nothing.
pub(crate) async fn lock_subject(tx: &mut PgUnitOfWork, patient: &PatientId) -> Result<(), StoreError> {
    let at = tx.now();
    let (pg, tenant, keys) = tx.decrypting();
    let nothing = RecordId { tenant, patient, record: Uuid::nil() };
    match find_keys(pg, keys, nothing, at, patient_key!("UPDATE")).await {
        Ok(_) | Err(StoreError::SubjectErased) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A record's key: the one that it has, or a new one that is not stored yet. The patient's key is locked until the transaction
/// ends.
pub(crate) struct KeyOfRecord {
    pub(crate) cipher: Arc<dyn RecordCipher>,
    /// The wrapped key that is to be stored.
    new: Option<Vec<u8>>,
}

impl KeyOfRecord {
    pub(crate) async fn find_or_draw(
        pg: &AsyncPgConnection,
        keys: &dyn RecordKeys,
        record: RecordId<'_>,
        at: OffsetDateTime,
    ) -> Result<Self, StoreError> {
        let (patient, stored) = find_keys(pg, keys, record, at, patient_key!("SHARE")).await?;
        if let Some(stored) = stored {
            let cipher = keys.record_cipher(record, &WrappedKeys { patient, record: stored }).await?;
            return Ok(Self { cipher, new: None });
        }
        let (wrapped, cipher) = keys.new_record_key(record, &patient).await?;
        Ok(Self { cipher, new: Some(wrapped) })
    }

    /// Stores the key if it is new.
    pub(crate) async fn store(
        self,
        mut pg: &AsyncPgConnection,
        record: RecordId<'_>,
        at: OffsetDateTime,
    ) -> Result<Arc<dyn RecordCipher>, StoreError> {
        if let Some(wrapped) = self.new {
            diesel::sql_query(NEW_RECORD_KEY)
                .bind::<Text, _>(record.tenant.as_str())
                .bind::<SqlUuid, _>(record.record)
                .bind::<Text, _>(record.patient.as_str())
                .bind::<Binary, _>(&wrapped)
                .bind::<Timestamptz, _>(at)
                .execute(&mut pg)
                .await
                .map_err(store_error)?;
        }
        Ok(self.cipher)
    }
}

/// A record has a key, which cannot be had at this moment.
#[derive(Debug, thiserror::Error)]
#[error("what is written in the record cannot be decrypted, and must not be lost")]
struct KeyMissing;

pub(crate) fn key_missing() -> StoreError {
    StoreError::Keys(SecretsError(Box::new(KeyMissing)))
}

fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt { table: "vcare_keys.subject", column }
}

const CUSTODY_NOW: &str = "
SELECT int4send(subject.key_version) || subject.wrapped || record_key.wrapped AS custody
  FROM vcare_keys.record_key JOIN vcare_keys.subject USING (tenant_id, patient_id)
 WHERE record_key.tenant_id = $1 AND record_key.record_id = $2";

#[derive(QueryableByName)]
struct CustodyRow {
    #[diesel(sql_type = Nullable<Binary>)]
    custody: Option<Vec<u8>>,
}

/// The keys of a record as [`custody_of`] answers them, read in a statement of its own. Who waited for a row's lock has the row as
/// it is now, and its keys as they were before.
pub(crate) async fn custody_now(
    mut pg: &AsyncPgConnection,
    tenant: &str,
    record: Uuid,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row: Option<CustodyRow> = diesel::sql_query(CUSTODY_NOW)
        .bind::<Text, _>(tenant)
        .bind::<SqlUuid, _>(record)
        .get_result(&mut pg)
        .await
        .optional()
        .map_err(store_error)?;
    Ok(row.and_then(|row| row.custody))
}

/// What encrypts for a session: with its key, or with a new one when it has none. The row is locked, so that two do not make one.
pub(crate) async fn session_cipher(
    mut pg: &AsyncPgConnection,
    keys: &dyn RecordKeys,
    tenant: &TenantId,
    session: SessionId,
    at: OffsetDateTime,
) -> Result<Arc<dyn RecordCipher>, StoreError> {
    let (patient, erased): (String, Option<OffsetDateTime>) = virtual_session::table
        .find((tenant.as_str(), session.as_uuid()))
        .select((virtual_session::patient_id, virtual_session::erased_at))
        .for_no_key_update()
        .first(&mut pg)
        .await
        .map_err(store_error)?;
    if erased.is_some() {
        return Err(StoreError::SubjectErased);
    }
    let patient = PatientId::parse(patient).map_err(|_| corrupt("patient_id"))?;
    let record = RecordId { tenant, patient: &patient, record: *session.as_uuid() };
    KeyOfRecord::find_or_draw(pg, keys, record, at).await?.store(pg, record, at).await
}

/// What is stored of an upload's keys.
pub(crate) async fn custody_of_upload(
    pg: &mut AsyncPgConnection,
    tenant: &TenantId,
    upload: UploadId,
) -> Result<Custody, StoreError> {
    let custody: Option<Vec<u8>> = async_upload::table
        .find((tenant.as_str(), upload.as_uuid()))
        .select(sql::<Nullable<Binary>>(custody_of!("async_upload", "id")))
        .first(pg)
        .await
        .optional()
        .map_err(store_error)?
        .flatten();
    Custody::read(custody.as_deref()).ok_or(corrupt("wrapped"))
}

/// The ciphers of the records that a transaction works with.
#[derive(Default)]
pub(crate) struct RecordCiphers {
    known: HashMap<Uuid, Arc<dyn RecordCipher>>,
    /// Records that have a key, which cannot be had at this moment.
    missing: HashSet<Uuid>,
}

impl RecordCiphers {
    pub(crate) fn contains(&self, record: Uuid) -> bool {
        self.known.contains_key(&record)
    }

    pub(crate) fn keep(&mut self, record: Uuid, cipher: Arc<dyn RecordCipher>) {
        self.known.insert(record, cipher);
    }

    /// Notes that a record's key cannot be had.
    pub(crate) fn miss(&mut self, record: Uuid) {
        self.missing.insert(record);
    }

    pub(crate) fn is_missing(&self, record: Uuid) -> bool {
        self.missing.contains(&record)
    }

    pub(crate) fn get(&self, record: Uuid) -> Option<&dyn RecordCipher> {
        self.known.get(&record).map(|cipher| &**cipher)
    }
}
