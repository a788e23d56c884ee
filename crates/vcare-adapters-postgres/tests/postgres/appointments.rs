//! Locks on appointments.

use tokio::join;
use vcare_app::ports::Reads;
use vcare_domain::{AppointmentId, SessionStatus};

use crate::support::{Bench, HERAT, KABUL, tenant, uuid_of};

fn appointment(id: &str) -> AppointmentId {
    AppointmentId::parse(id).unwrap()
}

#[tokio::test]
async fn who_creates_a_visit_for_an_appointment_waits_for_who_does_so_already() {
    let bench = Bench::start().await;
    let visit = bench.saved(KABUL, SessionStatus::Scheduled).await;
    let mut first = bench.begin(KABUL).await;
    assert_eq!(first.sessions().lock_appointment(&appointment("appt-1")).await.unwrap(), None);
    // Other appointments, and other tenants' of the same id, wait for nobody.
    for (tenant, id) in [(KABUL, "appt-2"), (HERAT, "appt-1")] {
        let mut other = bench.begin(tenant).await;
        assert_eq!(other.sessions().lock_appointment(&appointment(id)).await.unwrap(), None);
        other.rollback().await.unwrap();
    }
    let mut second = bench.begin(KABUL).await;
    let id = appointment("appt-1");
    let waits = async { second.sessions().lock_appointment(&id).await.unwrap() };
    let writes = async {
        bench.until_somebody_waits().await;
        let named = "UPDATE virtual_session SET appointment_id = 'appt-1' WHERE id = $1";
        bench.run(named, &[&uuid_of(&visit)]).await;
        first.commit().await.unwrap();
    };
    let (found, ()) = join!(waits, writes);
    assert_eq!(found, Some(visit.parts().id), "what was committed while it waited is seen");
    second.rollback().await.unwrap();
}

#[tokio::test]
async fn who_died_with_an_appointment_locked_holds_up_nobody() {
    let bench = Bench::start().await;
    let mut dead = bench.begin(KABUL).await;
    dead.sessions().lock_appointment(&appointment("appt-1")).await.unwrap();
    drop(dead);
    let mut next = bench.begin(KABUL).await;
    assert_eq!(next.sessions().lock_appointment(&appointment("appt-1")).await.unwrap(), None);
    next.rollback().await.unwrap();
}

#[tokio::test]
async fn of_several_visits_of_an_appointment_the_oldest_that_takes_place_is_named() {
    let bench = Bench::start().await;
    let cancelled = bench.saved(KABUL, SessionStatus::Cancelled).await;
    let visits = [bench.saved(KABUL, SessionStatus::Ended).await, bench.saved(KABUL, SessionStatus::Waiting).await];
    let mut ids: Vec<_> = visits.iter().map(|visit| visit.parts().id).collect();
    ids.sort_unstable();
    bench.run("UPDATE virtual_session SET appointment_id = 'appt-1'", &[]).await;
    let found = bench.store.session_of_appointment(&tenant(KABUL), &appointment("appt-1")).await.unwrap();
    assert_eq!(found, Some(ids[0]));
    assert_ne!(found, Some(cancelled.parts().id));
    assert_eq!(bench.store.session_of_appointment(&tenant(HERAT), &appointment("appt-1")).await.unwrap(), None);
}
