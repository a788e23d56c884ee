//! access-policy: consents, and people's relations to patients.

use serde_json::{Value, json};
use vcare_adapters_http::HttpAccessPolicy;
use vcare_app::ports::{AccessPolicy, AskedRelation, RelationAnswer, RelationQuestion};
use vcare_domain::{PatientId, RelatedPersonId, UserId};
use vcare_testkit::pacts::{Interaction, Matcher, Response, Rules};

use crate::contract::{Contract, ours};
use crate::support::{client, neighbour, trace};
use crate::{consent, kabul};

#[tokio::test]
async fn the_contract_with_access_policy_decides_gates_and_relations() {
    let mut contract = Contract::with("access-policy");
    consent::is_asked_about(&mut contract).await;
    who_has_a_patient_in_their_care_is_asked(&mut contract).await;
    who_acts_for_a_patient_is_asked(&mut contract).await;
    contract.must_be_committed();
}

const NOTHING_TO_DO: &str = "somebody has nothing to do with a patient";

async fn who_has_a_patient_in_their_care_is_asked(contract: &mut Contract) {
    let people = json!({"userId": "dr-9", "patientId": "pat-1"});
    // Why it allows or denies is its own to say.
    let rules = || Rules::new().body("$.reasons", Matcher::TYPE);
    let allowed = json!({"decision": "allow", "reasons": ["assigned"]});
    let denied = json!({"decision": "deny", "reasons": ["no_relation"]});
    for (state, answer, expected) in [
        ("a patient is in somebody's care", allowed, RelationAnswer::Assigned),
        (NOTHING_TO_DO, denied, RelationAnswer::Denied),
    ] {
        let response = Response::json(200, "application/json", answer).matching(rules());
        is_asked(contract, AskedRelation::Assigned, (state, &people), response, expected).await;
    }
}

async fn who_acts_for_a_patient_is_asked(contract: &mut Contract) {
    let people = json!({"userId": "dr-9", "patientId": "pat-1", "relatedPersonId": "rp-7"});
    let related_person = RelatedPersonId::parse("rp-7").unwrap();
    let allowed = json!({"decision": "allow", "reasons": ["proxy"], "relatedPersonId": "rp-7"});
    let allowed = Response::json(200, "application/json", allowed);
    let state = ("somebody acts for a patient", &people);
    is_asked(contract, AskedRelation::Proxy, state, allowed, RelationAnswer::Proxy { related_person }).await;
    let denied = json!({"decision": "deny", "reasons": ["no_relation"]});
    let denied =
        Response::json(200, "application/json", denied).matching(Rules::new().body("$.reasons", Matcher::TYPE));
    let state = (NOTHING_TO_DO, &json!({"userId": "dr-9", "patientId": "pat-1"}));
    is_asked(contract, AskedRelation::Proxy, state, denied, RelationAnswer::Denied).await;
}

async fn is_asked(
    contract: &mut Contract,
    relation: AskedRelation,
    (state, people): (&str, &Value),
    response: Response,
    expected: RelationAnswer,
) {
    let (action, description) = match relation {
        AskedRelation::Assigned => ("virtual_care:patient:assigned", "whether a patient is in somebody's care"),
        AskedRelation::Proxy => ("virtual_care:patient:proxy", "whether somebody acts for a patient"),
    };
    let question = json!({
        "tenantId": "kabul", "subject": {"type": "User", "id": "dr-9"}, "action": action,
        "resource": {"type": "Patient", "id": "pat-1"},
    });
    let request = ours("POST", "/internal/access/evaluate").body("application/json", question);
    let interaction = Interaction::new(description, request, response).given(state, people);
    let answer = contract.says([interaction], async |port| {
        let policy = HttpAccessPolicy::new(client(), neighbour(&format!("http://127.0.0.1:{port}")));
        let (user, patient) = (UserId::parse("dr-9").unwrap(), PatientId::parse("pat-1").unwrap());
        policy.evaluate(&kabul(), &RelationQuestion { user: &user, patient: &patient, relation }, &trace()).await
    });
    assert_eq!(answer.await, Ok(expected), "{relation:?}: {state}");
}
