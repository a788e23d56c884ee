//! The outbox, read by one leader.

use std::time::Duration as Patience;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use vcare_adapters_postgres::PgOutbox;
use vcare_app::ports::{KeptEvent, Outbox, OutboxLead, PublishedEvent, StoreError};
use vcare_domain::SessionStatus;

use crate::support::{Bench, HERAT, KABUL};

fn sequence(position: i64) -> u64 {
    u64::try_from(position).unwrap() + 1000
}

/// The events at these positions, which are not to be kept.
fn forgotten(positions: &[i64]) -> Vec<PublishedEvent> {
    positions.iter().map(|position| PublishedEvent { position: *position, keep: None }).collect()
}

/// The events at these positions, which are to be kept.
fn kept(positions: &[i64]) -> Vec<PublishedEvent> {
    let keep = |position: &i64| PublishedEvent { position: *position, keep: Some(sequence(*position)) };
    positions.iter().map(keep).collect()
}

async fn lead(outbox: &PgOutbox) -> Box<dyn OutboxLead> {
    let deadline = Instant::now() + Patience::from_secs(20);
    loop {
        if let Some(lead) = outbox.try_lead().await.unwrap() {
            return lead;
        }
        assert!(Instant::now() < deadline, "nobody gives the lead away");
        sleep(Patience::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_who_want_the_lead_one_has_it() {
    let bench = Bench::start().await;
    for _ in 0..3 {
        let mut asking = JoinSet::new();
        for _ in 0..8 {
            let outbox = bench.outbox();
            asking.spawn(async move { (outbox.try_lead().await.unwrap(), outbox) });
        }
        let asked = asking.join_all().await;
        let leads = asked.iter().filter(|(lead, _)| lead.is_some()).count();
        assert_eq!(leads, 1);
        let (leading, waiting): (Vec<_>, Vec<_>) = asked.into_iter().partition(|(lead, _)| lead.is_some());
        for (_, outbox) in &waiting {
            assert!(outbox.try_lead().await.unwrap().is_none());
        }
        drop(leading);
        drop(lead(&waiting[0].1).await);
        bench
            .until(
                "SELECT NOT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
                     WHERE locktype = 'advisory' AND datname = current_database())",
            )
            .await;
    }
}

#[tokio::test]
async fn asking_again_and_again_takes_one_connection() {
    let bench = Bench::start().await;
    let (leader, candidate) = (bench.outbox(), bench.outbox());
    let _leading = lead(&leader).await;
    for _ in 0..20 {
        assert!(candidate.try_lead().await.unwrap().is_none());
    }
    let query =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'vcare_service'";
    assert_eq!(bench.database.query_one(query, &[]).await.unwrap().get::<_, i64>(0), 2);
}

#[tokio::test]
async fn events_come_in_the_order_in_which_they_were_written_across_tenants() {
    let bench = Bench::start().await;
    for tenant in [KABUL, HERAT, KABUL] {
        bench.saved(tenant, SessionStatus::Ended).await;
    }
    let total = bench.count("outbox").await;
    let outbox = bench.outbox();
    let (waiting, oldest) = outbox.backlog().await.unwrap();
    assert_eq!(i64::try_from(waiting).unwrap(), total);
    assert!(oldest.is_some());
    let mut lead = lead(&outbox).await;
    let all = lead.next(1000).await.unwrap();
    assert_eq!(i64::try_from(all.len()).unwrap(), total);
    assert!(all.is_sorted_by_key(|event| event.position));
    let first = lead.next(4).await.unwrap();
    assert!(first == all[..4], "the same again, as nothing was acknowledged");
    // Acknowledged out of order: the rest stays in order.
    lead.published(&forgotten(&[all[1].position, all[3].position])).await.unwrap();
    let rest: Vec<i64> = lead.next(3).await.unwrap().iter().map(|event| event.position).collect();
    assert_eq!(rest, [all[0].position, all[2].position, all[4].position]);
    let positions: Vec<i64> = all.iter().map(|event| event.position).collect();
    lead.published(&forgotten(&positions)).await.unwrap();
    lead.published(&kept(&positions)).await.unwrap();
    lead.published(&[]).await.unwrap();
    assert!(lead.next(10).await.unwrap().is_empty());
    assert_eq!(outbox.backlog().await.unwrap(), (0, None));
    assert_eq!(outbox.kept().await.unwrap(), []);
}

#[tokio::test]
async fn an_acknowledged_event_is_kept_and_put_back_in_its_old_place() {
    let bench = Bench::start().await;
    for tenant in [KABUL, HERAT] {
        bench.saved(tenant, SessionStatus::Ended).await;
    }
    let outbox = bench.outbox();
    let mut lead = lead(&outbox).await;
    let all = lead.next(1000).await.unwrap();
    let positions: Vec<i64> = all.iter().map(|event| event.position).collect();
    lead.published(&kept(&positions)).await.unwrap();
    assert_eq!(outbox.backlog().await.unwrap(), (0, None));
    let there = outbox.kept().await.unwrap();
    let expected: Vec<_> =
        all.iter().map(|event| KeptEvent { id: event.id, sequence: sequence(event.position) }).collect();
    assert_eq!(there, expected);
    let samples = outbox.kept_samples().await.unwrap();
    assert_eq!(samples.len(), 2);
    assert_eq!(samples[0], *there.last().unwrap(), "the last one, and a random one");
    assert!(there.contains(&samples[1]));

    let lost = [all[2].id, all[0].id];
    assert_eq!(outbox.put_back(&lost).await.unwrap(), 2);
    assert_eq!(outbox.put_back(&lost).await.unwrap(), 0, "once");
    let again = lead.next(1000).await.unwrap();
    assert!(again == [all[0].clone(), all[2].clone()], "byte for byte, in their old order");
    lead.published(&kept(&[again[0].position, again[1].position])).await.unwrap();

    let now = bench.count("(SELECT 1 FROM kept_event WHERE acknowledged_at <= clock_timestamp()) AS kept").await;
    assert_eq!(now, i64::try_from(all.len()).unwrap());
    let (past, future) = (time::OffsetDateTime::UNIX_EPOCH, time::macros::datetime!(2100-01-01 0:00 UTC));
    assert_eq!(outbox.put_back_since(future).await.unwrap(), 0);
    assert_eq!(outbox.forget_kept(past, 100).await.unwrap(), 0);
    assert_eq!(outbox.forget_kept(future, 3).await.unwrap(), 3, "no more than were asked for");
    assert_eq!(outbox.put_back_since(past).await.unwrap(), all.len() as u64 - 3);
    assert_eq!(outbox.kept().await.unwrap(), []);
}

#[tokio::test]
async fn an_event_that_becomes_visible_late_is_not_passed_by() {
    let bench = Bench::start().await;
    let mut late = bench.visit(KABUL, SessionStatus::Scheduled);
    let mut tx = bench.begin(KABUL).await;
    tx.sessions().save(&mut late).await.unwrap();
    let early = bench.saved(HERAT, SessionStatus::Scheduled).await;
    let outbox = bench.outbox();
    let mut lead = lead(&outbox).await;
    let seen = lead.next(100).await.unwrap();
    assert!(seen.iter().all(|event| event.ordering_key == early.parts().id.to_string()));
    let positions: Vec<i64> = seen.iter().map(|event| event.position).collect();
    lead.published(&kept(&positions)).await.unwrap();
    tx.commit().await.unwrap();
    let then = lead.next(100).await.unwrap();
    assert!(!then.is_empty());
    assert!(then[0].position < seen[0].position, "it was written first");
}

#[tokio::test]
async fn a_leader_whose_connection_dies_has_lost_the_lead() {
    let bench = Bench::start().await;
    bench.saved(KABUL, SessionStatus::Scheduled).await;
    let (first, second) = (bench.outbox(), bench.outbox());
    let mut leading = lead(&first).await;
    assert!(second.try_lead().await.unwrap().is_none());
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(bench.database.query_one(kill, &[]).await.unwrap().get::<_, i64>(0), 1);
    let mut taken_over = lead(&second).await;
    let lost = leading.next(1).await;
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "not one that goes on as if it led");
    assert!(leading.published(&kept(&[1])).await.is_err());
    assert!(!taken_over.next(100).await.unwrap().is_empty());
    assert!(first.try_lead().await.unwrap().is_none());
}
