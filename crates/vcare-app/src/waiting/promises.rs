//! Signs of life that were promised and did not come.

use tracing::field::Empty;
use vcare_domain::{Heard, Outcome, Patience};

use crate::actor::{ActorRef, Scope};
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::ports::{BrokenPromise, StoreError, UnitOfWork};
use crate::spans::begin_trace;
use crate::transaction::close;

/// So many are looked at in one round.
const BATCH: u16 = 500;

impl App {
    /// Notes as disconnected who was let in, promised a sign of life and sent none: as of when it was due, however late this
    /// runs. Who is seen in the video room has only left the page. Several who do this at once do it once. Answers how many
    /// were noted.
    ///
    /// # Errors
    /// [`StoreError`], when it is not even known who.
    #[tracing::instrument(skip_all)]
    pub async fn note_broken_promises(&self) -> Result<u32, StoreError> {
        let mut noted = 0;
        for broken in self.jobs.broken_promises(self.clock.now(), BATCH).await? {
            match self.note_broken_promise(&broken).await {
                Ok(lost) => noted += u32::from(lost),
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error, tenant_id = %broken.tenant_id,
                        session_id = %broken.session_id, "a lost connection could not be noted"
                    );
                }
            }
        }
        Ok(noted)
    }

    #[tracing::instrument(skip_all, fields(tenant_id = %broken.tenant_id, session_id = %broken.session_id, trace.own = Empty))]
    async fn note_broken_promise(&self, broken: &BrokenPromise) -> Result<bool, AppError> {
        let scope = Scope {
            tenant_id: broken.tenant_id.clone(),
            actor: ActorRef::System("presence"),
            trace: begin_trace(&*self.ids),
        };
        let patience = self.video_config(&broken.tenant_id).await?.patience();
        let mut tx = self.store.begin("note_broken_promise", &scope).await?;
        let done = self.lose(&mut *tx, broken, patience).await;
        let lost = close(tx, done).await?;
        if lost {
            metrics::counter!("vcare_connections_lost_total").increment(1);
        }
        Ok(lost)
    }

    /// The visit first, then the lease, as everybody who writes both.
    async fn lose(
        &self,
        tx: &mut dyn UnitOfWork,
        broken: &BrokenPromise,
        patience: Patience,
    ) -> Result<bool, AppError> {
        let (id, person) = (broken.session_id, broken.participant_id);
        let mut session = tx.sessions().find(id).await?.ok_or(AppError::NotFound(Resource::Session))?;
        let Some(at) = tx.leases().end_broken_promise(id, person, self.clock.now()).await? else { return Ok(false) };
        // A visit that is over, or somebody who was put out, loses nothing more.
        let lost = !tx.presences().sees(id, person).await?
            && session.hear(person, Heard::Lost, at, patience) == Ok(Outcome::Applied);
        if lost {
            tx.sessions().save(&mut session).await?;
        }
        Ok(lost)
    }
}
