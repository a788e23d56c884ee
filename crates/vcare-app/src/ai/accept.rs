//! A clinician decides on a draft: the one way from a machine into a chart.

use vcare_domain::{
    AiDraft, AiDraftId, DraftEvent, DraftStatus, EditedSummary, SessionId, SummaryText, VirtualSession,
};

use crate::access::Audited;
use crate::actor::Caller;
use crate::ai::{counted, keyed_hash};
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::{AppError, Resource};
use crate::idempotency::{Answer, Wish};
use crate::ports::UnitOfWork;
use crate::transaction::{close, recall, run_again_after_lost_races};

use super::deliver::PushJob;

/// The transaction's name in metrics.
const DECIDE: &str = "accept_summary";

/// What a clinician decides.
#[derive(Debug)]
pub struct SummaryDecision {
    /// On which draft; `None`: on the only one that nobody has decided on.
    pub draft: Option<AiDraftId>,
    /// Whether it goes into the chart.
    pub accepted: bool,
    /// What the clinician made of it, where it goes into the chart otherwise than it was drafted.
    pub edited: Option<SummaryText>,
}

/// A draft that was decided on, now or under the same key before.
#[derive(Debug)]
pub struct DecidedSummary {
    /// The draft.
    pub draft: AiDraft,
    /// Whether it was decided on before, under the same key.
    pub replayed: bool,
}

impl App {
    /// Decides on a draft. What is accepted is owed to the chart from the same transaction on; then it is tried at once, and
    /// left to the worker if that does not succeed in time. What is declined is gone.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Refused`], [`AppError::Draft`],
    /// [`AppError::DraftNotNamed`] when no draft is named and not exactly one is undecided,
    /// [`AppError::IdempotencyKeyReused`], [`AppError::Secrets`] when an edited text cannot be sealed, [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id, draft_id = tracing::field::Empty))]
    pub async fn accept_summary(
        &self,
        caller: &Caller,
        id: SessionId,
        decision: SummaryDecision,
        wish: Option<Wish>,
    ) -> Result<DecidedSummary, AppError> {
        let work = async {
            let SummaryDecision { draft, accepted, edited } = decision;
            let (session, _) = self.session_for(caller, id, Permission::AiAcceptSummary).await?;
            let draft = match draft {
                Some(draft) => draft,
                None => self.draft_meant(caller, &session, wish.as_ref()).await?,
            };
            tracing::Span::current().record("draft_id", tracing::field::display(draft));
            let edited = match edited {
                Some(text) => {
                    // Before the key: a caller who may not decide gets the same answer with and without one.
                    session.documented_by(&caller.user_id)?;
                    let cipher = self.store.session_cipher(&caller.tenant_id, id).await?;
                    let hash = keyed_hash(&*cipher, text.as_str());
                    Some(EditedSummary { text: self.texts.seal_text(&caller.tenant_id, draft, &text).await?, hash })
                }
                None => None,
            };
            let scope = caller.scope();
            let decided = run_again_after_lost_races(DECIDE, || async {
                let mut tx = self.store.begin(DECIDE, &scope).await?;
                let decide = Decide { session: id, draft, accepted, edited: edited.as_ref(), wish: wish.as_ref() };
                let lease = tx.first_lease();
                let done = self.decide_in(&mut *tx, caller, decide).await;
                close(tx, done.map(|done| (done, lease))).await
            })
            .await?;
            let ((decided, now), lease) = decided;
            if now {
                counted(if accepted { DraftEvent::Accepted } else { DraftEvent::Declined });
            }
            if !now || decided.status() != DraftStatus::Accepted {
                return Ok(DecidedSummary { draft: decided, replayed: !now });
            }
            let (tenant_id, trace) = (caller.tenant_id.clone(), caller.trace.clone());
            self.push_at_once(PushJob { tenant_id, session_id: id, lease, trace, attempts: 1 }).await;
            let after = self.store.ai_draft(&caller.tenant_id, draft).await;
            Ok(DecidedSummary { draft: after.ok().flatten().unwrap_or(decided), replayed: false })
        };
        self.guarded(caller, Permission::AiAcceptSummary, Audited::session(id), work).await
    }

    /// The draft that a decision is about which names none: the only one that waits for a decision. The same wish again is
    /// about the draft that it was about.
    async fn draft_meant(
        &self,
        caller: &Caller,
        session: &VirtualSession,
        wish: Option<&Wish>,
    ) -> Result<AiDraftId, AppError> {
        session.documented_by(&caller.user_id)?;
        let scope = caller.scope();
        if let Some(wish) = wish {
            let kept = self.store.answer(&scope.tenant_id, &scope.actor, &wish.key).await?;
            let before = recall(kept, wish)?.and_then(|answer| String::from_utf8(answer.body).ok()?.parse().ok());
            if let Some(draft) = before {
                return Ok(draft);
            }
        }
        let id = session.parts().id;
        let waiting = self.store.undecided_drafts(&scope.tenant_id, id, self.clock.now()).await?;
        match waiting.as_slice() {
            [only] => Ok(*only),
            several => Err(AppError::DraftNotNamed { waiting: several.len() }),
        }
    }

    async fn decide_in(
        &self,
        tx: &mut dyn UnitOfWork,
        caller: &Caller,
        decide: Decide<'_>,
    ) -> Result<(AiDraft, bool), AppError> {
        // The visit's lock comes first, as in all that concerns its drafts.
        let session = tx.sessions().find(decide.session).await?.ok_or(AppError::NotFound(Resource::Session))?;
        let author = session.documented_by(&caller.user_id)?;
        let mut draft = tx.ai_drafts().find(decide.draft).await?.ok_or(AppError::NotFound(Resource::Draft))?;
        if let Some(wish) = decide.wish
            && recall(tx.answers().find(&wish.key).await?, wish)?.is_some()
        {
            return Ok((draft, false));
        }
        let now = self.clock.now();
        if decide.accepted {
            let _ = draft.accept(&author, decide.edited.cloned(), now)?;
        } else {
            let _ = draft.decline(&author, now)?;
        }
        tx.ai_drafts().save(&mut draft).await?;
        if let Some(wish) = decide.wish {
            // The same wish again gets the draft as it is by then.
            let answer = Answer { status: 200, body: decide.draft.to_string().into_bytes() };
            tx.answers().keep(&wish.key, wish.fingerprint, &answer, decide.session, now).await?;
        }
        Ok((draft, true))
    }
}

struct Decide<'a> {
    session: SessionId,
    draft: AiDraftId,
    accepted: bool,
    edited: Option<&'a EditedSummary>,
    wish: Option<&'a Wish>,
}
