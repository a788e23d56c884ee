//! What access-policy says of consents: of patients, and of those who care.

use serde_json::{Value, json};
use vcare_adapters_http::HttpConsentCheck;
use vcare_app::Gate;
use vcare_app::ports::{ConsentCheck, ConsentDecision, ConsentSubject};
use vcare_domain::{PatientId, UserId};
use vcare_testkit::pacts::{Interaction, Response};

use crate::contract::{Contract, ours};
use crate::kabul;
use crate::support::{client, neighbour, trace};

const GATES: [Gate; 3] = [Gate::TelehealthConsent, Gate::RecordingConsent, Gate::AiTranscription];

fn interaction(question: Value, granted: &[(Gate, bool)]) -> Interaction {
    let decisions: Vec<Value> =
        granted.iter().map(|(gate, granted)| json!({"gate": gate.as_str(), "granted": granted})).collect();
    Interaction::new(
        "a decision for each gate",
        ours("POST", "/internal/access/consents/evaluate").body("application/json", question),
        Response::json(200, "application/json", json!({ "decisions": decisions })),
    )
}

/// It decides every gate that it is asked about.
pub async fn is_asked_about(contract: &mut Contract) {
    for (patient, granted) in [("pat-all", [true; 3]), ("pat-some", [true, false, false]), ("pat-none", [false; 3])] {
        let gates: Vec<(Gate, bool)> = GATES.into_iter().zip(granted).collect();
        let names = GATES.map(Gate::as_str);
        let question = json!({"tenantId": "kabul", "patientId": patient, "gates": names});
        let [telehealth, recording, ai_transcription] = granted;
        let consents = json!({
            "patientId": patient, "telehealth": telehealth, "recording": recording, "aiTranscription": ai_transcription,
        });
        let interaction = interaction(question, &gates).given("a patient has consented to", &consents);
        let told = contract.says([interaction], async |port| {
            let check = HttpConsentCheck::new(client(), neighbour(&format!("http://127.0.0.1:{port}")));
            let patient = PatientId::parse(patient).unwrap();
            check.check(&kabul(), ConsentSubject::Patient(&patient), &GATES, &trace()).await
        });
        let expected: Vec<ConsentDecision> =
            gates.iter().map(|(gate, granted)| ConsentDecision { gate: *gate, granted: *granted }).collect();
        assert_eq!(told.await, Ok(expected), "{patient}");
    }
    for (user, granted) in [("dr-9", true), ("dr-8", false)] {
        let gate = Gate::AiTranscription;
        let question = json!({"tenantId": "kabul", "userId": user, "gates": [gate.as_str()]});
        let interaction = interaction(question, &[(gate, granted)])
            .given("a clinician has consented to", &json!({"userId": user, "aiTranscription": granted}));
        let told = contract.says([interaction], async |port| {
            let check = HttpConsentCheck::new(client(), neighbour(&format!("http://127.0.0.1:{port}")));
            let user = UserId::parse(user).unwrap();
            check.check(&kabul(), ConsentSubject::Provider(&user), &[gate], &trace()).await
        });
        assert_eq!(told.await, Ok(vec![ConsentDecision { gate, granted }]), "{user}");
    }
}
