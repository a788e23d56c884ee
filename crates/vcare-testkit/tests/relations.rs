//! The stand-in of access-policy as the service's own client sees it: people's relations to patients.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::json;
use support::{ask, client, get, neighbour, put, standins, trace};
use vcare_adapters_http::HttpAccessPolicy;
use vcare_app::ports::{AccessPolicy, AskedRelation, NeighbourFault, RelationAnswer, RelationQuestion};
use vcare_domain::{PatientId, RelatedPersonId, TenantId, UserId};
use vcare_testkit::{Mode, Name, Standins};

type Told = Result<RelationAnswer, NeighbourFault>;

async fn asked(standins: &Standins, user: &str, patient: &str, relation: AskedRelation) -> Told {
    let policy = HttpAccessPolicy::new(client(&[]), neighbour(standins.base_url()));
    let (tenant, user) = (TenantId::parse("tenant-a").unwrap(), UserId::parse(user).unwrap());
    let patient = PatientId::parse(patient).unwrap();
    let question = RelationQuestion { user: &user, patient: &patient, relation };
    policy.evaluate(&tenant, &question, &trace()).await.map_err(|error| error.fault)
}

async fn assigned(standins: &Standins) -> Told {
    asked(standins, "dr-9", "pat-1", AskedRelation::Assigned).await
}

async fn proxy(standins: &Standins) -> Told {
    asked(standins, "mother-1", "pat-1", AskedRelation::Proxy).await
}

fn as_person(id: &str) -> Told {
    Ok(RelationAnswer::Proxy { related_person: RelatedPersonId::parse(id).unwrap() })
}

#[tokio::test]
async fn nobody_stands_in_a_relation_until_it_is_said_and_then_in_no_other() {
    let standins = standins().await;
    assert_eq!(
        (assigned(&standins).await, proxy(&standins).await),
        (Ok(RelationAnswer::Denied), Ok(RelationAnswer::Denied))
    );
    standins.assign("dr-9", "pat-1");
    standins.make_proxy("mother-1", "pat-1", "rp-7");
    assert_eq!((assigned(&standins).await, proxy(&standins).await), (Ok(RelationAnswer::Assigned), as_person("rp-7")));
    for (user, patient, relation) in [
        ("dr-9", "pat-2", AskedRelation::Assigned),
        ("dr-8", "pat-1", AskedRelation::Assigned),
        ("dr-9", "pat-1", AskedRelation::Proxy),
        ("mother-1", "pat-1", AskedRelation::Assigned),
        ("mother-1", "pat-2", AskedRelation::Proxy),
    ] {
        let answer = asked(&standins, user, patient, relation).await;
        assert_eq!(answer, Ok(RelationAnswer::Denied), "{user}, {patient}, {relation:?}");
    }
    standins.unassign("dr-9", "pat-1");
    standins.end_proxy("mother-1", "pat-1");
    assert_eq!(
        (assigned(&standins).await, proxy(&standins).await),
        (Ok(RelationAnswer::Denied), Ok(RelationAnswer::Denied))
    );
}

#[tokio::test]
async fn relations_are_set_and_read_by_control_calls() {
    let standins = standins().await;
    let control = |path: &str| format!("{}/_control/access/{path}", standins.base_url());
    let set = put(&control("assigned/dr-9/pat-1"), r#"{"assigned":true}"#).await;
    assert_eq!(set.json(), json!({"userId": "dr-9", "patientId": "pat-1", "assigned": true}));
    let set = put(&control("proxies/mother-1/pat-1"), r#"{"relatedPersonId":"rp-7"}"#).await;
    assert_eq!(set.json(), json!({"userId": "mother-1", "patientId": "pat-1", "relatedPersonId": "rp-7"}));
    assert_eq!((assigned(&standins).await, proxy(&standins).await), (Ok(RelationAnswer::Assigned), as_person("rp-7")));
    put(&control("assigned/dr-9/pat-1"), r#"{"assigned":false}"#).await;
    put(&control("proxies/mother-1/pat-1"), r#"{"relatedPersonId":null}"#).await;
    assert_eq!(get(&control("proxies/mother-1/pat-1")).await.json()["relatedPersonId"], json!(null));
    assert_eq!(
        (assigned(&standins).await, proxy(&standins).await),
        (Ok(RelationAnswer::Denied), Ok(RelationAnswer::Denied))
    );
    let table = [
        ("assigned/dr-9/pat-1", "{}", "assigned"),
        ("assigned/dr-9/pat-1", r#"{"assigned":"yes"}"#, "assigned"),
        ("assigned/dr-9/pat-1", r#"{"inCare":true}"#, ""),
        ("proxies/mother-1/pat-1", "{}", "relatedPersonId"),
        ("proxies/mother-1/pat-1", r#"{"relatedPersonId":""}"#, "relatedPersonId"),
        ("answers", r#"{"tenantId":7}"#, "tenantId"),
    ];
    for (path, body, field) in table {
        let answer = put(&control(path), body).await;
        assert_eq!((answer.status, answer.json()["field"].as_str()), (400, Some(field)), "{body}: {}", answer.body);
    }
    assert_eq!(ask("DELETE", &control("assigned/dr-9/pat-1"), &[], "").await.header("allow"), Some("GET, PUT"));
}

#[tokio::test]
async fn it_is_down_slow_or_wrong_apart_from_consents_and_can_answer_about_another_tenant() {
    let standins = standins().await;
    standins.assign("dr-9", "pat-1");
    let table = [
        (Mode::DOWN, Err(NeighbourFault::Status(503))),
        (Mode::down_with(403), Err(NeighbourFault::Status(403))),
        (Mode::SLOW, Err(NeighbourFault::TimedOut)),
        (Mode::WRONG, Err(NeighbourFault::Malformed)),
        (Mode::UP, Ok(RelationAnswer::Assigned)),
    ];
    for (mode, expected) in table {
        standins.set_mode(Name::Access, mode);
        assert_eq!(assigned(&standins).await, expected, "{mode:?}");
    }
    standins.set_mode(Name::Consent, Mode::DOWN);
    assert_eq!(assigned(&standins).await, Ok(RelationAnswer::Assigned), "only consents are down");
    assert_eq!(standins.requests(Name::Access).len(), 6);
    assert!(standins.requests(Name::Consent).is_empty());

    standins.answer_about(Some("tenant-b"));
    assert_eq!(assigned(&standins).await, Err(NeighbourFault::Malformed));
    standins.answer_about(None);
    assert_eq!(assigned(&standins).await, Ok(RelationAnswer::Assigned));
}

#[tokio::test]
async fn a_question_that_is_not_as_agreed_is_refused() {
    let standins = standins().await;
    let url = format!("{}/internal/access/evaluate", standins.base_url());
    let good = json!({
        "tenantId": "tenant-a", "subject": {"type": "User", "id": "dr-9"}, "action": "virtual_care:patient:assigned",
        "resource": {"type": "Patient", "id": "pat-1"},
    });
    assert_eq!(ask("POST", &url, &[], &good.to_string()).await.status, 200);
    for (member, value) in [
        ("tenantId", json!("")),
        ("subject", json!({"type": "Group", "id": "dr-9"})),
        ("subject", json!("dr-9")),
        ("action", json!("virtual_care:patient:read")),
        ("resource", json!({"type": "Patient"})),
    ] {
        let mut question = good.clone();
        question[member] = value;
        assert_eq!(ask("POST", &url, &[], &question.to_string()).await.status, 400, "{question}");
    }
    assert_eq!(get(&url).await.header("allow"), Some("POST"));
}
