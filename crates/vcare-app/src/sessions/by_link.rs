//! Changes of a visit by the holder of a join link.

use vcare_domain::{Outcome, Refusal, VirtualSession};

use crate::access::Access;
use crate::actor::{ActorRef, Scope, TraceContext};
use crate::app::App;
use crate::error::{AppError, JoinTokenFault};
use crate::idempotency::Done;
use crate::ports::JoinTokenClaims;
use crate::transaction::{By, Changed, Plan};
use crate::waiting::token_refusal;

impl App {
    /// Tells a visit what to do for the holder of a link. A link that does not open any more looks like one that never did.
    ///
    /// # Errors
    /// [`AppError::JoinToken`], [`AppError::Refused`], [`AppError::Store`].
    pub(crate) async fn change_by_link<D>(
        &self,
        name: &'static str,
        claims: &JoinTokenClaims,
        decide: D,
        trace: TraceContext,
    ) -> Result<Changed, AppError>
    where
        D: Fn(&mut VirtualSession) -> Result<Outcome, Refusal> + Send + Sync,
    {
        let actor = ActorRef::Participant(claims.participant_id);
        let scope = Scope { tenant_id: claims.tenant_id.clone(), actor, trace };
        let plan = Plan {
            name,
            session: claims.session_id,
            by: By::Link(claims.participant_id),
            once: None,
            decide: |session: &mut VirtualSession, _: Option<&Access>| decide(session),
        };
        match self.change_session(&scope, plan).await {
            Ok(Done::Now(changed)) => Ok(changed),
            Ok(Done::Before(_)) => Err(JoinTokenFault::Invalid.into()),
            Err(AppError::Refused(refusal)) => Err(token_refusal(refusal)),
            Err(AppError::NotFound(_)) => Err(JoinTokenFault::Invalid.into()),
            Err(error) => Err(error),
        }
    }
}
