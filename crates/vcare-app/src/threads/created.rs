//! The communication-service published that a visit's thread was created.

use async_trait::async_trait;
use vcare_domain::{Outcome, Refusal, VirtualSession};

use crate::actor::{ActorRef, Scope, TraceContext};
use crate::app::App;
use crate::error::AppError;
use crate::ports::{JobKind, MessageOutcome, RefusedMessage, ThreadCreated, ThreadSubscriber, UnitOfWork};
use crate::threads::thread_key;
use crate::transaction::{close, run_again_after_lost_races};

/// The transaction's name in metrics.
const RECORD: &str = "record_created_thread";

#[async_trait]
impl ThreadSubscriber for App {
    /// Records the thread, unless the answer to our own request was faster: then the visit has it already. A message that does
    /// not fit its visit changes nothing.
    #[tracing::instrument(skip_all, fields(tenant_id = %message.tenant_id, session_id = %message.session_id))]
    async fn thread_created(&self, message: &ThreadCreated) -> Result<MessageOutcome, AppError> {
        if message.idempotency_key != thread_key(message.session_id) {
            return Ok(MessageOutcome::Refused(RefusedMessage::WrongKey));
        }
        let trace = TraceContext::begin(&*self.ids);
        let scope = Scope { tenant_id: message.tenant_id.clone(), actor: ActorRef::System("communication"), trace };
        run_again_after_lost_races(RECORD, || async {
            let mut tx = self.store.begin(RECORD, &scope).await?;
            let done = self.record_created_thread(&mut *tx, message).await;
            close(tx, done).await
        })
        .await
    }
}

impl App {
    /// The visit first: who works the job locks them in that order, too.
    async fn record_created_thread(
        &self,
        tx: &mut dyn UnitOfWork,
        message: &ThreadCreated,
    ) -> Result<MessageOutcome, AppError> {
        let Some(mut session) = tx.sessions().find(message.session_id).await? else {
            return Ok(MessageOutcome::Refused(RefusedMessage::UnknownVisit));
        };
        if message.patient_id.as_ref().is_some_and(|patient| *patient != session.parts().patient_id) {
            return Ok(MessageOutcome::Refused(RefusedMessage::WrongPatient));
        }
        match session.record_thread(message.thread_id.clone(), self.clock.now()) {
            Ok(Outcome::Applied) => {
                tx.sessions().save(&mut session).await?;
                // Whoever takes the job finds the thread there and ends it, also when it was parked.
                tx.jobs().requeue(message.session_id, JobKind::CreateThread, self.clock.now()).await?;
                Ok(MessageOutcome::Recorded)
            }
            Ok(Outcome::AlreadyApplied) if has(&session, message) => Ok(MessageOutcome::Repeated),
            Ok(Outcome::AlreadyApplied) => Ok(MessageOutcome::Refused(RefusedMessage::AnotherThread)),
            Err(Refusal::InvalidTransition { .. }) => Ok(MessageOutcome::Refused(RefusedMessage::NotInitiated)),
            Err(refusal) => Err(refusal.into()),
        }
    }
}

fn has(session: &VirtualSession, message: &ThreadCreated) -> bool {
    let fallback = session.parts().fallback.as_ref();
    fallback.and_then(|fallback| fallback.thread.id()) == Some(&message.thread_id)
}
