//! Many visits and jobs in one transaction.

use time::Duration;
use tokio::task::JoinSet;
use vcare_app::TraceContext;
use vcare_app::ports::{GivenBack, JobKind, JobQueue, Reads, Store, StoreError, TracedSession};
use vcare_domain::{EncounterId, SessionId, SessionStatus, VirtualSession};

use crate::support::{Bench, HERAT, KABUL, applied, scope, tenant, uuid_of};

async fn ended(bench: &Bench, count: usize) -> Vec<VirtualSession> {
    let mut visits = Vec::new();
    for _ in 0..count {
        visits.push(bench.saved(KABUL, SessionStatus::Ended).await);
    }
    visits
}

fn ids(visits: &[VirtualSession]) -> Vec<SessionId> {
    visits.iter().map(|visit| visit.parts().id).collect()
}

fn traced(visits: &mut [VirtualSession], trace: &TraceContext) -> Vec<(EncounterId, TraceContext)> {
    let mut traces = Vec::new();
    for (number, visit) in visits.iter_mut().enumerate() {
        let encounter = EncounterId::parse(format!("enc-{number}")).unwrap();
        let at = visit.parts().updated_at;
        applied(visit.record_encounter(encounter.clone(), at));
        traces.push((encounter, TraceContext { correlation_id: format!("req-{number}"), ..trace.clone() }));
    }
    traces
}

#[tokio::test]
async fn many_visits_are_saved_together_each_with_its_events_and_trace() {
    let bench = Bench::start().await;
    let mut visits = ended(&bench, 5).await;
    let traces = traced(&mut visits, &scope(KABUL).trace);
    let before = bench.count("outbox").await;
    let mut tx = bench.begin(KABUL).await;
    let mut sessions: Vec<_> =
        visits.iter_mut().zip(&traces).map(|(session, (_, trace))| TracedSession { session, trace }).collect();
    tx.sessions().save_all(&mut sessions).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(bench.count("outbox").await, before + 5);
    for (visit, (encounter, trace)) in visits.iter().zip(&traces) {
        assert_eq!(bench.read(visit).await.unwrap().unwrap().parts(), visit.parts());
        let body = "SELECT body FROM outbox WHERE ordering_key = $1 ORDER BY position DESC LIMIT 1";
        let row = bench.database.query_one(body, &[&visit.parts().id.to_string()]).await.unwrap();
        let event: serde_json::Value = serde_json::from_slice(row.get(0)).unwrap();
        assert_eq!(event["data"]["encounterId"], encounter.as_str());
        assert_eq!(event["correlationid"], trace.correlation_id.as_str());
    }
}

#[tokio::test]
async fn of_many_visits_one_that_was_changed_meanwhile_keeps_all_from_being_saved() {
    let bench = Bench::start().await;
    let mut visits = ended(&bench, 3).await;
    let traces = traced(&mut visits, &scope(KABUL).trace);
    bench.run("UPDATE virtual_session SET version = version + 1 WHERE id = $1", &[&uuid_of(&visits[1])]).await;
    let before = bench.count("outbox").await;
    let mut tx = bench.begin(KABUL).await;
    let mut sessions: Vec<_> =
        visits.iter_mut().zip(&traces).map(|(session, (_, trace))| TracedSession { session, trace }).collect();
    let error = tx.sessions().save_all(&mut sessions).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict));
    tx.rollback().await.unwrap();
    assert_eq!(bench.count("outbox").await, before);
    assert_eq!(bench.count("virtual_session WHERE encounter_id IS NOT NULL").await, 0);
}

#[tokio::test]
async fn many_visits_are_found_by_id_in_their_order_and_only_the_tenants_own() {
    let bench = Bench::start().await;
    let visits = ended(&bench, 4).await;
    let other = bench.saved(HERAT, SessionStatus::Ended).await;
    let mut wanted = ids(&visits);
    let mut asked = wanted.clone();
    asked.reverse();
    asked.push(other.parts().id);
    wanted.sort();
    let mut tx = bench.begin(KABUL).await;
    assert_eq!(ids(&tx.sessions().find_all(&asked).await.unwrap()), wanted);
    tx.rollback().await.unwrap();
    let read = bench.store.sessions_by_id(&tenant(KABUL), &asked).await.unwrap();
    let mut read: Vec<_> = read.into_iter().map(|(id, visit)| (id, visit.unwrap().parts().id)).collect();
    read.sort();
    assert_eq!(read, wanted.iter().map(|id| (*id, *id)).collect::<Vec<_>>());
}

/// Whichever way they name them, they lock them in one order: neither waits for the other for ever.
#[tokio::test(flavor = "multi_thread")]
async fn two_who_want_the_same_visits_at_once_both_get_them() {
    let bench = Bench::start().await;
    let mut forth = ids(&ended(&bench, 20).await);
    let mut both = JoinSet::new();
    for _ in 0..2 {
        let config = (bench.config.clone(), bench.clock.clone(), bench.ids.clone(), bench.wake.clone());
        let visits = forth.clone();
        both.spawn(async move {
            let (config, clock, ids, wake) = config;
            let store = crate::support::store(&config, &clock, &ids, &wake);
            for _ in 0..20 {
                let mut tx = store.begin("test", &scope(KABUL)).await.unwrap();
                assert_eq!(tx.sessions().find_all(&visits).await.unwrap().len(), 20);
                tx.rollback().await.unwrap();
            }
        });
        forth.reverse();
    }
    both.join_all().await;
}

#[tokio::test]
async fn a_row_that_makes_no_sense_spoils_no_other_that_is_read_with_it() {
    let bench = Bench::start().await;
    let visits = ended(&bench, 3).await;
    bench.run("UPDATE virtual_session SET participants = '[{}]' WHERE id = $1", &[&uuid_of(&visits[1])]).await;
    for (id, visit) in bench.store.sessions_by_id(&tenant(KABUL), &ids(&visits)).await.unwrap() {
        assert_eq!(visit.is_err(), id == visits[1].parts().id);
    }
    let mut tx = bench.begin(KABUL).await;
    let error = tx.sessions().find_all(&ids(&visits)).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { table: "virtual_session", column: "participants" }));
}

#[tokio::test]
async fn a_job_that_was_not_begun_is_given_back_as_it_was_taken() {
    let bench = Bench::start().await;
    ended(&bench, 2).await;
    bench.clock.advance(Duration::MINUTE);
    let leased = bench.jobs().lease(JobKind::CreateEncounter, bench.now(), Duration::MINUTE, 9).await.unwrap();
    assert_eq!(leased.iter().map(|job| job.attempts).collect::<Vec<_>>(), [2, 2]);
    let back = |number: usize, error| GivenBack {
        session_id: leased[number].session_id,
        kind: JobKind::CreateEncounter,
        lease: leased[number].lease,
        due: bench.now(),
        error,
    };
    bench.jobs().give_back(&[back(0, None), back(1, Some("timed_out"))]).await.unwrap();
    let mut again = bench.jobs().lease(JobKind::CreateEncounter, bench.now(), Duration::MINUTE, 9).await.unwrap();
    again.sort_by_key(|job| job.session_id != leased[0].session_id);
    assert_eq!(again.iter().map(|job| job.attempts).collect::<Vec<_>>(), [2, 3]);
    bench.jobs().give_back(&[]).await.unwrap();
}

#[tokio::test]
async fn only_jobs_whose_visit_needs_nothing_more_are_closed_as_settled_and_only_under_their_lease() {
    let bench = Bench::start().await;
    let visits = ended(&bench, 4).await;
    let theirs = bench.saved(HERAT, SessionStatus::Ended).await;
    let settle = "UPDATE virtual_session SET encounter_status = 'created', encounter_id = 'enc-1' WHERE id = $1";
    for visit in [&visits[0], &visits[1], &theirs] {
        bench.run(settle, &[&uuid_of(visit)]).await;
    }
    bench.run("UPDATE virtual_session SET encounter_status = 'parked' WHERE id = $1", &[&uuid_of(&visits[2])]).await;
    bench.clock.advance(Duration::MINUTE);
    let leased = bench.jobs().lease(JobKind::CreateEncounter, bench.now(), Duration::MINUTE, 9).await.unwrap();
    assert_eq!(leased.len(), 5);
    bench
        .run("UPDATE retry_job SET lease_token = gen_random_uuid() WHERE session_id = $1", &[&uuid_of(&visits[1])])
        .await;
    let held: Vec<_> = leased.iter().map(|job| (job.session_id, job.lease)).collect();
    let mut tx = bench.begin(KABUL).await;
    assert_eq!(tx.jobs().close_settled(&held).await.unwrap(), [visits[0].parts().id]);
    tx.commit().await.unwrap();
    assert_eq!(bench.count("retry_job").await, 4);
}
