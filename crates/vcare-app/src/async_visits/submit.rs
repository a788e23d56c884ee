//! A patient, or a clinician for them, sends what was written without a link.

use time::OffsetDateTime;
use vcare_domain::{
    AppointmentId, AsyncVisit, AsyncVisitId, ChiefComplaint, ClientMutationId, ComplaintCode, LanguageTag,
    NewAsyncVisit, PatientId, RelatedPersonId, SessionId, Symptom, VisitId,
};

use crate::access::{Audited, ViewedAsyncVisit};
use crate::actor::{Caller, Scope};
use crate::app::App;
use crate::authorisation::Permission;
use crate::consents::{ReliedOnConsent, relied_on};
use crate::error::{AppError, Resource};
use crate::gates::{self, Gate, Question};
use crate::ports::{ConsentSubject, FirstSubmission, NewSubmission, UnitOfWork};
use crate::transaction::{close, run_again_after_lost_races};

/// The transaction's name in metrics.
const SUBMIT: &str = "submit_async_visit";

/// A draft, as it arrives.
#[derive(Debug, Clone)]
pub struct SubmitAsyncVisit {
    /// The draft's name, given by the phone.
    pub client_mutation_id: ClientMutationId,
    /// Whom it is for.
    pub patient_id: PatientId,
    /// The appointment it fulfils.
    pub appointment_id: Option<AppointmentId>,
    /// Why the patient asks for help.
    pub chief_complaint: ChiefComplaint,
    /// The complaint's code, where the sender has one.
    pub complaint_code: Option<ComplaintCode>,
    /// What they feel.
    pub symptoms: Vec<Symptom>,
    /// The language they wrote in.
    pub locale: Option<LanguageTag>,
    /// How many photos and voice notes come with it.
    pub attachments_expected: u8,
    /// When it was written, by the phone's clock; `None` when the phone does not say.
    pub authored_at: Option<OffsetDateTime>,
    /// A hash of all that in one form: tells a repeat from another draft under the same name.
    pub content_hash: [u8; 32],
}

/// How the answer is written down, which is kept with the visit.
pub type WriteBody<'a> = &'a (dyn Fn(&ViewedAsyncVisit) -> Result<Vec<u8>, AppError> + Send + Sync);

/// What became of a draft.
#[derive(Clone, PartialEq, Eq)]
pub enum Submitted {
    /// It is a visit now.
    Now {
        /// The visit.
        id: AsyncVisitId,
        /// The answer's body.
        body: Vec<u8>,
    },
    /// It arrived before.
    Before {
        /// The answer's body of then, byte for byte.
        body: Vec<u8>,
        /// What was sent now is not what was sent then. Then counts.
        differs: bool,
    },
}

impl App {
    /// Takes a draft in: gates first, then the row. The first arrival of a draft wins; whatever comes under its name later
    /// is answered what the first one was. A refusal leaves no row; a consent gate that blocks leaves an audit entry.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], also to a patient for another one; [`AppError::AsyncVisit`]; [`AppError::Blocked`];
    /// [`AppError::DraftNameTaken`]; [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id))]
    pub async fn submit_async_visit(
        &self,
        caller: &Caller,
        wish: SubmitAsyncVisit,
        write: WriteBody<'_>,
    ) -> Result<Submitted, AppError> {
        const NEEDED: Permission = Permission::AsyncVisitSubmit;
        let work = async {
            let mut related = None;
            if caller.only_for_their_own(NEEDED) && !caller.person().is_patient(&wish.patient_id) {
                related = Some(self.acts_for(caller, &wish.patient_id, NEEDED).await?);
            }
            self.take_in(caller, wish, None, related, write).await
        };
        self.guarded(caller, NEEDED, Audited::all("AsyncVisit", caller), work).await
    }

    /// The same for a caller who may do it. `session`: the failed visit that it continues. `related`: the caller's
    /// RelatedPerson when they are the patient's proxy.
    pub(super) async fn take_in(
        &self,
        caller: &Caller,
        wish: SubmitAsyncVisit,
        session: Option<SessionId>,
        related: Option<RelatedPersonId>,
        write: WriteBody<'_>,
    ) -> Result<Submitted, AppError> {
        let (tenant, draft) = (caller.tenant_id.clone(), wish.client_mutation_id);
        if let Some(known) = self.store.first_submission(&tenant, draft, &wish.content_hash).await? {
            return repeated(known, caller, &wish.patient_id);
        }
        let _turn = self.drafts.turn((tenant.clone(), draft)).await;
        if let Some(known) = self.store.first_submission(&tenant, draft, &wish.content_hash).await? {
            return repeated(known, caller, &wish.patient_id);
        }
        let scope = caller.scope();
        let (patient_id, content_hash) = (wish.patient_id.clone(), wish.content_hash);
        let visit = self.visit_of(caller, wish, session, related)?;
        let consents = self.pass_care_gates(caller, &scope, &patient_id).await?;
        let viewed = ViewedAsyncVisit { audience: caller.audience_of_own(&visit), visit: visit.clone() };
        let new = NewSubmission { content_hash, body: write(&viewed)? };
        let taken = run_again_after_lost_races(SUBMIT, || async {
            let mut tx = self.store.begin(SUBMIT, &scope).await?;
            let done = take_in(&mut *tx, visit.clone(), session, &new, &consents).await;
            close(tx, done).await
        })
        .await?;
        match taken {
            None => Ok(Submitted::Now { id: visit.parts().id, body: new.body }),
            // It arrived at another process, and was faster.
            Some(known) => repeated(known, caller, &patient_id),
        }
    }

    fn visit_of(
        &self,
        caller: &Caller,
        wish: SubmitAsyncVisit,
        session_id: Option<SessionId>,
        related_person: Option<RelatedPersonId>,
    ) -> Result<AsyncVisit, AppError> {
        let new = NewAsyncVisit {
            id: AsyncVisitId::from_uuid(self.ids.uuid()),
            tenant_id: caller.tenant_id.clone(),
            node_id: caller.node_id.clone(),
            patient_id: wish.patient_id,
            appointment_id: wish.appointment_id,
            session_id,
            client_mutation_id: wish.client_mutation_id,
            submitted_by: caller.user_id.clone(),
            related_person,
            chief_complaint: wish.chief_complaint,
            complaint_code: wish.complaint_code,
            symptoms: wish.symptoms,
            locale: wish.locale,
            attachments_expected: wish.attachments_expected,
            authored_at: wish.authored_at,
        };
        Ok(AsyncVisit::submit(new, self.clock.now())?)
    }

    async fn pass_care_gates(
        &self,
        caller: &Caller,
        scope: &Scope,
        patient: &PatientId,
    ) -> Result<Vec<ReliedOnConsent>, AppError> {
        let question = Question {
            tenant: &caller.tenant_id,
            node: caller.node_id.as_ref(),
            patient,
            consents: &[Gate::TelehealthConsent],
            config: None,
            trace: &caller.trace,
        };
        let passed = gates::pass_without_room(&self.neighbours, &question).await;
        if let Err(AppError::Blocked(block)) = &passed {
            self.audit_gate_block(scope, ConsentSubject::Patient(patient), Permission::AsyncVisitSubmit, *block)
                .await?;
        }
        Ok(relied_on(ConsentSubject::Patient(patient), passed?, self.clock.now()))
    }
}

async fn take_in(
    tx: &mut dyn UnitOfWork,
    mut visit: AsyncVisit,
    session: Option<SessionId>,
    new: &NewSubmission,
    consents: &[ReliedOnConsent],
) -> Result<Option<FirstSubmission>, AppError> {
    if let Some(session) = session {
        // Locked, so that nobody ends it while this one is written.
        let failed = tx.sessions().find(session).await?.ok_or(AppError::NotFound(Resource::Session))?;
        failed.may_continue_async()?;
    }
    let known = tx.async_visits().submit(&mut visit, new).await?;
    if known.is_none() {
        tx.rely_on(VisitId::Async(visit.parts().id), consents).await?;
    }
    Ok(known)
}

/// Answers a draft that arrived before, to the account that sent it. Other accounts learn nothing about it: the stored answer
/// was made for the sender.
fn repeated(known: FirstSubmission, caller: &Caller, patient: &PatientId) -> Result<Submitted, AppError> {
    if known.patient_id != *patient || known.submitted_by != caller.user_id {
        return Err(AppError::DraftNameTaken);
    }
    Ok(Submitted::Before { differs: !known.same_content, body: known.body })
}
