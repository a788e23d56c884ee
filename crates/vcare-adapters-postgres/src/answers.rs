//! The answers that were given under idempotency keys.

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper,
};
use diesel::sql_types::{Binary, Nullable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::{Answers, KeptAnswer, RecordId, RecordKeys, StoreError};
use vcare_app::{ActorRef, Answer, IdempotencyKey};
use vcare_domain::{PatientId, SessionId, TenantId};

use crate::errors::store_error;
use crate::record_keys::{Custody, KEYS_OF_ANSWER};
use crate::schema::idempotency_key;
use crate::unit_of_work::PgUnitOfWork;

/// The value's name, which it is encrypted as.
const BODY: &str = "idempotency_key.body";

/// A kept answer as stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = idempotency_key, check_for_backend(diesel::pg::Pg))]
pub(crate) struct AnswerRow {
    tenant_id: String,
    fingerprint: Vec<u8>,
    status: i16,
    body: Vec<u8>,
    record_id: Option<Uuid>,
    #[diesel(select_expression = sql::<Nullable<Binary>>(KEYS_OF_ANSWER))]
    #[diesel(select_expression_type = SqlLiteral<Nullable<Binary>>)]
    keys: Option<Vec<u8>>,
}

fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt { table: "idempotency_key", column }
}

impl AnswerRow {
    async fn restore(self, keys: &dyn RecordKeys) -> Result<KeptAnswer, StoreError> {
        let body = match self.record_id {
            None => self.body,
            Some(record) => {
                let (patient, wrapped) =
                    Custody::read_with_patient(self.keys.as_deref()).ok_or(StoreError::SubjectErased)?;
                let tenant = TenantId::parse(self.tenant_id).map_err(|_| corrupt("tenant_id"))?;
                let patient = PatientId::parse(patient).map_err(|_| corrupt("record_id"))?;
                let id = RecordId { tenant: &tenant, patient: &patient, record };
                keys.record_cipher(id, &wrapped).await?.open(BODY, &self.body)?.expose().to_vec()
            }
        };
        let fingerprint = self.fingerprint.try_into().map_err(|_| corrupt("fingerprint"))?;
        let status = u16::try_from(self.status).map_err(|_| corrupt("status"))?;
        Ok((fingerprint, Answer { status, body }))
    }
}

/// The answer of a row that may be there.
pub(crate) async fn restore(row: Option<AnswerRow>, keys: &dyn RecordKeys) -> Result<Option<KeptAnswer>, StoreError> {
    match row {
        Some(row) => row.restore(keys).await.map(Some),
        None => Ok(None),
    }
}

/// The row that is kept under a key.
#[diesel::dsl::auto_type(no_type_alias)]
pub(crate) fn kept_under<'k>(tenant: &'k TenantId, actor: &'k ActorRef, key: &'k IdempotencyKey) -> _ {
    let tenant_id: &'k str = tenant.as_str();
    let actor_id: String = actor.id();
    let hash: Vec<u8> = key.hash(tenant, actor).to_vec();
    idempotency_key::tenant_id
        .eq(tenant_id)
        .and(idempotency_key::actor.eq(actor_id))
        .and(idempotency_key::key_hash.eq(hash))
}

/// What was answered under a key.
pub(crate) async fn kept(
    pg: &mut AsyncPgConnection,
    keys: &dyn RecordKeys,
    tenant: &TenantId,
    actor: &ActorRef,
    key: &IdempotencyKey,
) -> Result<Option<KeptAnswer>, StoreError> {
    let row: Option<AnswerRow> = idempotency_key::table
        .filter(kept_under(tenant, actor, key))
        .select(AnswerRow::as_select())
        .first(pg)
        .await
        .optional()
        .map_err(store_error)?;
    restore(row, keys).await
}

pub(crate) struct PgAnswers<'t>(pub(crate) &'t mut PgUnitOfWork);

#[async_trait]
impl Answers for PgAnswers<'_> {
    async fn find(&mut self, key: &IdempotencyKey) -> Result<Option<KeptAnswer>, StoreError> {
        let actor = self.0.scope().actor.clone();
        let (pg, tenant, keys) = self.0.decrypting();
        kept(pg, keys, tenant, &actor, key).await
    }

    async fn keep(
        &mut self,
        key: &IdempotencyKey,
        fingerprint: [u8; 32],
        answer: &Answer,
        visit: SessionId,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let sealed = self.0.known_cipher(*visit.as_uuid()).map(|cipher| cipher.seal(BODY, &answer.body)).transpose()?;
        let actor = self.0.scope().actor.clone();
        let (pg, tenant) = self.0.parts();
        let hash = key.hash(tenant, &actor);
        diesel::insert_into(idempotency_key::table)
            .values((
                idempotency_key::tenant_id.eq(tenant.as_str()),
                idempotency_key::actor.eq(actor.id()),
                // The table's key since before there was the hash, in the words of the version before.
                idempotency_key::key.eq(hash.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))),
                idempotency_key::key_hash.eq(Some(hash.to_vec())),
                idempotency_key::fingerprint.eq(fingerprint.as_slice()),
                idempotency_key::status.eq(i16::try_from(answer.status).unwrap_or(i16::MAX)),
                idempotency_key::record_id.eq(sealed.is_some().then_some(*visit.as_uuid())),
                idempotency_key::body.eq(sealed.as_ref().unwrap_or(&answer.body)),
                idempotency_key::created_at.eq(at),
            ))
            .execute(pg)
            .await
            .map_err(store_error)?;
        Ok(())
    }
}
