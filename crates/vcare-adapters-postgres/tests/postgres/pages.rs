//! Lists of visits.

use time::Duration;
use vcare_app::ports::Order::{Ascending, Descending};
use vcare_app::ports::{Reads, SessionFilter};
use vcare_domain::{PatientId, SessionId, SessionStatus};

use crate::support::{Bench, HERAT, KABUL, PATIENT, tenant};

#[tokio::test]
async fn pages_hold_every_visit_once_however_many_start_at_the_same_time() {
    let bench = Bench::start().await;
    for hour in 0..3 {
        for _ in 0..4 {
            bench.saved(KABUL, SessionStatus::Scheduled).await;
        }
        bench.saved(HERAT, SessionStatus::Scheduled).await;
        bench.clock.advance(Duration::hours(hour));
    }
    for (limit, order) in [1, 2, 3, 5, 12, 100].into_iter().flat_map(|limit| [(limit, Ascending), (limit, Descending)])
    {
        let (mut seen, mut after, mut pages) = (Vec::<(_, SessionId)>::new(), None, 0);
        loop {
            let filter = SessionFilter { limit, order, after, ..SessionFilter::default() };
            let page = bench.store.sessions(&tenant(KABUL), &filter).await.unwrap();
            assert!(page.items.len() <= usize::from(limit));
            seen.extend(page.items.iter().map(|visit| (visit.parts().schedule.start(), visit.parts().id)));
            pages += 1;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(pages, 12_usize.div_ceil(usize::from(limit)), "no empty page at the end");
        assert_eq!(seen.len(), 12);
        if order == Descending {
            seen.reverse();
        }
        assert!(seen.is_sorted_by(|one, next| one < next), "by start and id, none twice");
    }
}

#[tokio::test]
async fn filters_narrow_and_their_borders_are_exact() {
    let bench = Bench::start().await;
    let early = bench.saved(KABUL, SessionStatus::Scheduled).await;
    bench.clock.advance(Duration::HOUR);
    let late = bench.saved(KABUL, SessionStatus::Active).await;
    let start = |visit: &vcare_domain::VirtualSession| visit.parts().schedule.start();
    let found = async |filter: SessionFilter| -> Vec<SessionId> {
        let filter = SessionFilter { limit: 100, ..filter };
        let page = bench.store.sessions(&tenant(KABUL), &filter).await.unwrap();
        page.items.iter().map(|visit| visit.parts().id).collect()
    };
    let (early_id, late_id) = (early.parts().id, late.parts().id);
    let none = SessionFilter::default();
    assert_eq!(found(none.clone()).await, [early_id, late_id]);
    assert_eq!(found(SessionFilter { statuses: vec![SessionStatus::Active], ..none.clone() }).await, [late_id]);
    assert_eq!(found(SessionFilter { from: Some(start(&late)), ..none.clone() }).await, [late_id], "from is in");
    assert_eq!(found(SessionFilter { to: Some(start(&late)), ..none.clone() }).await, [early_id], "to is out");
    let changed = |visit: &vcare_domain::VirtualSession| Some(visit.parts().updated_at);
    let since = SessionFilter { updated_since: changed(&late), ..none.clone() };
    assert_eq!(found(since).await, [late_id], "updated_since is in");
    assert_eq!(found(SessionFilter { updated_since: changed(&early), ..none.clone() }).await.len(), 2);
    let patient = |id: &str| Some(PatientId::parse(id).unwrap());
    assert_eq!(found(SessionFilter { patient_id: patient(PATIENT), ..none.clone() }).await.len(), 2);
    assert!(found(SessionFilter { patient_id: patient("somebody"), ..none }).await.is_empty());
}
