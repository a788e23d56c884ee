//! Reports and beacons: what people's devices tell of their connections.

use time::{Duration, OffsetDateTime};
use vcare_domain::{Entry, Heard, Outcome, ParticipantId, Patience, Relation, SessionId, VirtualSession};

use super::JoinStatus;
use super::status::token_refusal;
use crate::access::Audited;
use crate::actor::{ActorRef, Caller, Scope, TraceContext};
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::{AppError, JoinTokenFault, Resource};
use crate::idempotency::{Done, Once};
use crate::ports::{JoinTokenClaims, UnitOfWork};
use crate::transaction::{close, keep_answer, recall, run_again_after_lost_races};

/// What a device tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionReport {
    /// What happened.
    pub heard: Heard,
    /// How long ago. Not when: phones have wrong clocks.
    pub ago: Duration,
}

/// A report, as the visit is told of it.
#[derive(Clone, Copy)]
struct Told {
    heard: Heard,
    at: OffsetDateTime,
    /// For how long people are waited for.
    patience: Patience,
}

/// Whom a report is about: that person, or the caller's own part in the visit.
type About<'a> = &'a (dyn Fn(&VirtualSession) -> Result<ParticipantId, AppError> + Sync);

impl App {
    /// The holder of a join token tells of their connection.
    ///
    /// # Errors
    /// [`AppError::JoinToken`], [`AppError::Refused`] once the visit is over, [`AppError::Blocked`] without settings,
    /// [`AppError::Secrets`], [`AppError::Store`].
    pub async fn report_by_token(
        &self,
        token: &str,
        report: ConnectionReport,
        trace: TraceContext,
    ) -> Result<JoinStatus, AppError> {
        let claims = self.claims(token).await?;
        self.report_claimed(&claims, report, trace).await
    }

    /// The same for a token that was checked.
    #[tracing::instrument(name = "report_by_token", skip_all, fields(tenant_id = %claims.tenant_id, session_id = %claims.session_id))]
    async fn report_claimed(
        &self,
        claims: &JoinTokenClaims,
        report: ConnectionReport,
        trace: TraceContext,
    ) -> Result<JoinStatus, AppError> {
        let (session, lease) = self.opened_by(claims).await?;
        let id = claims.participant_id;
        let participant = session.parts().participant(id).ok_or(JoinTokenFault::Invalid)?;
        let at = self.clock.now() - report.ago;
        // Most reports are beacons of somebody whose last one was a moment ago.
        let fresh = lease.is_some_and(|lease| {
            lease.promised == participant.state.is_let_in() && lease.is_fresh(None, at) && at >= lease.heard_at
        });
        let status = JoinStatus::of(&session, participant, None);
        if report.heard == Heard::Alive
            && fresh
            && session.clone().hear(id, report.heard, at, Patience::NONE) == Ok(Outcome::AlreadyApplied)
        {
            return Ok(status);
        }
        let scope = Scope { tenant_id: claims.tenant_id.clone(), actor: ActorRef::Participant(id), trace };
        let about =
            |session: &VirtualSession| session.admits_token(id, claims.version).map(|_| id).map_err(token_refusal);
        match self.report(&scope, claims.session_id, report.heard, at, &about, None).await? {
            Done::Now(status) => Ok(status),
            // Nobody who comes by link names their wishes.
            Done::Before(_) => Ok(status),
        }
    }

    /// Somebody who signed in tells of their own connection; a clinician also that another one's was lost.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`] (also for who has no part in the visit), [`AppError::Refused`],
    /// [`AppError::IdempotencyKeyReused`], [`AppError::Blocked`] without settings, [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn report_connection(
        &self,
        caller: &Caller,
        id: SessionId,
        other: Option<ParticipantId>,
        report: ConnectionReport,
        once: Option<&Once<'_, JoinStatus>>,
    ) -> Result<Done<JoinStatus>, AppError> {
        const NEEDED: Permission = Permission::ConnectionReport;
        let work = async {
            let (_, access) = self.session_for(caller, id, NEEDED).await?;
            let at = self.clock.now() - report.ago;
            let about = |session: &VirtualSession| {
                let own = caller.part_in(session, &access).map(|participant| participant.id);
                match other {
                    None => own.ok_or(AppError::NotFound(Resource::Participant)),
                    Some(other) if own == Some(other) => Ok(other),
                    Some(other) if access.relation == Relation::Treating && report.heard == Heard::Lost => Ok(other),
                    Some(_) => Err(AppError::Denied { permission: NEEDED }),
                }
            };
            self.report(&caller.scope(), id, report.heard, at, &about, once).await
        };
        self.guarded(caller, NEEDED, Audited::session(id), work).await
    }

    async fn report(
        &self,
        scope: &Scope,
        id: SessionId,
        heard: Heard,
        at: OffsetDateTime,
        about: About<'_>,
        once: Option<&Once<'_, JoinStatus>>,
    ) -> Result<Done<JoinStatus>, AppError> {
        let patience = self.video_config(&scope.tenant_id).await?.patience();
        run_again_after_lost_races("report_connection", || async {
            let mut tx = self.store.begin("report_connection", scope).await?;
            let told = Told { heard, at, patience };
            let done = self.note_report(&mut *tx, id, told, about, once).await;
            close(tx, done).await
        })
        .await
    }

    /// The visit first, then the lease: whoever writes both takes them in this order.
    async fn note_report(
        &self,
        tx: &mut dyn UnitOfWork,
        id: SessionId,
        told: Told,
        about: About<'_>,
        once: Option<&Once<'_, JoinStatus>>,
    ) -> Result<Done<JoinStatus>, AppError> {
        let Told { heard, at, patience } = told;
        let mut session = tx.sessions().find(id).await?.ok_or(AppError::NotFound(Resource::Session))?;
        let person = about(&session)?;
        if let Some(once) = once
            && let Some(answer) = recall(tx.answers().find(&once.wish.key).await?, &once.wish)?
        {
            return Ok(Done::Before(answer));
        }
        // Decided on a copy, as the lease may know better: then nothing of it is kept.
        let mut changed = session.clone();
        let outcome = changed.hear(person, heard, at, patience)?;
        let promises = heard == Heard::Alive && changed.entry(person) == Entry::DirectJoin;
        if tx.leases().hear(id, person, heard, at, promises).await? && outcome == Outcome::Applied {
            tx.sessions().save(&mut changed).await?;
            session = changed;
        }
        let participant = session.parts().participant(person).ok_or(AppError::NotFound(Resource::Participant))?;
        let status = JoinStatus::of(&session, participant, None);
        keep_answer(tx, once, &status, id, self.clock.now()).await?;
        Ok(Done::Now(status))
    }
}
