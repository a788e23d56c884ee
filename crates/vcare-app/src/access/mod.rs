//! Callers' relations to visits: the policy of the domain, and the answers that it needs from elsewhere.
//!
//! Own visits are decided on what the visit says; access-policy and the store are asked only when no closer relation
//! answers. No answer is a no. A visit that the caller may not see is answered like one that does not exist, and takes as
//! long: the same questions are asked about a patient who does not exist.

mod audit;
mod lists;

use vcare_domain::{
    AccessDecision, AsyncVisit, Audience, EmergencyAccess, EmergencyAccessId, Known, NewEmergencyAccess, Outside,
    Participant, ParticipantId, ParticipantStatus, PatientId, Permission, RelatedPersonId, Relation, SessionId, UserId,
    VirtualSession, VisitFacts, VisitId, decide_access,
};

use crate::actor::Caller;
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::ports::{AskedRelation, RelationAnswer, RelationQuestion};
use crate::transaction::{close, run_again_after_lost_races};

pub(crate) use audit::Audited;

/// The patient that questions are about when there is no visit.
const NOBODY: &str = "no-such-patient";

/// A caller's relation to a visit that they may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The relation in which they may.
    pub relation: Relation,
    /// Who they are to the patient, when they act for them.
    pub related_person: Option<RelatedPersonId>,
}

/// Who an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    /// What of the visit they are shown.
    pub audience: Audience,
    /// Their own part in it.
    pub part: Option<ParticipantId>,
}

/// A live visit, and who it is shown to.
#[derive(Debug, Clone)]
pub struct ViewedSession {
    /// The visit.
    pub session: VirtualSession,
    /// Who they are shown to.
    pub viewer: Viewer,
}

/// An async visit, and who it is shown to.
#[derive(Debug, Clone)]
pub struct ViewedAsyncVisit {
    /// The visit.
    pub visit: AsyncVisit,
    /// What of it they are shown.
    pub audience: Audience,
}

/// What was learned elsewhere, while one request is decided on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Learned {
    known: Known,
    related_person: Option<RelatedPersonId>,
}

impl Learned {
    /// Whether nothing was asked.
    pub fn is_empty(&self) -> bool {
        self.known == Known::default()
    }
}

/// A question of the policy that is answered elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    outside: Outside,
    patient: PatientId,
    /// Who cares for the patient in the visit: they are notified of an emergency access.
    treating: Vec<UserId>,
    /// The visit's id; `None` when there is no visit, and nothing is opened.
    visit: Option<VisitId>,
}

/// One step towards a decision.
pub(crate) enum Step {
    /// The caller may.
    Allowed(Access),
    /// It depends on that.
    Ask(Question),
}

/// The permission that is asked for, and what is answered when the caller may not know that the visit exists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// What is asked for.
    pub permission: Permission,
    /// The permission without which the visit is answered as not found.
    seen_by: Permission,
    resource: Resource,
}

impl Wanted {
    /// Of a live visit.
    pub const fn of_session(permission: Permission) -> Self {
        Self { permission, seen_by: Permission::SessionRead, resource: Resource::Session }
    }

    /// Of an async visit.
    pub const fn of_async_visit(permission: Permission) -> Self {
        Self { permission, seen_by: Permission::AsyncVisitRead, resource: Resource::AsyncVisit }
    }
}

impl Caller {
    /// Decides as far as what was learned goes.
    ///
    /// # Errors
    /// [`AppError::NotFound`] for a visit that the caller may not see, [`AppError::Denied`] for one that they may see.
    pub(crate) fn step(
        &self,
        wanted: Wanted,
        visit: &VisitFacts<'_>,
        id: Option<VisitId>,
        learned: &Learned,
    ) -> Result<Step, AppError> {
        let decide = |permission| decide_access(&self.person(), permission, visit, &learned.known);
        let outside = match decide(wanted.permission) {
            AccessDecision::Allowed(relation) => {
                let related_person = learned.related_person.clone().filter(|_| relation == Relation::Proxy);
                return Ok(Step::Allowed(Access { relation, related_person }));
            }
            AccessDecision::Ask(outside) => outside,
            AccessDecision::Denied => match decide(wanted.seen_by) {
                AccessDecision::Allowed(_) => return Err(AppError::Denied { permission: wanted.permission }),
                AccessDecision::Ask(outside) => outside,
                AccessDecision::Denied => return Err(AppError::NotFound(wanted.resource)),
            },
        };
        Ok(Step::Ask(Question {
            outside,
            patient: visit.patient.clone(),
            treating: visit.treating.iter().map(|user| (*user).clone()).collect(),
            visit: id,
        }))
    }

    /// What the caller is shown of a live visit. Also after a change: a clinician who has just joined as a provider is shown
    /// what providers see.
    pub(crate) fn viewer(&self, session: &VirtualSession, access: &Access) -> Viewer {
        let part = self.part_in(session, access);
        let treats = access.relation != Relation::Own && session.treating().contains(&&self.user_id);
        let audience = if treats { Audience::Treating } else { access.relation.audience() };
        Viewer { audience, part: part.map(|part| part.id) }
    }

    /// The caller's own part in a visit: the patient's for the patient and for a proxy; of several, one from which they were
    /// not removed.
    pub(crate) fn part_in<'s>(&self, session: &'s VirtualSession, access: &Access) -> Option<&'s Participant> {
        let visit = session.parts();
        match access.relation {
            Relation::Own | Relation::Proxy => visit.patient(),
            _ => {
                let own = visit.participants.iter().filter(|one| one.user_id.as_ref() == Some(&self.user_id));
                own.min_by_key(|one| one.state.status() == ParticipantStatus::Removed)
            }
        }
    }

    /// What the caller is shown of an async visit that they are sending now.
    pub(crate) fn audience_of_own(&self, visit: &AsyncVisit) -> Audience {
        let for_others = self.cares_for_patients() && !self.person().is_patient(&visit.parts().patient_id);
        if for_others { Audience::Staff } else { Audience::Patient }
    }

    /// What the caller is shown of an async visit. Also after a change: a clinician who has just claimed it sees all of it.
    pub(crate) fn audience(&self, visit: &AsyncVisit, access: &Access) -> Audience {
        let treats = access.relation != Relation::Own && visit.parts().state.provider() == Some(&self.user_id);
        if treats { Audience::Treating } else { access.relation.audience() }
    }
}

impl App {
    /// Decides on the caller's relation to a live visit.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Denied`], [`AppError::Store`].
    pub(crate) async fn access_to_session(
        &self,
        caller: &Caller,
        session: &VirtualSession,
        permission: Permission,
    ) -> Result<Access, AppError> {
        let id = VisitId::Live(session.parts().id);
        self.access(caller, Wanted::of_session(permission), &session.facts(&caller.user_id), id).await
    }

    /// Decides on the caller's relation to an async visit.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Denied`], [`AppError::Store`].
    pub(crate) async fn access_to_async_visit(
        &self,
        caller: &Caller,
        visit: &AsyncVisit,
        permission: Permission,
    ) -> Result<Access, AppError> {
        let facts = visit.facts(&caller.user_id);
        let id = VisitId::Async(visit.parts().id);
        self.access(caller, Wanted::of_async_visit(permission), &facts, id).await
    }

    async fn access(
        &self,
        caller: &Caller,
        wanted: Wanted,
        facts: &VisitFacts<'_>,
        id: VisitId,
    ) -> Result<Access, AppError> {
        self.resolve(caller, wanted, facts, id).await.map(|(access, _)| access)
    }

    /// Decides to the end, and answers what had to be learned for it.
    pub(crate) async fn resolve(
        &self,
        caller: &Caller,
        wanted: Wanted,
        facts: &VisitFacts<'_>,
        id: VisitId,
    ) -> Result<(Access, Learned), AppError> {
        let mut learned = Learned::default();
        loop {
            match caller.step(wanted, facts, Some(id), &learned)? {
                Step::Allowed(access) => return Ok((access, learned)),
                Step::Ask(question) => self.learn(caller, &question, &mut learned).await?,
            }
        }
    }

    /// The live visit of that id, if the caller may do that with it.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Denied`], [`AppError::Store`].
    pub(crate) async fn session_for(
        &self,
        caller: &Caller,
        id: SessionId,
        permission: Permission,
    ) -> Result<(VirtualSession, Access), AppError> {
        let Some(session) = self.store.session(&caller.tenant_id, id).await? else {
            return Err(self.nothing(caller, Wanted::of_session(permission)).await?);
        };
        let access = self.access_to_session(caller, &session, permission).await?;
        Ok((session, access))
    }

    /// The answer when there is no such visit. Asks the same questions as for somebody else's visit, so that the response time
    /// does not show which of the two it is.
    pub(crate) async fn nothing(&self, caller: &Caller, wanted: Wanted) -> Result<AppError, AppError> {
        let Ok(patient) = PatientId::parse(NOBODY) else { return Ok(AppError::NotFound(wanted.resource)) };
        let facts = VisitFacts::of_nobody(&patient);
        let mut learned = Learned::default();
        loop {
            match caller.step(wanted, &facts, None, &learned) {
                // Who plans visits may do this with any visit; here there is none.
                Ok(Step::Allowed(_)) => return Ok(AppError::NotFound(wanted.resource)),
                Ok(Step::Ask(question)) => {
                    self.learn(caller, &question, &mut learned).await?;
                    learned.known.learn(question.outside, false);
                }
                Err(AppError::Denied { .. }) => return Ok(AppError::NotFound(wanted.resource)),
                Err(error) => return Ok(error),
            }
        }
    }

    /// Whether access-policy says that the caller acts for that patient, and as whom.
    ///
    /// # Errors
    /// [`AppError::Denied`] when it does not, or does not answer.
    pub(crate) async fn acts_for(
        &self,
        caller: &Caller,
        patient: &PatientId,
        permission: Permission,
    ) -> Result<RelatedPersonId, AppError> {
        match self.evaluate(caller, patient, AskedRelation::Proxy).await {
            RelationAnswer::Proxy { related_person } => Ok(related_person),
            RelationAnswer::Assigned | RelationAnswer::Denied => Err(AppError::Denied { permission }),
        }
    }

    /// Whether access-policy says that the patient is in the caller's care.
    pub(crate) async fn is_assigned(&self, caller: &Caller, patient: &PatientId) -> bool {
        self.evaluate(caller, patient, AskedRelation::Assigned).await == RelationAnswer::Assigned
    }

    /// Asks where the answer is known. No answer is a no.
    pub(crate) async fn learn(
        &self,
        caller: &Caller,
        question: &Question,
        learned: &mut Learned,
    ) -> Result<(), AppError> {
        let holds = match question.outside {
            Outside::Assigned => self.is_assigned(caller, &question.patient).await,
            Outside::Proxy => match self.evaluate(caller, &question.patient, AskedRelation::Proxy).await {
                RelationAnswer::Proxy { related_person } => {
                    learned.related_person = Some(related_person);
                    true
                }
                RelationAnswer::Assigned | RelationAnswer::Denied => false,
            },
            Outside::Emergency => self.has_emergency_access(caller, question).await?,
        };
        learned.known.learn(question.outside, holds);
        Ok(())
    }

    async fn evaluate(&self, caller: &Caller, patient: &PatientId, relation: AskedRelation) -> RelationAnswer {
        let question = RelationQuestion { user: &caller.user_id, patient, relation };
        let answer = self.neighbours.access.evaluate(&caller.tenant_id, &question, &caller.trace).await;
        answer.unwrap_or_else(|fault| {
            tracing::warn!(error = &fault as &dyn std::error::Error, "access-policy did not answer: that is a no");
            RelationAnswer::Denied
        })
    }

    /// Whether the caller has an emergency access to the patient, or opens one now with the reason that they gave.
    async fn has_emergency_access(&self, caller: &Caller, question: &Question) -> Result<bool, AppError> {
        const NAME: &str = "open_emergency_access";
        let now = self.clock.now();
        let (tenant, user, patient) = (&caller.tenant_id, &caller.user_id, &question.patient);
        if self.store.open_emergency(tenant, user, patient, now).await?.is_some() {
            return Ok(question.visit.is_some());
        }
        let (Some(reason), Some(visit)) = (&caller.emergency, &question.visit) else { return Ok(false) };
        let new = NewEmergencyAccess {
            id: EmergencyAccessId::from_uuid(self.ids.uuid()),
            tenant_id: tenant.clone(),
            user_id: user.clone(),
            patient_id: patient.clone(),
            reason: reason.clone(),
            visit: Some(*visit),
        };
        let access = EmergencyAccess::grant(new, now);
        let scope = caller.scope();
        let opened = run_again_after_lost_races(NAME, || async {
            let mut tx = self.store.begin(NAME, &scope).await?;
            let done = async {
                let mut emergencies = tx.emergencies();
                let opened = emergencies.open(user, patient, now).await?.is_none();
                if opened {
                    emergencies.keep(&access, &question.treating).await?;
                }
                Ok(opened)
            }
            .await;
            close(tx, done).await
        })
        .await?;
        metrics::counter!("vcare_emergency_accesses_total").increment(u64::from(opened));
        Ok(true)
    }
}
