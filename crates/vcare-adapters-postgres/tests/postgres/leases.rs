//! Leases, promises and short links in the database.

use time::Duration;
use vcare_app::ports::{Claim, Holder, JobQueue, ShortLink, WaitingRooms};
use vcare_domain::{DeviceId, Heard, Lease, SessionStatus, TenantConfig, TenantConfigDraft, Version, VirtualSession};

use crate::support::{Bench, HERAT, KABUL, patient_of, tenant, uuid_of};

fn claim(bench: &Bench, visit: &VirtualSession, device: Option<&str>) -> Claim {
    Claim {
        session_id: visit.parts().id,
        participant_id: patient_of(visit),
        device: device.map(|name| DeviceId::parse(name).unwrap()),
        take_over: false,
        at: bench.now(),
    }
}

async fn lease(bench: &Bench, visit: &VirtualSession) -> Option<Lease> {
    let (tenant, patient) = (&visit.parts().tenant_id, patient_of(visit));
    let found = bench.store.session_and_lease(tenant, visit.parts().id, patient).await.unwrap();
    found.and_then(|(_, lease)| lease)
}

/// A beacon of somebody who was let in, committed.
async fn promise(bench: &Bench, tenant: &str, visit: &VirtualSession) {
    let mut tx = bench.begin(tenant).await;
    assert!(tx.leases().hear(visit.parts().id, patient_of(visit), Heard::Alive, bench.now(), true).await.unwrap());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_was_heard_in_a_transaction_that_died_was_not_heard() {
    let bench = Bench::start().await;
    let visit = bench.saved(KABUL, SessionStatus::Active).await;
    let mut tx = bench.begin(KABUL).await;
    assert!(tx.leases().hear(visit.parts().id, patient_of(&visit), Heard::Alive, bench.now(), true).await.unwrap());
    drop(tx);
    assert_eq!(lease(&bench, &visit).await, None);
}

#[tokio::test]
async fn a_promise_whose_end_was_not_committed_is_still_broken_and_one_that_was_is_not() {
    let bench = Bench::start().await;
    let (here, there) =
        (bench.saved(KABUL, SessionStatus::Active).await, bench.saved(HERAT, SessionStatus::Active).await);
    promise(&bench, KABUL, &here).await;
    promise(&bench, HERAT, &there).await;
    let due = bench.now() + Lease::LASTS;
    bench.clock.advance(Lease::LASTS - Duration::MILLISECOND);
    assert!(bench.jobs().broken_promises(bench.now(), 10).await.unwrap().is_empty());
    bench.clock.advance(Duration::MILLISECOND);
    // Of all tenants, and no more than were asked for.
    assert_eq!(bench.jobs().broken_promises(bench.now(), 10).await.unwrap().len(), 2);
    assert_eq!(bench.jobs().broken_promises(bench.now(), 1).await.unwrap().len(), 1);
    for commits in [false, true] {
        let mut tx = bench.begin(KABUL).await;
        let ended = tx.leases().end_broken_promise(here.parts().id, patient_of(&here), bench.now()).await.unwrap();
        assert_eq!(ended, Some(due));
        if commits {
            tx.commit().await.unwrap();
        } else {
            drop(tx);
        }
    }
    let mut tx = bench.begin(KABUL).await;
    let ended = tx.leases().end_broken_promise(here.parts().id, patient_of(&here), bench.now()).await.unwrap();
    assert_eq!(ended, None);
    // Another tenant's is not there.
    let ended = tx.leases().end_broken_promise(there.parts().id, patient_of(&there), bench.now()).await.unwrap();
    assert_eq!(ended, None);
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn a_device_that_is_taken_over_took_its_promise_along() {
    let bench = Bench::start().await;
    let visit = bench.saved(KABUL, SessionStatus::Active).await;
    assert!(bench.store.claim(&tenant(KABUL), &claim(&bench, &visit, Some("phone-one"))).await.unwrap());
    promise(&bench, KABUL, &visit).await;
    let other = claim(&bench, &visit, Some("phone-two"));
    assert!(!bench.store.claim(&tenant(KABUL), &other).await.unwrap());
    assert!(bench.store.claim(&tenant(KABUL), &Claim { take_over: true, ..other }).await.unwrap());
    assert!(!lease(&bench, &visit).await.unwrap().promised);
}

#[tokio::test]
async fn a_device_is_taken_over_when_another_one_holds_a_lease_that_lives() {
    let bench = Bench::start().await;
    let (visit, elsewhere) =
        (bench.saved(KABUL, SessionStatus::Waiting).await, bench.saved(HERAT, SessionStatus::Waiting).await);
    let holder = |visit: &VirtualSession, name: &str| Holder {
        session_id: visit.parts().id,
        participant_id: patient_of(visit),
        device: DeviceId::parse(name).unwrap(),
    };
    let both = [holder(&visit, "phone-one"), holder(&visit, "phone-two"), holder(&elsewhere, "phone-two")];
    let taken_over = async |of: &[Holder], now| bench.store.taken_over(&tenant(KABUL), of, now).await.unwrap();
    assert!(taken_over(&both, bench.now()).await.is_empty(), "nobody holds anything");
    assert!(bench.store.claim(&tenant(KABUL), &claim(&bench, &visit, None)).await.unwrap());
    assert!(taken_over(&both, bench.now()).await.is_empty(), "who names no device is nobody's rival");
    assert!(bench.store.claim(&tenant(HERAT), &claim(&bench, &elsewhere, Some("phone-one"))).await.unwrap());
    assert!(bench.store.claim(&tenant(KABUL), &claim(&bench, &visit, Some("phone-two"))).await.unwrap());
    assert_eq!(taken_over(&both, bench.now()).await, [visit.parts().id]);
    assert!(taken_over(&both[1..], bench.now()).await.is_empty(), "another tenant's is not there");
    assert!(taken_over(&both, bench.now() + Lease::LASTS).await.is_empty(), "it ended by itself");
}

#[tokio::test]
async fn what_is_over_is_forgotten_and_a_promise_is_looked_at_first() {
    let bench = Bench::start().await;
    let (quiet, promised) =
        (bench.saved(KABUL, SessionStatus::Active).await, bench.saved(HERAT, SessionStatus::Active).await);
    assert!(bench.store.claim(&tenant(KABUL), &claim(&bench, &quiet, None)).await.unwrap());
    promise(&bench, HERAT, &promised).await;
    let link = ShortLink {
        tenant_id: tenant(KABUL),
        session_id: quiet.parts().id,
        participant_id: patient_of(&quiet),
        version: 1,
        issued_at: bench.now(),
        expires_at: bench.now() + Duration::HOUR,
    };
    bench.store.keep_short_link([7; 32], &link).await.unwrap();
    bench.store.keep_short_link([7; 32], &link).await.unwrap();
    assert_eq!(bench.store.short_link([7; 32]).await.unwrap(), Some(link));
    assert_eq!(bench.store.short_link([8; 32]).await.unwrap(), None);
    bench.clock.advance(Duration::HOUR);
    assert_eq!(bench.jobs().forget_waiting(bench.now()).await.unwrap(), 1);
    assert_eq!(bench.jobs().forget_waiting(bench.now() + Duration::SECOND).await.unwrap(), 1);
    assert_eq!((bench.count("presence_lease").await, bench.count("short_link").await), (1, 0));
    assert_eq!(lease(&bench, &quiet).await, None);
    assert!(lease(&bench, &promised).await.unwrap().promised);
}

/// Thousands of leases that ran out must not be read to find those that live, nor all visits to find the latest.
#[tokio::test]
async fn the_lines_are_found_by_indexes() {
    let bench = Bench::start().await;
    let visit = bench.saved(KABUL, SessionStatus::Waiting).await;
    assert!(bench.store.claim(&tenant(KABUL), &claim(&bench, &visit, None)).await.unwrap());
    let ended = bench.saved(KABUL, SessionStatus::Ended).await;
    let copies = "INSERT INTO virtual_session
        SELECT (jsonb_populate_record(v, jsonb_build_object('id', gen_random_uuid(), 'room_name', 'copy-' || n))).*
          FROM virtual_session AS v, generate_series(1, 3000) AS n WHERE v.id = $1";
    bench.run(copies, &[&uuid_of(&ended)]).await;
    let leases = "INSERT INTO presence_lease
        SELECT tenant_id, id, id, NULL, now() - interval '400 days', now() - interval '400 days', false FROM virtual_session";
    bench.run(leases, &[]).await;
    let settings = TenantConfigDraft::new("https://meet.example", "kabul");
    let settings = TenantConfig::check(tenant(KABUL), Version::FIRST, settings).unwrap();
    let mut tx = bench.begin(KABUL).await;
    tx.tenant_configs().put(&settings, &[]).await.unwrap();
    tx.commit().await.unwrap();
    // The visit is open by now: only such visits are in line.
    bench.run("UPDATE virtual_session SET scheduled_start = scheduled_start - interval '1 hour'", &[]).await;
    bench.run("ANALYZE", &[]).await;
    let scans = async || {
        let query = "SELECT coalesce(sum(seq_tup_read), 0)::bigint FROM pg_stat_user_tables WHERE relname = ANY ($1)";
        let tables = ["virtual_session", "presence_lease"];
        bench.run("SELECT pg_stat_force_next_flush()", &[]).await;
        bench.database.query_one(query, &[&tables.as_slice()]).await.unwrap().get::<_, i64>(0)
    };
    let before = scans().await;
    let queues = bench.store.queues(&tenant(KABUL), bench.now()).await.unwrap();
    assert_eq!(
        (queues.len(), queues[0].waiters.len(), queues[0].took.len(), queues[0].tenant_took.len()),
        (1, 1, 10, 20)
    );
    let device = DeviceId::parse("phone-one").unwrap();
    let holder = Holder { session_id: visit.parts().id, participant_id: patient_of(&visit), device };
    bench.store.taken_over(&tenant(KABUL), &vec![holder; 100], bench.now()).await.unwrap();
    assert!(scans().await - before < 3000, "it read whole tables");
}
