//! A clinician has a visit summed up.

use time::OffsetDateTime;
use vcare_domain::{
    AiDraft, AiDraftId, AiModel, Author, DraftEvent, KeyedHash, NewDraft, Relation, SealedText, SessionId, SummaryText,
    Transcript,
};

use crate::access::Audited;
use crate::actor::Caller;
use crate::ai::AiTask::Summary as Task;
use crate::ai::{counted, keyed_hash};
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::{AppError, Resource};
use crate::idempotency::{Answer, Wish};
use crate::ports::UnitOfWork;
use crate::transaction::{close, recall, run_again_after_lost_races};

/// A draft, as its clinician is shown it.
#[derive(Debug)]
pub struct SummaryDraft {
    /// The draft.
    pub id: AiDraftId,
    /// What the machine wrote.
    pub text: SummaryText,
    /// Which machine.
    pub model: AiModel,
    /// When it stops waiting for a decision.
    pub expires_at: OffsetDateTime,
    /// Whether it was drafted before, under the same key.
    pub replayed: bool,
}

/// What is drafted, before it is a draft.
struct Drafted {
    id: AiDraftId,
    model: AiModel,
    text: SealedText,
    draft_hash: KeyedHash,
    transcript_hash: KeyedHash,
}

impl App {
    /// Has a transcript summed up, and keeps the draft, sealed, for a decision. It is in no chart. The same wish again gets
    /// the same draft, as long as that waits.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Refused`], [`AppError::Blocked`],
    /// [`AppError::TooManyAtOnce`], [`AppError::AiUnavailable`], [`AppError::AiRefused`], [`AppError::Draft`] for a wish
    /// whose draft was decided on, [`AppError::IdempotencyKeyReused`], [`AppError::Secrets`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn summarise(
        &self,
        caller: &Caller,
        id: SessionId,
        transcript: Transcript,
        wish: Option<Wish>,
    ) -> Result<SummaryDraft, AppError> {
        let work = async {
            let (session, _) = self.session_for(caller, id, Permission::AiSummary).await?;
            let author = session.documented_by(&caller.user_id)?;
            if let Some(wish) = &wish
                && let Some(answer) = self.answered_before(caller, wish).await?
            {
                return self.drafted_before(caller, &answer).await;
            }
            let ai = self.ai(Task)?;
            self.pass_ai_gate(caller, &session, &author, Permission::AiSummary).await?;
            let _seat = self.ai_seats.take(id)?;
            self.ai_permit(ai, Task)?;
            let draft_id = AiDraftId::from_uuid(self.ids.uuid());
            let answer = ai.gateway.summarise(&caller.tenant_id, draft_id, &transcript, &caller.trace).await;
            let summary = self.ai_answered(ai, Task, answer)?;
            let cipher = self.store.session_cipher(&caller.tenant_id, id).await?;
            let drafted = Drafted {
                id: draft_id,
                text: self.texts.seal_text(&caller.tenant_id, draft_id, &summary.text).await?,
                model: summary.model.clone(),
                draft_hash: keyed_hash(&*cipher, summary.text.as_str()),
                transcript_hash: keyed_hash(&*cipher, transcript.as_str()),
            };
            match self.keep_draft(caller, &author, &drafted, wish.as_ref()).await? {
                Kept::Now(expires_at) => {
                    counted(DraftEvent::Drafted);
                    Ok(SummaryDraft {
                        id: draft_id,
                        text: summary.text,
                        model: summary.model,
                        expires_at,
                        replayed: false,
                    })
                }
                Kept::Before(answer) => self.drafted_before(caller, &answer).await,
            }
        };
        self.guarded(caller, Permission::AiSummary, Audited::session(id), work).await
    }

    async fn answered_before(&self, caller: &Caller, wish: &Wish) -> Result<Option<Answer>, AppError> {
        let kept = self.store.answer(&caller.tenant_id, &caller.scope().actor, &wish.key).await?;
        recall(kept, wish)
    }

    async fn keep_draft(
        &self,
        caller: &Caller,
        author: &Author,
        drafted: &Drafted,
        wish: Option<&Wish>,
    ) -> Result<Kept, AppError> {
        const NAME: &str = "keep_ai_draft";
        let scope = caller.scope();
        run_again_after_lost_races(NAME, || async {
            let mut tx = self.store.begin(NAME, &scope).await?;
            let done = self.keep_draft_in(&mut *tx, caller, author, drafted, wish).await;
            close(tx, done).await
        })
        .await
    }

    async fn keep_draft_in(
        &self,
        tx: &mut dyn UnitOfWork,
        caller: &Caller,
        author: &Author,
        drafted: &Drafted,
        wish: Option<&Wish>,
    ) -> Result<Kept, AppError> {
        // Of two requests under one key, the second reads the key after the first committed.
        let session = tx.sessions().find(author.session()).await?.ok_or(AppError::NotFound(Resource::Session))?;
        let author = session.documented_by(author.user())?;
        if let Some(wish) = wish
            && let Some(answer) = recall(tx.answers().find(&wish.key).await?, wish)?
        {
            return Ok(Kept::Before(answer));
        }
        let now = self.clock.now();
        let new = NewDraft {
            id: drafted.id,
            tenant_id: caller.tenant_id.clone(),
            model: drafted.model.clone(),
            transcript_hash: drafted.transcript_hash,
            draft_hash: drafted.draft_hash,
            text: drafted.text.clone(),
            expires_at: now + self.settings.draft_lifetime,
        };
        let mut draft = AiDraft::create(new, &author, now);
        tx.ai_drafts().save(&mut draft).await?;
        if let Some(wish) = wish {
            // How to answer again, and not the answer: that is the patient's.
            let answer = Answer { status: 201, body: drafted.id.to_string().into_bytes() };
            tx.answers().keep(&wish.key, wish.fingerprint, &answer, author.session(), now).await?;
        }
        Ok(Kept::Now(draft.parts().expires_at))
    }

    async fn drafted_before(&self, caller: &Caller, answer: &Answer) -> Result<SummaryDraft, AppError> {
        let id = std::str::from_utf8(&answer.body).ok().and_then(|id| id.parse().ok());
        let found = match id {
            Some(id) => self.store.ai_draft(&caller.tenant_id, id).await?,
            None => None,
        };
        let draft = found.ok_or(AppError::NotFound(Resource::Draft))?;
        let about = Audited { kind: "AiDraft", id: draft.parts().id.to_string() };
        self.audit_read(caller, &about, Some(Relation::Treating), Vec::new()).await?;
        let (parts, sealed) = (draft.parts(), draft.waiting(self.clock.now())?);
        let text = self.texts.open_text(&caller.tenant_id, parts.id, sealed).await?;
        let (model, expires_at) = (parts.model.clone(), parts.expires_at);
        Ok(SummaryDraft { id: parts.id, text, model, expires_at, replayed: true })
    }
}

enum Kept {
    /// With when it expires.
    Now(OffsetDateTime),
    /// By somebody else, under the same key.
    Before(Answer),
}
