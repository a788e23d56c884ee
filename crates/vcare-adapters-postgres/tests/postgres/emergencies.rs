//! Emergency access: kept with its audit entry and its event, and found until it ends.

use serde_json::{Value, json};
use time::Duration;
use vcare_adapters_postgres::{PgConfig, PgOversight};
use vcare_app::ports::{EmergencyReads, Ids, Oversight, StoreError};
use vcare_domain::{
    EMERGENCY_LASTS, EmergencyAccess, EmergencyAccessId, EmergencyCode, EmergencyReason, NewEmergencyAccess, PatientId,
    Reason, SessionId, UserId, VisitId,
};

use crate::support::{Bench, HERAT, KABUL, PATIENT, PROVIDER, tenant, told, user};

/// Must stand in no event and in no error.
const WHY: &str = "no pulse on arrival, nobody knows him";

fn patient() -> PatientId {
    PatientId::parse(PATIENT).unwrap()
}

/// A new access of the provider to the patient, from now on.
fn granted(bench: &Bench, tenant_name: &str) -> EmergencyAccess {
    let new = NewEmergencyAccess {
        id: EmergencyAccessId::from_uuid(bench.ids.uuid()),
        tenant_id: tenant(tenant_name),
        user_id: user(PROVIDER),
        patient_id: patient(),
        reason: Reason { code: EmergencyCode::Handover, note: Some(EmergencyReason::parse(WHY).unwrap()) },
        visit: Some(VisitId::Live(SessionId::from_uuid(bench.ids.uuid()))),
    };
    EmergencyAccess::grant(new, bench.now())
}

/// Keeps it and commits.
async fn kept(bench: &Bench, tenant_name: &str) -> EmergencyAccess {
    let access = granted(bench, tenant_name);
    let mut tx = bench.begin(tenant_name).await;
    tx.emergencies().keep(&access, &[user("dr-treating")]).await.unwrap();
    tx.commit().await.unwrap();
    access
}

async fn found(bench: &Bench, tenant_name: &str, who: &UserId, whom: &PatientId) -> Option<EmergencyAccess> {
    let read = bench.store.open_emergency(&tenant(tenant_name), who, whom, bench.now()).await.unwrap();
    let mut tx = bench.begin(tenant_name).await;
    let inside = tx.emergencies().open(who, whom, bench.now()).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(read, inside, "outside of a transaction it is the same");
    read
}

/// What waits in the outbox: subject, ordering key and data.
async fn events(bench: &Bench) -> Vec<(String, String, Value)> {
    let rows =
        bench.database.rows("SELECT subject, ordering_key, body FROM outbox ORDER BY position", &[]).await.unwrap();
    let data = |body: Vec<u8>| serde_json::from_slice::<Value>(&body).unwrap()["data"].clone();
    rows.iter().map(|row| (row.get(0), row.get(1), data(row.get(2)))).collect()
}

#[tokio::test]
async fn an_emergency_access_is_kept_and_found_until_it_ends() {
    let bench = Bench::start().await;
    assert_eq!(found(&bench, KABUL, &user(PROVIDER), &patient()).await, None);
    let access = kept(&bench, KABUL).await;
    assert_eq!(found(&bench, KABUL, &user(PROVIDER), &patient()).await.as_ref(), Some(&access));
    bench.clock.advance(EMERGENCY_LASTS - Duration::MILLISECOND);
    assert_eq!(found(&bench, KABUL, &user(PROVIDER), &patient()).await.as_ref(), Some(&access));
    bench.clock.advance(Duration::MILLISECOND);
    assert_eq!(found(&bench, KABUL, &user(PROVIDER), &patient()).await, None);
    // Who needs it again gives a reason again.
    let again = kept(&bench, KABUL).await;
    assert_eq!(found(&bench, KABUL, &user(PROVIDER), &patient()).await, Some(again));
    assert_eq!(bench.count("emergency_access").await, 2, "what was granted is not forgotten");
}

#[tokio::test]
async fn an_emergency_access_is_for_one_person_to_one_patient_in_one_tenant() {
    let bench = Bench::start().await;
    kept(&bench, KABUL).await;
    let other = PatientId::parse("pat-other").unwrap();
    assert_eq!(found(&bench, KABUL, &user(PROVIDER), &other).await, None);
    assert_eq!(found(&bench, KABUL, &user("dr-other"), &patient()).await, None);
    assert_eq!(found(&bench, HERAT, &user(PROVIDER), &patient()).await, None);
}

#[tokio::test]
async fn row_audit_entry_and_event_are_one_transaction() {
    let bench = Bench::start().await;
    let access = granted(&bench, KABUL);
    for commits in [false, true] {
        let mut tx = bench.begin(KABUL).await;
        let treating = [user("dr-treating"), user("dr-another"), user("dr-treating")];
        tx.emergencies().keep(&access, &treating).await.unwrap();
        if commits {
            tx.commit().await.unwrap()
        } else {
            tx.rollback().await.unwrap()
        }
        let written = (bench.count("emergency_access").await, bench.count("outbox").await);
        assert_eq!(written, if commits { (1, 2) } else { (0, 0) });
        assert_eq!(bench.was_rung().await, commits);
    }
    let (id, visit) = (access.id.to_string(), access.visit.unwrap().to_string());
    let [(audit, first_key, entry), (subject, second_key, event)] = &events(&bench).await[..] else { panic!() };
    assert_eq!((audit.as_str(), first_key.as_str()), ("virtual_care.audit.recorded.v1", PATIENT));
    assert_eq!(
        *entry,
        json!({
            "eventType": "EMERGENCY_ACCESS", "actorId": PROVIDER, "actorType": "USER", "resourceType": "Patient",
            "resourceId": PATIENT, "action": "READ", "outcome": "SUCCESS", "metadata": {"accessId": id, "reasonCode": "handover", "visit": visit},
        })
    );
    assert_eq!((subject.as_str(), second_key.as_str()), ("virtual_care.access.emergency.v1", PATIENT));
    let at = vcare_app::timestamp::Timestamp;
    assert_eq!(
        *event,
        json!({
            "accessId": id, "actorId": PROVIDER, "patientId": PATIENT, "visitId": visit,
            "treatingProviderIds": ["dr-another", "dr-treating"], "reasonCode": "handover",
            "grantedAt": at(access.granted_at), "expiresAt": at(access.expires_at),
        })
    );
    let said = bench.database.rows("SELECT body FROM outbox", &[]).await.unwrap();
    for row in said {
        assert!(!String::from_utf8(row.get(0)).unwrap().contains(WHY), "the reason stays here");
    }
}

#[tokio::test]
async fn of_two_who_want_the_same_access_at_once_the_second_finds_the_first_ones() {
    let bench = Bench::start().await;
    let mut first = bench.begin(KABUL).await;
    assert_eq!(first.emergencies().open(&user(PROVIDER), &patient(), bench.now()).await.unwrap(), None);
    let mut second = bench.begin(KABUL).await;
    let asks = async {
        let found = second.emergencies().open(&user(PROVIDER), &patient(), bench.now()).await;
        second.rollback().await.unwrap();
        found
    };
    let access = granted(&bench, KABUL);
    let keeps = async {
        bench.until_somebody_waits().await;
        first.emergencies().keep(&access, &[]).await.unwrap();
        first.commit().await.unwrap();
    };
    let (found, ()) = tokio::join!(asks, keeps);
    assert_eq!(found.unwrap(), Some(access));
    assert_eq!(bench.count("emergency_access").await, 1);
}

#[tokio::test]
async fn who_wants_another_access_waits_for_nobody() {
    let bench = Bench::start().await;
    let mut first = bench.begin(KABUL).await;
    first.emergencies().open(&user(PROVIDER), &patient(), bench.now()).await.unwrap();
    for (tenant_name, who, whom) in
        [(HERAT, PROVIDER, PATIENT), (KABUL, "dr-other", PATIENT), (KABUL, PROVIDER, "pat-other")]
    {
        let mut other = bench.begin(tenant_name).await;
        let whom = PatientId::parse(whom).unwrap();
        assert_eq!(other.emergencies().open(&user(who), &whom, bench.now()).await.unwrap(), None);
        other.rollback().await.unwrap();
    }
    first.rollback().await.unwrap();
}

#[tokio::test]
async fn an_access_of_another_tenant_is_not_kept_and_nothing_is_repeated() {
    let bench = Bench::start().await;
    let access = granted(&bench, HERAT);
    let mut tx = bench.begin(KABUL).await;
    let error = tx.emergencies().keep(&access, &[]).await.unwrap_err();
    tx.rollback().await.unwrap();
    for hidden in [WHY, PATIENT, PROVIDER] {
        assert!(!told(&error).contains(hidden), "{}", told(&error));
    }
    assert_eq!((bench.count("emergency_access").await, bench.count("outbox").await), (0, 0));
}

#[tokio::test]
async fn a_row_that_makes_no_sense_grants_nothing() {
    let bench = Bench::start().await;
    for (column, value) in [("visit", "vsn_1"), ("reason", "          spaces")] {
        kept(&bench, KABUL).await;
        bench.run(&format!("UPDATE emergency_access SET {column} = $1"), &[&value]).await;
        let read = bench.store.open_emergency(&tenant(KABUL), &user(PROVIDER), &patient(), bench.now()).await;
        let Err(StoreError::Corrupt { table: "emergency_access", column: named }) = read else { panic!("{read:?}") };
        assert_eq!(named, column);
        bench.run("DELETE FROM emergency_access", &[]).await;
    }
}

#[tokio::test]
async fn those_who_watch_see_the_accesses_of_all_tenants_or_of_one_since_a_moment() {
    let bench = Bench::start().await;
    let first = kept(&bench, KABUL).await;
    bench.clock.advance(Duration::HOUR);
    let second = kept(&bench, HERAT).await;
    let oversight = PgOversight::new(&PgConfig::new(bench.database.admin_url()));
    let all = oversight.emergencies(None, first.granted_at).await.unwrap();
    assert_eq!(all, [first.clone(), second.clone()], "oldest first");
    let later = first.granted_at + Duration::MILLISECOND;
    assert_eq!(oversight.emergencies(None, later).await.unwrap(), [second]);
    assert_eq!(oversight.emergencies(Some(&tenant(KABUL)), first.granted_at).await.unwrap(), [first]);
    assert_eq!(oversight.emergencies(Some(&tenant(KABUL)), later).await.unwrap(), []);
}
