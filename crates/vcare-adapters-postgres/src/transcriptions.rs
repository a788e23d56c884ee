//! How much was transcribed, in totals.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use time::Duration;
use vcare_app::ReliedOnConsent;
use vcare_app::ports::{StoreError, TranscribedPiece, TranscriptionTotals, Transcriptions, VisitId};
use vcare_domain::{AiModel, ConsentId, ConsentVersion, SessionId};

use crate::errors::store_error;
use crate::unit_of_work::PgUnitOfWork;

/// Rows are locked in the order of their evidence, here and below: of two transactions neither waits for one while it holds
/// another that comes after.
const ADD: &str = "
WITH relied_on AS (
    SELECT evidence.id, evidence.holder_kind, evidence.consent_id, evidence.consent_version
      FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
           AS consent (gate, holder_kind, holder_id, id, version)
      JOIN consent_evidence AS evidence
        ON evidence.tenant_id = $1 AND evidence.visit = $8 AND evidence.gate = consent.gate
       AND evidence.holder_kind = consent.holder_kind AND evidence.holder_id = consent.holder_id
       AND evidence.consent_id IS NOT DISTINCT FROM consent.id
       AND evidence.consent_version IS NOT DISTINCT FROM consent.version
), added AS (
    INSERT INTO ai_transcription AS total (tenant_id, session_id, evidence, model, transcriptions, untimed, audio_ms, first_at,
                                           last_at)
    SELECT $1, $2, id, $9, 1, $10, $11, $12, $12 FROM relied_on ORDER BY id
    ON CONFLICT (tenant_id, session_id, evidence, model) DO UPDATE
       SET transcriptions = total.transcriptions + 1, untimed = total.untimed + excluded.untimed,
           audio_ms = total.audio_ms + excluded.audio_ms, last_at = greatest(total.last_at, excluded.last_at)
    RETURNING evidence, model, transcriptions, untimed, audio_ms
)
SELECT relied_on.holder_kind, relied_on.consent_id, relied_on.consent_version, added.model, added.transcriptions,
       added.untimed, added.audio_ms
  FROM added JOIN relied_on ON relied_on.id = added.evidence ORDER BY added.evidence";

const TAKE_UNREPORTED: &str = "
WITH owed AS (
    SELECT evidence, model FROM ai_transcription
     WHERE tenant_id = $1 AND session_id = $2 AND transcriptions > reported
     ORDER BY evidence, model FOR UPDATE
), taken AS (
    UPDATE ai_transcription AS total SET reported = total.transcriptions FROM owed
     WHERE total.tenant_id = $1 AND total.session_id = $2 AND total.evidence = owed.evidence AND total.model = owed.model
    RETURNING total.evidence, total.model, total.transcriptions, total.untimed, total.audio_ms
)
SELECT evidence.holder_kind, evidence.consent_id, evidence.consent_version, taken.model, taken.transcriptions, taken.untimed,
       taken.audio_ms
  FROM taken JOIN consent_evidence AS evidence ON evidence.tenant_id = $1 AND evidence.id = taken.evidence
 ORDER BY taken.evidence, taken.model";

#[derive(QueryableByName)]
struct TotalsRow {
    #[diesel(sql_type = Text)]
    holder_kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    consent_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    consent_version: Option<String>,
    #[diesel(sql_type = Text)]
    model: String,
    #[diesel(sql_type = Integer)]
    transcriptions: i32,
    #[diesel(sql_type = Integer)]
    untimed: i32,
    #[diesel(sql_type = BigInt)]
    audio_ms: i64,
}

impl TotalsRow {
    fn restore(self) -> Result<TranscriptionTotals, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "ai_transcription", column };
        let count = |count: i32, column| u32::try_from(count).map_err(|_| corrupt(column));
        let model = Some(self.model).filter(|model| !model.is_empty());
        Ok(TranscriptionTotals {
            holder: self.holder_kind,
            consent_id: self.consent_id.map(ConsentId::parse).transpose().map_err(|_| corrupt("evidence"))?,
            consent_version: self
                .consent_version
                .map(ConsentVersion::parse)
                .transpose()
                .map_err(|_| corrupt("evidence"))?,
            model: model.map(AiModel::parse).transpose().map_err(|_| corrupt("model"))?,
            transcriptions: count(self.transcriptions, "transcriptions")?,
            untimed: count(self.untimed, "untimed")?,
            audio: Duration::milliseconds(self.audio_ms),
        })
    }
}

pub(crate) struct PgTranscriptions<'t>(pub(crate) &'t mut PgUnitOfWork);

#[async_trait]
impl Transcriptions for PgTranscriptions<'_> {
    async fn add(
        &mut self,
        session: SessionId,
        consents: &[ReliedOnConsent],
        piece: TranscribedPiece<'_>,
    ) -> Result<Vec<TranscriptionTotals>, StoreError> {
        let (pg, tenant) = self.0.parts();
        let all = |of: fn(&ReliedOnConsent) -> &str| consents.iter().map(of).collect::<Vec<_>>();
        let some = |of: fn(&ReliedOnConsent) -> Option<&str>| consents.iter().map(of).collect::<Vec<_>>();
        let audio_ms = piece.length.map_or(0, Duration::whole_milliseconds);
        let rows: Vec<TotalsRow> = diesel::sql_query(ADD)
            .bind::<Text, _>(tenant.as_str())
            .bind::<SqlUuid, _>(session.as_uuid())
            .bind::<Array<Text>, _>(all(|consent| consent.gate.as_str()))
            .bind::<Array<Text>, _>(all(|consent| consent.holder.kind()))
            .bind::<Array<Text>, _>(all(|consent| consent.holder.id()))
            .bind::<Array<Nullable<Text>>, _>(some(|consent| consent.record.id.as_ref().map(ConsentId::as_str)))
            .bind::<Array<Nullable<Text>>, _>(some(|consent| {
                consent.record.version.as_ref().map(ConsentVersion::as_str)
            }))
            .bind::<Text, _>(VisitId::Live(session).to_string())
            .bind::<Text, _>(piece.model.map_or("", AiModel::as_str))
            .bind::<Integer, _>(i32::from(piece.length.is_none()))
            .bind::<BigInt, _>(i64::try_from(audio_ms).unwrap_or(0))
            .bind::<Timestamptz, _>(piece.at)
            .load(pg)
            .await
            .map_err(store_error)?;
        // What was relied on was kept before anything was sent.
        if rows.len() != consents.len() {
            return Err(StoreError::Corrupt { table: "consent_evidence", column: "id" });
        }
        rows.into_iter().map(TotalsRow::restore).collect()
    }

    async fn take_unreported(&mut self, session: SessionId) -> Result<Vec<TranscriptionTotals>, StoreError> {
        let (pg, tenant) = self.0.parts();
        let rows: Vec<TotalsRow> = diesel::sql_query(TAKE_UNREPORTED)
            .bind::<Text, _>(tenant.as_str())
            .bind::<SqlUuid, _>(session.as_uuid())
            .load(pg)
            .await
            .map_err(store_error)?;
        rows.into_iter().map(TotalsRow::restore).collect()
    }
}
