//! The stand-ins answer as the neighbours promised: every interaction of every pact of ours is asked of them. A test that
//! stands on a stand-in stands on what the neighbour is held to.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use serde_json::{Map, Value, json};
use vcare_testkit::pacts::{Interaction, Pact, ProviderState, Replayer, Request, Response};
use vcare_testkit::{AiSays, Consents, Licence, Mode, Name, Standins, StandinsConfig};

const CONSUMER: &str = "virtual-care-service";

/// Stand-ins of which the FHIR server takes the token that the pacts have, and no other.
async fn standins() -> Standins {
    let config = StandinsConfig { fhir_bearer: Some("service-token".to_owned()), ..StandinsConfig::default() };
    Standins::start(config).await.unwrap()
}

/// Who plays whom.
fn names(provider: &str) -> &'static [Name] {
    match provider {
        "identity-service" => &[Name::Licence],
        "access-policy" => &[Name::Consent, Name::Access],
        "interop-service" => &[Name::Fhir],
        "communication-service" => &[Name::Communication],
        "patient-chart-service" => &[Name::Chart],
        "ai-gateway-service" => &[Name::Ai],
        "jitsi-web" => &[Name::Jitsi],
        provider => panic!("say here who plays {provider}"),
    }
}

fn replayer(standins: &Standins, provider: &str) -> Replayer {
    match names(provider) {
        [Name::Jitsi] => Replayer::new(standins.jitsi_url(), Some(standins.ca_pem())),
        _ => Replayer::new(standins.base_url(), None),
    }
    .unwrap()
}

/// The pacts in which we are the consumer.
fn ours() -> Vec<Pact> {
    let mut pacts = Pact::all_committed().unwrap();
    pacts.retain(|pact| pact.consumer.name == CONSUMER);
    assert_eq!(pacts.len(), 7, "a pact for every neighbour");
    pacts
}

/// Forgets what the last state was.
fn reset(standins: &Standins, names: &[Name]) {
    names.iter().for_each(|name| standins.set_mode(*name, Mode::UP));
    standins.refuse_threads(None);
    standins.ai().say(None);
}

/// Makes it so, and answers what the state provides.
async fn make_so(standins: &Standins, state: &ProviderState) -> Value {
    let params = Value::Object(state.params.clone());
    let text = |name: &str| params[name].as_str().unwrap();
    let flag = |name: &str| params[name].as_bool().unwrap();
    match state.name.as_str() {
        "a tenant's licence is" => {
            let licence = match text("status") {
                "active" => Licence::Active,
                "suspended" => Licence::Suspended,
                "expired" => Licence::Expired,
                "none" => Licence::None,
                other => panic!("say here what licence {other} is"),
            };
            standins.set_licence(text("tenantId"), licence);
        }
        "a patient has consented to" => {
            let (telehealth, recording) = (flag("telehealth"), flag("recording"));
            let consents = Consents { telehealth, recording, ai_transcription: flag("aiTranscription") };
            standins.set_consent(text("patientId"), consents);
        }
        "a patient is in somebody's care" => standins.assign(text("userId"), text("patientId")),
        "somebody acts for a patient" => {
            standins.make_proxy(text("userId"), text("patientId"), text("relatedPersonId"));
        }
        "somebody has nothing to do with a patient" => {
            standins.unassign(text("userId"), text("patientId"));
            standins.end_proxy(text("userId"), text("patientId"));
        }
        "a clinician has consented to" => standins.set_provider_consent(text("userId"), flag("aiTranscription")),
        "so many Encounters have an identifier" => {
            let identifier = json!([{"system": text("system"), "value": text("value")}]);
            let there = |standins: &Standins| {
                let encounters = standins.encounters();
                encounters.iter().filter(|encounter| encounter["identifier"] == identifier).count() as u64
            };
            while there(standins) < params["count"].as_u64().unwrap() {
                standins.put_encounter(json!({"resourceType": "Encounter", "identifier": identifier}));
            }
        }
        "a patient's record was merged into another one" => {
            standins.merge_patient(text("patientId"), Some(text("into")));
        }
        "new threads are taken"
        | "somebody speaks in what it hears"
        | "it drafts what it is asked for"
        | "a patient has a chart" => {}
        "new threads are refused" => {
            let code = match text("code") {
                "VALIDATION_ERROR" => "VALIDATION_ERROR",
                "MODULE_NOT_LICENSED" => "MODULE_NOT_LICENSED",
                "FORBIDDEN" => "FORBIDDEN",
                other => panic!("say here that {other} is a code"),
            };
            standins.refuse_threads(Some((params["status"].as_u64().unwrap().try_into().unwrap(), code)));
        }
        "a draft of a note is there" => {
            let before = standins.notes().len();
            write_note(standins, text("patientId"), &format!("of-the-state-{before}")).await;
            return json!({"noteId": standins.notes()[before]["noteId"]});
        }
        "an Idempotency-Key was used for another note" => write_note(standins, "pat-other", text("key")).await,
        "there is no such note" => return json!({"noteId": "note_gone"}),
        "a policy denies" => {
            let body = json!({"error": {"code": text("code"), "message": "as it was told to say"}}).to_string();
            let status = params["status"].as_u64().unwrap().try_into().unwrap();
            standins.ai().say(Some(AiSays::This { status, content_type: "application/json", body }));
        }
        "Prosody is down" => standins.set_mode(Name::Jitsi, Mode::down_with(502)),
        other => panic!("say here how it comes that {other}"),
    }
    json!({})
}

async fn write_note(standins: &Standins, patient: &str, key: &str) {
    let request = Request::new("POST", "/v1/clinical-notes").header("Idempotency-Key", key);
    let request = request.body("application/json", json!({"patientId": patient, "title": "a note"}));
    let made = Interaction::new("a note of the state", request, Response::new(201));
    let wrong = replayer(standins, "patient-chart-service").replay(&made, &Map::new()).await.unwrap();
    assert_eq!(wrong, Vec::<String>::new());
}

/// What is wrong with how a stand-in answers, by interaction.
async fn held(standins: &Standins, pact: &Pact, after: impl Fn()) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for interaction in &pact.interactions {
        reset(standins, names(&pact.provider.name));
        let mut provided = Map::new();
        for state in &interaction.provider_states {
            provided.extend(make_so(standins, state).await.as_object().unwrap().clone());
        }
        after();
        let wrong = replayer(standins, &pact.provider.name).replay(interaction, &provided).await.unwrap();
        all.push((
            format!("{}: {} {:?}", pact.provider.name, interaction.description, interaction.provider_states),
            wrong,
        ));
    }
    all
}

#[tokio::test]
async fn every_stand_in_answers_as_its_neighbour_promised() {
    let standins = standins().await;
    for pact in ours() {
        for (what, wrong) in held(&standins, &pact, || {}).await {
            assert_eq!(wrong, Vec::<String>::new(), "{what}");
        }
    }
}

#[tokio::test]
async fn a_stand_in_that_says_something_else_is_found_out() {
    let standins = standins().await;
    for pact in ours() {
        let names = names(&pact.provider.name);
        for mode in [Mode::down_with(500), Mode::WRONG] {
            let spoil = || names.iter().for_each(|name| standins.set_mode(*name, mode));
            for (what, wrong) in held(&standins, &pact, spoil).await {
                // Of Jitsi nothing but its status is agreed on.
                let passes = names == [Name::Jitsi] && mode == Mode::WRONG && what.ends_with("[]");
                assert_eq!(wrong.is_empty(), passes, "{what}: {mode:?}");
            }
        }
    }
}
