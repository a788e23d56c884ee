//! What access-policy says of consents: of patients, and of those who care.

use serde_json::{Value, json};
use time::macros::datetime;
use vcare_adapters_http::HttpConsentCheck;
use vcare_app::ports::{ConsentCheck, ConsentDecision, ConsentSubject};
use vcare_app::{ConsentRecord, Gate};
use vcare_domain::{ConsentId, ConsentVersion, PatientId, UserId};
use vcare_testkit::pacts::{Interaction, Matcher, Response, Rules};

use crate::contract::{Contract, ours};
use crate::kabul;
use crate::support::{client, neighbour, trace};

const GATES: [Gate; 3] = [Gate::TelehealthConsent, Gate::RecordingConsent, Gate::AiTranscription];

/// What is on file for a consent that is given: asked for, and kept as evidence.
const CONSENT: &str = "consent-7";
const VERSION: &str = "2";
const GIVEN: &str = "2026-01-15T08:00:00.000Z";

fn decision(gate: Gate, granted: bool) -> ConsentDecision {
    let record = ConsentRecord {
        id: Some(ConsentId::parse(CONSENT).unwrap()),
        version: Some(ConsentVersion::parse(VERSION).unwrap()),
        given_at: Some(datetime!(2026-01-15 08:00 UTC)),
    };
    ConsentDecision { gate, granted, record: if granted { record } else { ConsentRecord::default() } }
}

fn interaction(question: Value, granted: &[(Gate, bool)]) -> Interaction {
    let decision = |(gate, granted): &(Gate, bool)| {
        let mut decision = json!({"gate": gate.as_str(), "granted": granted});
        if *granted {
            decision["consentId"] = json!(CONSENT);
            decision["version"] = json!(VERSION);
            decision["givenAt"] = json!(GIVEN);
        }
        decision
    };
    let decisions: Vec<Value> = granted.iter().map(decision).collect();
    let mut rules = Rules::new();
    for (place, (_, granted)) in granted.iter().enumerate() {
        if *granted {
            rules = rules
                .body(&format!("$.decisions[{place}].consentId"), Matcher::regex("^[A-Za-z0-9_.-]{1,64}$"))
                .body(&format!("$.decisions[{place}].version"), Matcher::regex("^[A-Za-z0-9_.-]{1,64}$"))
                .body(&format!("$.decisions[{place}].givenAt"), Matcher::TYPE);
        }
    }
    Interaction::new(
        "a decision for each gate",
        ours("POST", "/internal/access/consents/evaluate").body("application/json", question),
        Response::json(200, "application/json", json!({ "decisions": decisions })).matching(rules),
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
        let expected: Vec<ConsentDecision> = gates.iter().map(|(gate, granted)| decision(*gate, *granted)).collect();
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
        assert_eq!(told.await, Ok(vec![decision(gate, granted)]), "{user}");
    }
}
