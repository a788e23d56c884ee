//! The pacts of the API's consumers again, with Pact's own verifier: what ours takes is what Pact means.

use std::collections::BTreeSet;

use actix_web::{App, HttpResponse, HttpServer, web};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use vcare_testkit::Licence;
use vcare_testkit::pacts::{Pact, ProviderState, Verified, verify_officially};

use crate::pacts::{PROVIDER, make_so};
use crate::support::{TENANT, TestApp};

/// What the verifier asks before an interaction, for each of its states, and after it.
#[derive(Deserialize)]
struct StateChange {
    state: String,
    #[serde(default)]
    params: serde_json::Map<String, Value>,
    action: String,
}

type Changes = mpsc::UnboundedSender<(StateChange, oneshot::Sender<Value>)>;

async fn change(changes: web::Data<Changes>, change: web::Json<StateChange>) -> HttpResponse {
    let (provide, provided) = oneshot::channel();
    let passed_on = changes.send((change.into_inner(), provide)).is_ok();
    match provided.await {
        Ok(provided) if passed_on => HttpResponse::Ok().json(provided),
        _ => HttpResponse::InternalServerError().finish(),
    }
}

/// Has the verifier hold the API to that consumer's pact; `spoilt`, no token is good. Answers the states that it asked for, too.
async fn verified(consumer: &str, spoilt: bool) -> (Verified, BTreeSet<String>) {
    let app = TestApp::start().await;
    let (changes, mut asked) = mpsc::unbounded_channel();
    let factory =
        move || App::new().app_data(web::Data::new(Changes::clone(&changes))).route("/states", web::post().to(change));
    let states = HttpServer::new(factory).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}/states", states.addrs()[0]);
    let states = states.run();
    let stop = states.handle();
    let states = tokio::spawn(states);
    let file = format!("{}/../../contracts/pacts/{consumer}--{PROVIDER}.json", env!("CARGO_MANIFEST_DIR"));
    let (api, mut known) = (app.url(""), BTreeSet::new());
    let arguments = ["http", &file, &api, &address];
    let mut verification = std::pin::pin!(verify_officially(&arguments));
    let verified = loop {
        tokio::select! {
            verified = &mut verification => break verified.unwrap(),
            Some((change, provide)) = asked.recv() => {
                let provided = Box::pin(answer(&app, change, &mut known, spoilt)).await;
                let _ = provide.send(provided);
            }
        }
    };
    stop.stop(false).await;
    states.await.unwrap().unwrap();
    (verified, known)
}

/// Makes a state so, and unmakes what outlives an interaction: each stands for itself, and all of them name one appointment.
async fn answer(app: &TestApp, change: StateChange, known: &mut BTreeSet<String>, spoilt: bool) -> Value {
    if change.action == "teardown" {
        app.standins.set_licence(TENANT, Licence::Active);
        app.free_appointments().await;
        return json!({});
    }
    let mut provided = make_so(app, &ProviderState { name: change.state.clone(), params: change.params }).await;
    known.insert(change.state);
    for (name, value) in provided.as_object_mut().unwrap() {
        if spoilt && ["token", "joinToken"].contains(&name.as_str()) {
            *value = json!("a.b.c");
        }
    }
    provided
}

/// The states that a pact names.
fn states_of(consumer: &str) -> BTreeSet<String> {
    let pact = Pact::committed(consumer, PROVIDER).unwrap();
    pact.interactions.iter().flat_map(|one| &one.provider_states).map(|state| state.name.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pacts_own_verifier_finds_the_pact_of_the_patient_portal_kept() {
    let (verified, known) = verified("patient-portal", false).await;
    assert!(verified.kept, "{}", verified.said);
    assert_eq!(known, states_of("patient-portal"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pacts_own_verifier_finds_the_pact_of_the_clinician_app_kept() {
    let (verified, known) = verified("clinician-app", false).await;
    assert!(verified.kept, "{}", verified.said);
    assert_eq!(known, states_of("clinician-app"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pacts_own_verifier_sees_a_pact_that_the_api_breaks() {
    let (verified, _) = verified("clinician-app", true).await;
    assert!(!verified.kept && verified.said.contains("has status code 201 (FAILED)"), "{}", verified.said);
}
