//! One transaction: all of it or nothing.

use std::time::Duration as Patience;

use time::Duration;
use vcare_app::ports::{ClosedJob, JobEnd, JobKind, StoreError};
use vcare_domain::{LeaseToken, Reason, SessionStatus, VirtualSession};

use crate::support::{Bench, HERAT, KABUL, applied, change, patient_of, prose, user, uuid_of};

async fn written(bench: &Bench) -> (i64, i64, i64) {
    (bench.count("virtual_session").await, bench.count("outbox").await, bench.count("retry_job").await)
}

/// The server's processes behind the service's connections.
async fn backends(bench: &Bench) -> Vec<i32> {
    let query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = 'vcare_service'";
    bench.database.rows(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_save_writes_the_row_its_events_and_its_follow_ups() {
    let bench = Bench::start().await;
    let mut visit = bench.visit(KABUL, SessionStatus::Ended);
    let events = i64::try_from(visit.events().len()).unwrap();
    assert_eq!(visit.follow_ups().len(), 1);
    bench.save(KABUL, &mut visit).await;
    assert_eq!(written(&bench).await, (1, events, 1));
    assert!(visit.events().is_empty() && visit.follow_ups().is_empty(), "drained");
    let subjects = "SELECT subject, ordering_key, tenant_id, body FROM outbox ORDER BY position";
    let rows = bench.database.rows(subjects, &[]).await.unwrap();
    assert_eq!(rows.first().unwrap().get::<_, &str>(0), "virtual_care.session.created.v1");
    assert_eq!(rows.last().unwrap().get::<_, &str>(0), "virtual_care.session.ended.v1");
    for row in rows {
        assert_eq!(row.get::<_, &str>(1), visit.parts().id.to_string());
        assert_eq!(row.get::<_, &str>(2), KABUL);
        let body = String::from_utf8(row.get(3)).unwrap();
        assert!(body.contains(&format!("\"type\":\"{}\"", row.get::<_, &str>(0))), "{body}");
    }
}

#[tokio::test]
async fn a_save_of_a_stale_version_is_a_conflict_and_writes_nothing() {
    let bench = Bench::start().await;
    let visit = bench.saved(KABUL, SessionStatus::Active).await;
    let mut stale = bench.read(&visit).await.unwrap().unwrap();
    let mut newer = stale.clone();
    change(&bench, &mut newer);
    bench.save(KABUL, &mut newer).await;
    let before = written(&bench).await;

    let by = vcare_domain::Change { by: user("dr-amiri"), at: bench.now() + Duration::HOUR, expected: None };
    applied(stale.end(None, &by));
    let mut tx = bench.begin(KABUL).await;
    let refused = tx.sessions().save(&mut stale).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    assert!(!stale.events().is_empty(), "what was not saved is still to be saved");
    // Whatever is done with the transaction then.
    tx.commit().await.unwrap();
    assert_eq!(written(&bench).await, before);
    assert_eq!(bench.read(&visit).await.unwrap().unwrap().parts(), newer.parts());
}

#[tokio::test]
async fn a_visit_that_is_gone_is_a_conflict_too() {
    let bench = Bench::start().await;
    let mut visit = bench.saved(KABUL, SessionStatus::Waiting).await;
    bench.run("DELETE FROM virtual_session", &[]).await;
    change(&bench, &mut visit);
    let mut tx = bench.begin(KABUL).await;
    assert!(matches!(tx.sessions().save(&mut visit).await, Err(StoreError::Conflict)));
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn an_id_and_a_room_are_taken_once() {
    let bench = Bench::start().await;
    let visit = bench.saved(KABUL, SessionStatus::Scheduled).await;
    let before = written(&bench).await;
    let mut same_id = bench.visit(KABUL, SessionStatus::Scheduled).parts().clone();
    same_id.id = visit.parts().id;
    let mut same_room = bench.visit(KABUL, SessionStatus::Scheduled).parts().clone();
    same_room.room = visit.parts().room.clone();
    for parts in [same_id, same_room] {
        let mut new = unsaved(&bench, parts);
        let mut tx = bench.begin(KABUL).await;
        let refused = tx.sessions().save(&mut new).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
        tx.rollback().await.unwrap();
    }
    assert_eq!(written(&bench).await, before);
    // Another tenant may have a room of that name: it stands on another server.
    let mut theirs = bench.visit(HERAT, SessionStatus::Scheduled).parts().clone();
    theirs.room = visit.parts().room.clone();
    bench.save(HERAT, &mut unsaved(&bench, theirs)).await;
}

/// A visit of those parts that was never saved.
fn unsaved(bench: &Bench, parts: vcare_domain::SessionParts) -> VirtualSession {
    let new = vcare_domain::NewSession {
        id: parts.id,
        tenant_id: parts.tenant_id,
        node_id: parts.node_id,
        patient_id: parts.patient_id,
        patient_participant_id: parts.participants[0].id,
        appointment_id: parts.appointment_id,
        provider: None,
        initiator_id: parts.initiator_id,
        video_backend: parts.video_backend,
        room: parts.room,
        schedule: parts.schedule,
        recording_enabled: parts.recording_enabled,
    };
    VirtualSession::create(new, bench.now())
}

#[tokio::test]
async fn a_dropped_unit_of_work_undoes_all_and_the_pool_goes_on() {
    // One connection: whoever comes next gets the one that was left in the middle, or a new one in its place.
    let bench = Bench::start_with(|config| config.max_connections = 1).await;
    for _ in 0..3 {
        let mut visit = bench.visit(KABUL, SessionStatus::Ended);
        let mut tx = bench.begin(KABUL).await;
        tx.sessions().save(&mut visit).await.unwrap();
        drop(tx);
        assert!(bench.read(&visit).await.unwrap().is_none());
    }
    assert_eq!(written(&bench).await, (0, 0, 0));
    assert!(!bench.was_rung().await);
    bench.saved(KABUL, SessionStatus::Scheduled).await;
    assert_eq!(written(&bench).await.0, 1);
}

#[tokio::test]
async fn a_unit_of_work_that_is_abandoned_in_the_middle_of_a_statement_is_undone() {
    let bench = Bench::start_with(|config| config.max_connections = 1).await;
    let visit = bench.saved(KABUL, SessionStatus::Active).await;
    let mut owner = vcare_testkit::postgres::tokio_postgres::connect(
        &bench.database.admin_url(),
        vcare_testkit::postgres::tokio_postgres::NoTls,
    )
    .await
    .unwrap();
    tokio::spawn(owner.1);
    let lock = owner.0.transaction().await.unwrap();
    lock.execute("SELECT FROM virtual_session FOR UPDATE", &[]).await.unwrap();
    let mut tx = bench.begin(KABUL).await;
    {
        // As when the caller hangs up: the future is dropped while the database works.
        let mut sessions = tx.sessions();
        let finding = tokio::time::timeout(Patience::from_millis(100), sessions.find(visit.parts().id));
        assert!(finding.await.is_err(), "the row is locked");
    }
    drop(tx);
    lock.rollback().await.unwrap();
    assert!(bench.read(&visit).await.unwrap().is_some(), "the next caller has a good connection");
}

#[tokio::test]
async fn a_rollback_undoes_all_and_keeps_the_connection() {
    let bench = Bench::start_with(|config| config.max_connections = 1).await;
    bench.saved(KABUL, SessionStatus::Scheduled).await;
    let (before, connection) = (written(&bench).await, backends(&bench).await);
    assert_eq!(connection.len(), 1);
    bench.was_rung().await;
    for _ in 0..3 {
        let mut visit = bench.visit(KABUL, SessionStatus::Ended);
        let mut tx = bench.begin(KABUL).await;
        tx.sessions().save(&mut visit).await.unwrap();
        tx.rollback().await.unwrap();
    }
    // After a statement that failed, too.
    let mut twice = bench.visit(KABUL, SessionStatus::Scheduled);
    let mut again = twice.clone();
    let mut tx = bench.begin(KABUL).await;
    tx.sessions().save(&mut twice).await.unwrap();
    assert!(tx.sessions().save(&mut again).await.is_err());
    tx.rollback().await.unwrap();
    assert_eq!(written(&bench).await, before);
    assert_eq!(backends(&bench).await, connection);
    assert!(!bench.was_rung().await, "nothing was written that could be published");
}

#[tokio::test]
async fn the_relay_is_woken_by_a_commit_that_wrote_events_and_by_no_other() {
    let bench = Bench::start().await;
    let visit = bench.saved(KABUL, SessionStatus::Scheduled).await;
    assert!(bench.was_rung().await);
    let mut tx = bench.begin(KABUL).await;
    tx.sessions().find(visit.parts().id).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!bench.was_rung().await);
}

#[tokio::test]
async fn who_decides_on_a_visit_decides_on_what_it_is_until_they_commit() {
    let bench = Bench::start().await;
    let visit = bench.saved(KABUL, SessionStatus::Waiting).await;
    let id = visit.parts().id;
    let mut first = bench.begin(KABUL).await;
    let mut seen = first.sessions().find(id).await.unwrap().unwrap();
    let mut second = bench.begin(KABUL).await;
    let deciding = tokio::spawn(async move {
        let seen = second.sessions().find(id).await.unwrap().unwrap();
        second.rollback().await.unwrap();
        seen
    });
    bench.until_somebody_waits().await;
    change(&bench, &mut seen);
    first.sessions().save(&mut seen).await.unwrap();
    first.commit().await.unwrap();
    assert_eq!(deciding.await.unwrap().parts(), seen.parts());
}

#[tokio::test]
async fn reading_waits_for_nobody_who_decides() {
    let bench = Bench::start().await;
    let visit = bench.saved(KABUL, SessionStatus::Waiting).await;
    let mut tx = bench.begin(KABUL).await;
    tx.sessions().find(visit.parts().id).await.unwrap();
    let read = tokio::time::timeout(Patience::from_secs(5), bench.read(&visit)).await.unwrap();
    assert_eq!(read.unwrap().unwrap().parts(), visit.parts());
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn a_connection_serves_one_tenant_after_another_and_shows_each_its_own() {
    let bench = Bench::start_with(|config| config.max_connections = 1).await;
    let (kabul, herat) =
        (bench.saved(KABUL, SessionStatus::Active).await, bench.saved(HERAT, SessionStatus::Active).await);
    for _ in 0..3 {
        for (own, other, name) in [(&kabul, &herat, KABUL), (&herat, &kabul, HERAT)] {
            let mut tx = bench.begin(name).await;
            assert!(tx.sessions().find(own.parts().id).await.unwrap().is_some());
            assert!(tx.sessions().find(other.parts().id).await.unwrap().is_none());
            tx.rollback().await.unwrap();
        }
    }
    assert_eq!(backends(&bench).await.len(), 1);
}

fn done(visit: &VirtualSession, lease: LeaseToken) -> ClosedJob {
    ClosedJob { session_id: visit.parts().id, kind: JobKind::CreateEncounter, lease, end: JobEnd::Done }
}

#[tokio::test]
async fn a_job_belongs_to_who_stored_it_for_ten_seconds() {
    let bench = Bench::start().await;
    let mut visit = bench.visit(KABUL, SessionStatus::Ended);
    let mut tx = bench.begin(KABUL).await;
    tx.sessions().save(&mut visit).await.unwrap();
    let lease = tx.first_lease();
    tx.commit().await.unwrap();
    let query = "SELECT lease_token, due_at, attempts, state, session_id FROM retry_job";
    let job = bench.database.query_one(query, &[]).await.unwrap();
    assert_eq!(job.get::<_, uuid::Uuid>(0), *lease.as_uuid());
    assert_eq!(job.get::<_, time::OffsetDateTime>(1), bench.now() + Duration::seconds(10));
    assert_eq!((job.get::<_, i32>(2), job.get::<_, &str>(3)), (1, "open"));
    assert_eq!(job.get::<_, uuid::Uuid>(4), uuid_of(&visit));

    let mut tx = bench.begin(KABUL).await;
    assert_ne!(tx.first_lease(), lease);
    let other = tx.first_lease();
    tx.jobs().close(&[done(&visit, other)]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(bench.count("retry_job").await, 1, "under another lease nothing is closed");
    let mut tx = bench.begin(HERAT).await;
    tx.jobs().close(&[done(&visit, lease)]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(bench.count("retry_job").await, 1, "nor by another tenant");
    let mut tx = bench.begin(KABUL).await;
    tx.jobs().close(&[done(&visit, lease)]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(bench.count("retry_job").await, 0);
}

#[tokio::test]
async fn a_visit_is_changed_again_and_again_under_its_version() {
    let bench = Bench::start().await;
    let mut visit = bench.saved(KABUL, SessionStatus::Waiting).await;
    let by = vcare_domain::Change { by: user("dr-amiri"), at: bench.now(), expected: None };
    applied(visit.remove(patient_of(&visit), Reason::noted(prose("later")), &by));
    bench.save(KABUL, &mut visit).await;
    change(&bench, &mut visit);
    bench.save(KABUL, &mut visit).await;
    let read = bench.read(&visit).await.unwrap().unwrap();
    assert_eq!(read.parts(), visit.parts());
    assert_eq!(read.stored(), Some(visit.parts()));
}
