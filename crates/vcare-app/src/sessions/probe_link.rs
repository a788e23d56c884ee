//! A person's link is probed.

use time::OffsetDateTime;
use vcare_domain::{
    LinkDecision, LinkProbe, LinkState, LinkThresholds, MediaMode, Outcome, ParticipantId, Refusal, SessionId,
    TenantConfig, VirtualSession,
};

use crate::access::{Audited, Wanted};
use crate::actor::{ActorRef, Caller, Scope, TraceContext};
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::{AppError, JoinTokenFault, Resource};
use crate::gates::GateBlock;
use crate::ports::JoinTokenClaims;
use crate::transaction::{close, run_again_after_lost_races};
use crate::waiting::token_refusal;

/// The transaction's name in metrics.
const NOTE: &str = "note_link";

/// What somebody says of their link.
#[derive(Debug, Clone, Copy)]
pub struct ProbedLink {
    /// What was measured.
    pub probe: LinkProbe,
    /// The best medium that they ask for.
    pub prefer: Option<MediaMode>,
}

/// A visit, its tenant's settings, and what is known of its people's links.
type Seen = (VirtualSession, Option<TenantConfig>, Vec<(ParticipantId, LinkState)>);

impl App {
    /// Decides what the link of a join token's holder is used for.
    ///
    /// # Errors
    /// [`AppError::JoinToken`], [`AppError::Refused`] once the visit is over, [`AppError::Blocked`] without settings,
    /// [`AppError::Secrets`], [`AppError::Store`].
    pub async fn probe_link_by_token(
        &self,
        token: &str,
        probed: ProbedLink,
        trace: TraceContext,
    ) -> Result<LinkDecision, AppError> {
        let claims = self.claims(token).await?;
        self.probe_link_claimed(&claims, probed, trace).await
    }

    /// The same for a token that was checked.
    #[tracing::instrument(name = "probe_link_by_token", skip_all, fields(tenant_id = %claims.tenant_id, session_id = %claims.session_id))]
    async fn probe_link_claimed(
        &self,
        claims: &JoinTokenClaims,
        probed: ProbedLink,
        trace: TraceContext,
    ) -> Result<LinkDecision, AppError> {
        let seen = self.store.session_and_links(&claims.tenant_id, claims.session_id).await?;
        let seen = seen.ok_or(JoinTokenFault::Invalid)?;
        self.check_time(claims, &seen.0)?;
        let (who, version) = (claims.participant_id, claims.version);
        seen.0.admits_token(who, version).map_err(token_refusal)?;
        let scope = Scope { tenant_id: claims.tenant_id.clone(), actor: ActorRef::Participant(who), trace };
        let still = |session: &VirtualSession| session.admits_token(who, version).map(drop);
        match self.decide_on_link(scope, seen, who, probed, still).await {
            Err(AppError::Refused(refusal)) => Err(token_refusal(refusal)),
            decided => decided.inspect(counted),
        }
    }

    /// Decides what the link of a caller is used for who has a part in the visit.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`] (also for a visit in which the caller has no part),
    /// [`AppError::Refused`], [`AppError::Blocked`] without settings, [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn probe_link(
        &self,
        caller: &Caller,
        id: SessionId,
        probed: ProbedLink,
    ) -> Result<LinkDecision, AppError> {
        const NEEDED: Permission = Permission::LinkProbe;
        let work = async {
            let Some(seen) = self.store.session_and_links(&caller.tenant_id, id).await? else {
                return Err(self.nothing(caller, Wanted::of_session(NEEDED)).await?);
            };
            let access = self.access_to_session(caller, &seen.0, NEEDED).await?;
            let who = caller.part_in(&seen.0, &access).ok_or(AppError::NotFound(Resource::Participant))?.id;
            self.decide_on_link(caller.scope(), seen, who, probed, |_| Ok(())).await.inspect(counted)
        };
        self.guarded(caller, NEEDED, Audited::session(id), work).await
    }

    /// Decides on what was read first: most probes say what is known, and those need no transaction. The others decide again
    /// under the visit's lock, so that two probes at once are heard one after the other, in whatever process.
    async fn decide_on_link(
        &self,
        scope: Scope,
        (mut seen, config, links): Seen,
        who: ParticipantId,
        probed: ProbedLink,
        may: impl Fn(&VirtualSession) -> Result<(), Refusal> + Send + Sync,
    ) -> Result<LinkDecision, AppError> {
        let thresholds = config.ok_or(GateBlock::VideoNotConfigured)?.link();
        let known = links.iter().find(|(id, _)| *id == who).map(|(_, state)| *state);
        let (after, decision) = self.after_probe(known.as_ref(), probed, thresholds);
        let id = seen.parts().id;
        let told = tell(&mut seen, who, &after, thresholds, self.clock.now())?;
        if known == Some(after) && !told {
            return Ok(decision);
        }
        run_again_after_lost_races(NOTE, || async {
            let mut tx = self.store.begin(NOTE, &scope).await?;
            let done = async {
                let mut session = tx.sessions().find(id).await?.ok_or(AppError::NotFound(Resource::Session))?;
                may(&session)?;
                let known = tx.links().find(id, who).await?;
                let (after, decision) = self.after_probe(known.as_ref(), probed, thresholds);
                if known != Some(after) {
                    tx.links().put(id, who, &after).await?;
                }
                if tell(&mut session, who, &after, thresholds, self.clock.now())? {
                    tx.sessions().save(&mut session).await?;
                }
                Ok(decision)
            }
            .await;
            close(tx, done).await
        })
        .await
    }

    fn after_probe(
        &self,
        known: Option<&LinkState>,
        probed: ProbedLink,
        thresholds: LinkThresholds,
    ) -> (LinkState, LinkDecision) {
        LinkState::after(known, probed.probe, probed.prefer, thresholds, self.clock.now())
    }
}

fn counted(decision: &LinkDecision) {
    let (mode, reason) = (decision.link.mode.as_str(), decision.reason.as_str());
    metrics::counter!("vcare_link_probes_total", "mode" => mode, "reason" => reason).increment(1);
}

/// Lets the visit decide what a link means for it; answers whether it changed.
fn tell(
    session: &mut VirtualSession,
    who: ParticipantId,
    link: &LinkState,
    thresholds: LinkThresholds,
    at: OffsetDateTime,
) -> Result<bool, AppError> {
    let told = session.note_link(who, link.used(thresholds), link.is_chosen(), at)?;
    Ok(told == Outcome::Applied)
}
