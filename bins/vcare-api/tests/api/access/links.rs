//! New links for people who are inside: only a provider of the visit issues one, and it leads to the waiting room.

use serde_json::json;

use super::people::Who;
use crate::support::{CONSENTED, TestApp, Visit};

fn link(visit: &Visit) -> String {
    visit.path(&format!("/participants/{}/join-token", visit.patient))
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_a_provider_of_the_visit_gets_a_link_of_somebody_who_is_inside() {
    let app = TestApp::start().await;
    app.tell_relations();
    let visit = app.visit_of_everybody().await;
    let treating = Who::Treating.token(&app);
    let first = app.post(&treating, &link(&visit), &json!({})).await.expect(201).text("joinToken");
    app.join(&first).await.expect(200);
    app.admit_as(&treating, &visit).await.expect(200);
    app.open_emergency(&visit).await;
    for who in Who::ALL.into_iter().filter(|who| !matches!(who, Who::Treating | Who::TreatingNurse)) {
        let answer = app.post(&who.token(&app), &link(&visit), &json!({})).await;
        assert!(matches!(answer.status, 403 | 404), "{who:?}: {} {}", answer.status, answer.body);
    }
    // The patient is where they were, and their link still opens.
    assert_eq!(app.join(&first).await.expect(200).body["destination"], "direct_join");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_link_for_somebody_inside_leads_to_the_waiting_room_and_they_are_admitted_again() {
    let app = TestApp::start().await;
    let (visit, old) = app.active_visit().await;
    let before = app.read(&visit).await["version"].as_u64().unwrap();
    let new = app.join_token(&visit).await;
    // The provider's screen sees it: the person is invited, and not inside any more.
    let patient = app.participant(&visit, &visit.patient).await;
    assert_eq!(patient["status"], "invited");
    assert!(app.read(&visit).await["version"].as_u64().unwrap() > before);
    let invited = app.events_of("virtual_care.session.participant.invited.v1").await;
    assert_eq!(invited.last().unwrap()["data"]["participantId"], visit.patient.as_str());
    app.join(&old).await.refused(401, "TOKEN_INVALID");
    // Nobody is admitted before they come to the waiting room.
    app.admit(&visit).await.refused(409, "PARTICIPANT_NOT_IN_WAITING_ROOM");
    let joined = app.join(&new).await.expect(200);
    assert_eq!(joined.body["destination"], "waiting_room");
    assert_eq!(app.participant(&visit, &visit.patient).await["status"], "waiting");
    app.admit(&visit).await.expect(200);
    assert_eq!(app.join(&new).await.expect(200).body["destination"], "direct_join");
}

#[tokio::test(flavor = "multi_thread")]
async fn patients_and_who_acts_for_them_get_their_own_link_and_no_other() {
    let app = TestApp::start().await;
    app.tell_relations();
    let visit = app.visit_of_everybody().await;
    let interpreter = {
        let invite = json!({"role": "interpreter"});
        let invited = app.post(&Who::Treating.token(&app), &visit.path("/participants"), &invite).await.expect(201);
        invited.body["participants"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned()
    };
    for who in [Who::Own, Who::Proxy] {
        let token = who.token(&app);
        let own = app.post(&token, &link(&visit), &json!({})).await.expect(201).text("joinToken");
        assert_eq!(app.join(&own).await.expect(200).body["destination"], "waiting_room");
        let others = visit.path(&format!("/participants/{interpreter}/join-token"));
        app.post(&token, &others, &json!({})).await.refused(404, "PARTICIPANT_NOT_FOUND");
    }
    app.post(&Who::OtherPatient.token(&app), &link(&visit), &json!({})).await.refused(404, "SESSION_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_in_the_patients_place_stands_in_the_encounter_as_a_related_person() {
    let app = TestApp::start().await;
    app.tell_relations();
    let visit = app.visit_of_everybody().await;
    let mothers = app.post(&Who::Proxy.token(&app), &link(&visit), &json!({})).await.expect(201).text("joinToken");
    app.join(&mothers).await.expect(200);
    app.admit(&visit).await.expect(200);
    let patient = app.participant(&visit, &visit.patient).await;
    assert_eq!(patient["relatedPersonId"], "rel-mother-1");
    app.clock.advance(time::Duration::MINUTE);
    app.end(&visit).await.expect(200);
    let encounter = app.standins.encounters().pop().unwrap();
    let people = serde_json::to_string(&encounter["participant"]).unwrap();
    assert!(people.contains("RelatedPerson/rel-mother-1"), "{people}");
    assert_eq!(encounter["subject"]["reference"], format!("Patient/{CONSENTED}"));
}
