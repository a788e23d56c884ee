//! The gate before machines: nobody's words go to one without their consent, asked for anew each time.

use futures_util::future::join_all;
use vcare_domain::{Author, VirtualSession, VisitId};

use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::consents::{ReliedOnConsent, relied_on};
use crate::error::AppError;
use crate::gates::{Gate, GateBlock, consent_gates};
use crate::ports::ConsentSubject;

const GATE: [Gate; 1] = [Gate::AiTranscription];

impl App {
    /// Lets pass what the patient and every provider whose voice is heard have consented to, and keeps which consents these
    /// are before anybody's words are sent. Answers them. No answer is a no. A block is audited, whatever its cause.
    pub(super) async fn pass_ai_gate(
        &self,
        caller: &Caller,
        session: &VirtualSession,
        author: &Author,
        attempted: Permission,
    ) -> Result<Vec<ReliedOnConsent>, AppError> {
        let voices = session.voices(author);
        let patient = ConsentSubject::Patient(&session.parts().patient_id);
        let subjects: Vec<_> = std::iter::once(patient).chain(voices.iter().map(ConsentSubject::Provider)).collect();
        let ask = |subject| self.neighbours.consent.check(&caller.tenant_id, subject, &GATE, &caller.trace);
        let answers = join_all(subjects.iter().map(|subject| ask(*subject))).await;
        let (mut consents, mut blocked) = (Vec::new(), None);
        for (subject, answer) in subjects.into_iter().zip(answers) {
            match consent_gates(&GATE, answer) {
                Ok(decisions) => consents.extend(relied_on(subject, decisions, self.clock.now())),
                Err(block) => blocked = blocked.or(Some((subject, block.of(subject)))),
            }
        }
        let Some((subject, block)) = blocked else {
            let mut tx = self.store.begin("rely_on_consents", &caller.scope()).await?;
            tx.rely_on(VisitId::Live(session.parts().id), &consents).await?;
            tx.commit().await?;
            count("passed");
            return Ok(consents);
        };
        count(block.reason());
        self.audit_gate_block(&caller.scope(), subject, attempted, block).await?;
        Err(block.into())
    }
}

impl GateBlock {
    /// Says whose consent it is that is missing, where it is not the patient's.
    const fn of(self, subject: ConsentSubject<'_>) -> Self {
        match (self, subject) {
            (Self::ConsentRequired(gate), ConsentSubject::Provider(_)) => Self::ProviderConsentRequired(gate),
            (block, _) => block,
        }
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("vcare_gate_outcomes_total", "outcome" => outcome).increment(1);
}
