//! What was transcribed of a visit is on record, in totals: how many pieces, how long, by which model, on which consent.
//!
//! A visit may be sent in dozens of pieces, so there is no audit entry for each. The first piece that relies on a consent writes
//! one, by whoever had it transcribed, and every piece is added to the totals, in one transaction before its transcript is shown:
//! what cannot be recorded is not shown, as with everything that is read. When the visit is over a worker writes one more with the
//! totals. It looks for visits that are over, whatever ended them and whichever version of the service did: no way to end a visit
//! has to know of this. A piece that was under way when the visit ended makes the totals grow, and so is followed by another
//! entry, with the new totals.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use tracing::field::Empty;
use vcare_domain::{SessionId, TenantId};

use crate::actor::{ActorRef, Caller, Scope};
use crate::app::App;
use crate::consents::ReliedOnConsent;
use crate::error::AppError;
use crate::events::{AuditAction, AuditEntry, AuditOutcome};
use crate::ports::{Transcribed, TranscribedPiece, TranscriptionTotals};
use crate::spans::begin_trace;
use crate::transaction::{close, run_again_after_lost_races};

/// The transactions' names in metrics.
const NOTE: &str = "note_transcription";
const REPORT: &str = "report_transcriptions";

/// For what a visit is transcribed, as a fixed word: there is nothing else that it is done for.
const PURPOSE: &str = "clinical_documentation";

impl App {
    /// Records that a piece was transcribed, on those consents.
    pub(super) async fn note_transcription(
        &self,
        caller: &Caller,
        session: SessionId,
        consents: &[ReliedOnConsent],
        heard: &Transcribed,
    ) -> Result<(), AppError> {
        let at = self.clock.now();
        let piece = TranscribedPiece { model: heard.model.as_ref(), length: heard.length, at };
        let mut tx = self.store.begin(NOTE, &caller.scope()).await?;
        let done = async {
            let totals = tx.transcriptions().add(session, consents, piece).await?;
            for first in totals.iter().filter(|totals| totals.transcriptions == 1) {
                tx.audit(AuditEntry::ai_transcription(session, first, false, at)).await?;
            }
            Ok(())
        }
        .await;
        close(tx, done).await
    }

    /// Writes an audit entry with the totals of up to `limit` visits that are over; answers of how many. Several workers may do so
    /// side by side: the same totals are reported once.
    ///
    /// # Errors
    /// [`AppError::Store`].
    pub async fn report_transcriptions(&self, limit: u16) -> Result<u32, AppError> {
        let mut reported = 0;
        for (tenant, session) in self.jobs.unreported_transcriptions(limit).await? {
            match self.report_transcriptions_of(&tenant, session).await {
                Ok(true) => reported += 1,
                // Somebody else was faster.
                Ok(false) => {}
                // One that cannot be reported must not keep the others.
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    tenant_id = %tenant,
                    session_id = %session,
                    "the transcriptions of a visit could not be reported"
                ),
            }
        }
        Ok(reported)
    }

    #[tracing::instrument(skip_all, fields(tenant_id = %tenant, session_id = %session, trace.own = Empty))]
    async fn report_transcriptions_of(&self, tenant: &TenantId, session: SessionId) -> Result<bool, AppError> {
        let trace = begin_trace(&*self.ids);
        let scope = Scope { tenant_id: tenant.clone(), actor: ActorRef::System("ai"), trace };
        run_again_after_lost_races(REPORT, || async {
            let mut tx = self.store.begin(REPORT, &scope).await?;
            let done = async {
                let totals = tx.transcriptions().take_unreported(session).await?;
                for of_consent in &totals {
                    tx.audit(AuditEntry::ai_transcription(session, of_consent, true, self.clock.now())).await?;
                }
                Ok(!totals.is_empty())
            }
            .await;
            close(tx, done).await
        })
        .await
    }
}

impl AuditEntry {
    /// A visit was transcribed on a consent: `AI_TRANSCRIPTION`. `whole`: the visit is over, and these are its totals; else this was
    /// the first piece.
    #[must_use]
    pub fn ai_transcription(session: SessionId, totals: &TranscriptionTotals, whole: bool, at: OffsetDateTime) -> Self {
        let TranscriptionTotals { holder, consent_id, consent_version, model, transcriptions, untimed, audio } = totals;
        let known = [
            ("consentId", consent_id.as_ref().map(|id| id.as_str().to_owned())),
            ("consentVersion", consent_version.as_ref().map(|version| version.as_str().to_owned())),
            ("model", model.as_ref().map(|model| word(model.as_str()))),
            ("untimed", (*untimed > 0).then(|| untimed.to_string())),
        ];
        let mut metadata = BTreeMap::from([
            ("purpose", PURPOSE.to_owned()),
            ("holder", holder.clone()),
            ("transcriptions", transcriptions.to_string()),
            ("audioSeconds", ((audio.whole_milliseconds() + 500) / 1000).to_string()),
            ("visitOver", whole.to_string()),
        ]);
        metadata.extend(known.into_iter().filter_map(|(name, value)| Some((name, value?))));
        Self {
            event_type: "AI_TRANSCRIPTION",
            resource_type: "VirtualSession",
            resource_id: session.to_string(),
            action: if whole { AuditAction::Update } else { AuditAction::Create },
            outcome: AuditOutcome::Success,
            metadata,
            shown: Vec::new(),
            at,
        }
    }
}

/// A model's name as audit entries may hold it: what else it has becomes `_`.
fn word(name: &str) -> String {
    let fits = |sign: char| sign.is_ascii_alphanumeric() || "_.:-".contains(sign);
    name.chars().map(|sign| if fits(sign) { sign } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use uuid::Uuid;
    use vcare_domain::AiModel;

    use super::*;

    #[test]
    fn an_entry_rounds_to_seconds_and_spells_a_models_name_in_signs_that_entries_may_hold() {
        let totals = TranscriptionTotals {
            holder: "patient".to_owned(),
            consent_id: None,
            consent_version: None,
            model: Some(AiModel::parse("org/whisper@v3+fa").unwrap()),
            transcriptions: 3,
            untimed: 1,
            audio: Duration::milliseconds(2500),
        };
        let session = SessionId::from_uuid(Uuid::from_u128(7));
        let entry = AuditEntry::ai_transcription(session, &totals, true, OffsetDateTime::UNIX_EPOCH);
        let of = |name| entry.metadata.get(name).map(String::as_str);
        assert_eq!(of("model"), Some("org_whisper_v3_fa"));
        assert_eq!((of("audioSeconds"), of("untimed"), of("consentVersion")), (Some("3"), Some("1"), None));
    }
}
