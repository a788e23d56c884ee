//! The API answers as its consumers count on: every interaction of their pacts is asked of it. The pacts are theirs, so
//! nothing here writes them.

use serde_json::{Map, Value, json};
use time::Duration;
use vcare_testkit::Licence;
use vcare_testkit::pacts::{Pact, ProviderState, Replayer};

use crate::support::{CONSENTED, NO_CONSENT, OTHER_TENANT, TENANT, TestApp, Visit, draft};

pub const PROVIDER: &str = "virtual-care-service";

/// Makes it so, by the API itself where that can be, and answers what the state provides.
pub async fn make_so(app: &TestApp, state: &ProviderState) -> Value {
    let signed_in = |token: String| json!({"token": token, "inHalfAnHour": app.minutes_ahead(30)});
    match state.name.as_str() {
        "a clinician signs in" => signed_in(app.token("clinician")),
        "another clinician signs in" => signed_in(app.token_of(TENANT, "clinician-2", "clinician")),
        "an administrator signs in" => signed_in(app.token("tenant_admin")),
        "a patient who consented signs in" => signed_in(app.token("patient")),
        "a patient who did not consent signs in" => {
            let account = app.account(TENANT, "patient-2", "patient").patient(NO_CONSENT);
            signed_in(app.standins.issuer().token(&account))
        }
        "the hospital's licence is suspended" => {
            app.standins.set_licence(TENANT, Licence::Suspended);
            json!({})
        }
        "a visit is scheduled" => {
            let visit = app.visit().await;
            held(&visit, app.join_token(&visit).await)
        }
        "a visit's patient waits" => {
            let (visit, token) = app.waiting_visit().await;
            held(&visit, token)
        }
        "a visit's patient was admitted" => {
            let (visit, token) = app.active_visit().await;
            // A visit of no length is none.
            app.clock.advance(Duration::MINUTE);
            held(&visit, token)
        }
        "a visit's patient got a newer link" => {
            let visit = app.visit().await;
            let token = app.join_token(&visit).await;
            app.join_token(&visit).await;
            held(&visit, token)
        }
        "a visit was cancelled" => {
            let (visit, token) = app.waiting_visit().await;
            app.cancel(&visit, "power cut").await.expect(200);
            held(&visit, token)
        }
        "the time of a visit's link is over" => {
            let visit = app.visit().await;
            let token = app.join_token(&visit).await;
            app.clock.advance(Duration::hours(3));
            held(&visit, token)
        }
        "a visit of another hospital is scheduled" => {
            let token = app.token_of(OTHER_TENANT, "clinician-1", "clinician");
            let visit = Visit::of(&app.post(&token, "/sessions", &app.wish()).await.expect(201).body);
            held(&visit, String::new())
        }
        "a draft has arrived" => {
            app.submit(&state.params["draft"]).await.expect(201);
            json!({})
        }
        "a draft waits for a clinician" => json!({"asyncVisitId": arrived(app).await}),
        "a draft is claimed by a clinician" => {
            let id = arrived(app).await;
            app.review(&id, "claim", &json!({})).await.expect(200);
            json!({"asyncVisitId": id})
        }
        other => panic!("say here how it comes that {other}"),
    }
}

/// A visit, and the link of its patient.
fn held(visit: &Visit, token: String) -> Value {
    json!({"sessionId": visit.id, "participantId": visit.patient, "joinToken": token})
}

async fn arrived(app: &TestApp) -> String {
    let draft = draft();
    assert_eq!(draft["patientId"], CONSENTED);
    app.submit(&draft).await.expect(201).text("id")
}

/// What is wrong with the answers, by interaction; with `spoilt` states, the service is not as the consumer says.
async fn answers(consumer: &str, spoilt: bool) -> Vec<(String, Vec<String>)> {
    let pact = Pact::committed(consumer, PROVIDER).unwrap();
    let app = TestApp::start().await;
    let replayer = Replayer::new(&app.url(""), None).unwrap();
    let mut all = Vec::new();
    for interaction in &pact.interactions {
        app.standins.set_licence(TENANT, Licence::Active);
        // Each request stands for itself, and all of them name one appointment.
        app.free_appointments().await;
        let mut provided = Map::new();
        for state in &interaction.provider_states {
            provided.extend(make_so(&app, state).await.as_object().unwrap().clone());
        }
        if spoilt {
            for name in ["token", "joinToken"] {
                provided.insert(name.to_owned(), json!("a.b.c"));
            }
        }
        all.push((interaction.description.clone(), replayer.replay(interaction, &provided).await.unwrap()));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_keeps_the_pact_of_the_patient_portal() {
    for (what, wrong) in answers("patient-portal", false).await {
        assert_eq!(wrong, Vec::<String>::new(), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_keeps_the_pact_of_the_clinician_app() {
    for (what, wrong) in answers("clinician-app", false).await {
        assert_eq!(wrong, Vec::<String>::new(), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pact_that_the_api_breaks_is_told() {
    for consumer in ["patient-portal", "clinician-app"] {
        for (what, wrong) in answers(consumer, true).await {
            // A token that is no good is all that is said of this one.
            let kept = what == "a link is opened that a newer one replaced";
            assert_eq!(wrong.is_empty(), kept, "{consumer}: {what}");
        }
    }
}

#[test]
fn every_consumer_has_its_pact_verified() {
    let pacts = Pact::all_committed().unwrap();
    let consumers: Vec<&str> =
        pacts.iter().filter(|pact| pact.provider.name == PROVIDER).map(|pact| pact.consumer.name.as_str()).collect();
    assert_eq!(consumers, ["clinician-app", "patient-portal"]);
}
