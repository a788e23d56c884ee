//! Audit entries that are recorded by themselves: many in one transaction, each of them once.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;
use futures_util::future::{join, join_all};
use serde_json::Value;
use vcare_app::Scope;
use vcare_app::events::{AuditAction, AuditEntry, AuditOutcome};
use vcare_app::ports::{Store, StoreError};
use vcare_domain::EventId;
use vcare_testkit::postgres::tokio_postgres::{NoTls, connect};

use crate::support::{Bench, HERAT, KABUL, scope, told};

/// More than are written in one statement.
const MORE_THAN_A_BATCH: usize = 300;

fn entry(bench: &Bench, about: impl ToString) -> AuditEntry {
    AuditEntry {
        event_type: "RECORD_READ",
        resource_type: "VirtualSession",
        resource_id: about.to_string(),
        action: AuditAction::Read,
        outcome: AuditOutcome::Success,
        metadata: BTreeMap::new(),
        shown: Vec::new(),
        at: bench.now(),
    }
}

async fn record(bench: &Bench, scope: &Scope, about: impl ToString) -> Result<(), StoreError> {
    bench.store.record(scope, entry(bench, about)).await
}

/// What is written: whose, about what, and by which transaction. The event says the same as its row.
async fn written(bench: &Bench) -> Vec<(String, String, String)> {
    let query = "SELECT tenant_id, ordering_key, xmin::text, event_id, body FROM outbox ORDER BY position";
    let rows = bench.database.rows(query, &[]).await.unwrap();
    let events = rows.iter().map(|row| {
        let (tenant, about, id): (String, String, uuid::Uuid) = (row.get(0), row.get(1), row.get(3));
        let event: Value = serde_json::from_slice(row.get(4)).unwrap();
        assert_eq!(event["tenantid"], tenant.as_str());
        assert_eq!(event["id"], EventId::from_uuid(id).to_string());
        assert_eq!(event["data"]["resourceId"], about.as_str());
        (id, (tenant, about, row.get(2)))
    });
    let events: Vec<_> = events.collect();
    let ids: BTreeSet<_> = events.iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), events.len(), "each event has an id of its own");
    events.into_iter().map(|(_, event)| event).collect()
}

fn transactions(written: &[(String, String, String)]) -> usize {
    written.iter().map(|(_, _, transaction)| transaction).collect::<BTreeSet<_>>().len()
}

fn abouts(written: &[(String, String, String)]) -> Vec<&str> {
    written.iter().map(|(_, about, _)| about.as_str()).collect()
}

#[tokio::test]
async fn entries_that_come_together_are_one_transaction_in_their_order() {
    let bench = Bench::start().await;
    let kabul = scope(KABUL);
    let recorded = join_all((0..20).map(|number| record(&bench, &kabul, number))).await;
    assert!(recorded.iter().all(Result::is_ok));
    let written = written(&bench).await;
    let expected: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(abouts(&written), expected);
    assert_eq!(transactions(&written), 1);
    assert!(bench.was_rung().await, "the relay is woken");
    assert!(!bench.was_rung().await);
}

#[tokio::test]
async fn entries_that_come_while_others_are_written_are_the_next_transaction() {
    let bench = Bench::start().await;
    let kabul = scope(KABUL);
    let (mut owner, connection) = connect(&bench.database.admin_url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    let held = owner.transaction().await.unwrap();
    held.batch_execute("LOCK TABLE outbox IN SHARE MODE").await.unwrap();
    let mut first = Box::pin(record(&bench, &kabul, "first"));
    assert!((&mut first).now_or_never().is_none());
    bench.until_somebody_waits().await;
    let mut others = Box::pin(join_all((0..9).map(|number| record(&bench, &kabul, number))));
    assert!((&mut others).now_or_never().is_none());
    assert!((&mut first).now_or_never().is_none(), "nothing is committed, so nobody is answered");
    held.commit().await.unwrap();
    let (first, others) = join(first, others).await;
    assert!(first.is_ok() && others.iter().all(Result::is_ok));
    let written = written(&bench).await;
    assert_eq!(abouts(&written), ["first", "0", "1", "2", "3", "4", "5", "6", "7", "8"]);
    assert_eq!(transactions(&written), 2);
}

#[tokio::test]
async fn one_after_another_nobody_waits_for_others() {
    let bench = Bench::start().await;
    for number in 0..3 {
        record(&bench, &scope(KABUL), number).await.unwrap();
    }
    assert_eq!(transactions(&written(&bench).await), 3);
}

#[tokio::test]
async fn a_transaction_has_a_bounded_number_of_entries() {
    let bench = Bench::start().await;
    let kabul = scope(KABUL);
    let recorded = join_all((0..MORE_THAN_A_BATCH).map(|number| record(&bench, &kabul, number))).await;
    assert!(recorded.iter().all(Result::is_ok));
    let written = written(&bench).await;
    assert_eq!(written.len(), MORE_THAN_A_BATCH);
    assert_eq!(transactions(&written), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_tenants_are_written_apart_whoever_comes_together() {
    let bench = Bench::start_with(|config| config.max_connections = 1).await;
    let (kabul, herat) = (scope(KABUL), scope(HERAT));
    let of = |number: usize| if number.is_multiple_of(2) { &kabul } else { &herat };
    for _ in 0..5 {
        let recorded = join_all((0..40).map(|number| record(&bench, of(number), number))).await;
        assert!(recorded.iter().all(Result::is_ok));
    }
    let written = written(&bench).await;
    assert_eq!(written.len(), 200);
    for (tenant, about, transaction) in &written {
        assert_eq!(tenant, of(about.parse().unwrap()).tenant_id.as_str());
        assert!(written.iter().all(|(other, _, same)| same != transaction || other == tenant));
    }
    assert!(transactions(&written) < written.len() / 2);
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_no_entry_along() {
    let bench = Bench::start().await;
    let kabul = scope(KABUL);
    assert!(record(&bench, &kabul, "begins the flush").now_or_never().is_none());
    assert!(record(&bench, &kabul, "comes with it").now_or_never().is_none());
    record(&bench, &kabul, "stays").await.unwrap();
    assert_eq!(abouts(&written(&bench).await), ["begins the flush", "comes with it", "stays"]);
    assert!(record(&bench, &kabul, "nobody waits").now_or_never().is_none());
    bench.until("SELECT count(*) = 4 FROM outbox").await;
}

#[tokio::test]
async fn an_error_reaches_everybody_whose_entry_was_to_be_written() {
    let bench = Bench::start().await;
    let kabul = scope(KABUL);
    bench.run("REVOKE INSERT ON outbox FROM vcare_api", &[]).await;
    let recorded = join_all((0..5).map(|number| record(&bench, &kabul, number))).await;
    for outcome in recorded {
        let error = outcome.unwrap_err();
        assert!(matches!(error, StoreError::Faulty(_) | StoreError::Unavailable(_)), "{}", told(&error));
    }
    assert!(!bench.was_rung().await);
    bench.run("GRANT INSERT ON outbox TO vcare_api", &[]).await;
    record(&bench, &kabul, "later").await.unwrap();
    assert_eq!(abouts(&written(&bench).await), ["later"]);
}

#[tokio::test]
async fn a_runtime_that_ends_in_the_middle_of_a_flush_leaves_the_queue_to_the_next_one() {
    let bench = Bench::start().await;
    let kabul = scope(KABUL);
    std::thread::scope(|threads| {
        let passing = threads.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            // The flush is begun, and has not come to the database.
            runtime.block_on(async { assert!(record(&bench, &kabul, "lost").now_or_never().is_none()) });
        });
        passing.join().unwrap();
    });
    record(&bench, &kabul, "next").await.unwrap();
    assert_eq!(abouts(&written(&bench).await), ["next"]);
}
