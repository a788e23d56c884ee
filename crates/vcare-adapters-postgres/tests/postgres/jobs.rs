//! Durable work, leased.

use std::collections::HashSet;

use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;
use vcare_app::ports::{ClosedJob, GivenBack, JobEnd, JobKind, JobQueue, LeasedJob, OpenJobs};
use vcare_domain::{LeaseToken, SessionStatus};

use crate::support::{Bench, HERAT, KABUL};

const KIND: JobKind = JobKind::CreateEncounter;
const LEASE: Duration = Duration::seconds(60);

/// So many ended visits, whose first lease has run out.
async fn with_jobs(count: usize) -> Bench {
    let bench = Bench::start().await;
    for n in 0..count {
        bench.saved(if n % 2 == 0 { KABUL } else { HERAT }, SessionStatus::Ended).await;
    }
    bench.clock.advance(Duration::MINUTE);
    bench
}

async fn lease_one(bench: &Bench) -> LeasedJob {
    let mut leased = bench.jobs().lease(KIND, bench.now(), LEASE, 1).await.unwrap();
    assert_eq!(leased.len(), 1);
    leased.remove(0)
}

fn back(job: &LeasedJob, due: OffsetDateTime, error: Option<&'static str>) -> GivenBack {
    GivenBack { session_id: job.session_id, kind: job.kind, lease: job.lease, due, error }
}

async fn close(bench: &Bench, job: &LeasedJob, lease: LeaseToken, end: JobEnd) {
    let mut tx = bench.begin(job.tenant_id.as_str()).await;
    tx.jobs().close(&[ClosedJob { session_id: job.session_id, kind: job.kind, lease, end }]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_workers_get_the_same_job() {
    let bench = with_jobs(40).await;
    let mut workers = JoinSet::new();
    for _ in 0..6 {
        let (jobs, now) = (bench.jobs(), bench.now());
        workers.spawn(async move {
            let mut taken = Vec::new();
            loop {
                let leased = jobs.lease(KIND, now, LEASE, 3).await.unwrap();
                if leased.is_empty() {
                    return taken;
                }
                assert!(leased.len() <= 3);
                taken.extend(leased.into_iter().map(|job| job.id));
            }
        });
    }
    let taken: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
    assert_eq!(taken.len(), 40);
    assert_eq!(taken.iter().collect::<HashSet<_>>().len(), 40);
}

const fn nothing(kind: JobKind) -> OpenJobs {
    OpenJobs { kind, count: 0, oldest: None, parked: 0, oldest_parked: None }
}

#[tokio::test]
async fn a_parked_job_is_counted_as_such_until_somebody_decides() {
    let bench = with_jobs(2).await;
    let job = lease_one(&bench).await;
    close(&bench, &job, job.lease, JobEnd::Parked { error: "invalid" }).await;
    let counted = bench.jobs().open().await.unwrap().into_iter().find(|open| open.kind == KIND).unwrap();
    assert_eq!((counted.count, counted.parked), (1, 1));
    assert!(counted.oldest_parked.is_some());
}

#[tokio::test]
async fn a_job_says_whose_it_is_and_how_often_it_was_begun() {
    let bench = with_jobs(1).await;
    let job = lease_one(&bench).await;
    assert_eq!(job.tenant_id.as_str(), KABUL);
    assert_eq!((job.attempts, job.leased_until), (2, bench.now() + LEASE), "the first was who ended the visit");
    assert_eq!(job.trace.correlation_id, "req-1");
    let one = OpenJobs { count: 1, oldest: Some(bench.now() - Duration::MINUTE), ..nothing(KIND) };
    let others = JobKind::ALL.into_iter().filter(|kind| *kind != KIND);
    let others = others.map(nothing);
    let all: Vec<_> = std::iter::once(one).chain(others).collect();
    assert_eq!(bench.jobs().open().await.unwrap(), all);
}

#[tokio::test]
async fn a_job_is_left_alone_while_its_lease_runs_and_comes_back_after() {
    let bench = with_jobs(1).await;
    let first = lease_one(&bench).await;
    bench.clock.advance(LEASE - Duration::MILLISECOND);
    assert!(bench.jobs().lease(KIND, bench.now(), LEASE, 9).await.unwrap().is_empty());
    bench.clock.advance(Duration::MILLISECOND);
    let second = lease_one(&bench).await;
    assert_eq!((second.id, second.attempts), (first.id, first.attempts + 1));
    assert_ne!(second.lease, first.lease);
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_changes_nothing_any_more() {
    let bench = with_jobs(1).await;
    let lost = lease_one(&bench).await;
    bench.clock.advance(LEASE);
    let held = lease_one(&bench).await;
    let due = bench.now() + Duration::HOUR;
    let state = async || {
        let query = "SELECT state, due_at, lease_token, last_error FROM retry_job";
        let row = bench.database.query_one(query, &[]).await.unwrap();
        (
            row.get::<_, String>(0),
            row.get::<_, OffsetDateTime>(1),
            row.get::<_, Option<uuid::Uuid>>(2),
            row.get::<_, Option<String>>(3),
        )
    };
    let before = state().await;
    bench.jobs().give_back(&[back(&lost, due, Some("timed_out")), back(&lost, due, None)]).await.unwrap();
    close(&bench, &lost, lost.lease, JobEnd::Done).await;
    close(&bench, &lost, lost.lease, JobEnd::Parked { error: "invalid" }).await;
    assert_eq!(state().await, before);

    bench.jobs().give_back(&[back(&held, due, Some("timed_out"))]).await.unwrap();
    assert_eq!(state().await, ("open".to_owned(), due, None, Some("timed_out".to_owned())));
    // Given back is given back.
    close(&bench, &held, held.lease, JobEnd::Done).await;
    assert_eq!(bench.count("retry_job").await, 1);
    assert!(bench.jobs().lease(KIND, due - Duration::MILLISECOND, LEASE, 1).await.unwrap().is_empty());
    assert_eq!(bench.jobs().lease(KIND, due, LEASE, 1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_parked_job_stays_and_is_not_tried_again_by_itself() {
    let bench = with_jobs(1).await;
    let job = lease_one(&bench).await;
    close(&bench, &job, job.lease, JobEnd::Parked { error: "invalid" }).await;
    bench.clock.advance(Duration::days(400));
    assert!(bench.jobs().lease(KIND, bench.now(), LEASE, 9).await.unwrap().is_empty());
    assert!(bench.jobs().open().await.unwrap().iter().all(|open| open.count == 0));
    let row = bench.database.query_one("SELECT state, last_error FROM retry_job", &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1)), ("parked", "invalid"));
}

#[tokio::test]
async fn who_has_waited_longest_is_served_first() {
    let bench = with_jobs(5).await;
    bench.run("UPDATE retry_job SET due_at = created_at + (random() * 50) * interval '1 second'", &[]).await;
    let query = "SELECT id FROM retry_job ORDER BY due_at";
    let wanted: Vec<uuid::Uuid> = bench.database.rows(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let mut served = Vec::new();
    for _ in 0..5 {
        served.push(*lease_one(&bench).await.id.as_uuid());
    }
    assert_eq!(served, wanted);
}

#[tokio::test]
async fn a_job_that_another_transaction_holds_is_passed_by() {
    let bench = with_jobs(2).await;
    let first = bench.jobs().lease(KIND, bench.now(), LEASE, 1).await.unwrap().remove(0);
    bench.clock.advance(LEASE);
    // Its holder is about to close it, and the lease has just run out.
    let mut closing = bench.begin(first.tenant_id.as_str()).await;
    let done = ClosedJob { session_id: first.session_id, kind: KIND, lease: first.lease, end: JobEnd::Done };
    closing.jobs().close(&[done]).await.unwrap();
    let taken = bench.jobs().lease(KIND, bench.now(), LEASE, 9).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_ne!(taken[0].id, first.id);
    closing.commit().await.unwrap();
    assert_eq!(bench.count("retry_job").await, 1);
}

#[tokio::test]
async fn jobs_of_two_kinds_for_one_visit_are_nothing_to_each_other() {
    let bench = with_jobs(1).await;
    let copy =
        "INSERT INTO retry_job SELECT tenant_id, session_id, 'fail_lost_visit', gen_random_uuid(), state, attempts,
                                             due_at - interval '1 minute', lease_token, last_error, correlation_id,
                                             traceparent, created_at FROM retry_job";
    bench.run(copy, &[]).await;
    let encounter = lease_one(&bench).await;
    assert_eq!(encounter.kind, KIND, "though the other one is due for longer");
    assert!(bench.jobs().lease(KIND, bench.now(), LEASE, 9).await.unwrap().is_empty());
    let mut lost = bench.jobs().lease(JobKind::FailLostVisit, bench.now(), LEASE, 9).await.unwrap().remove(0);
    assert_eq!((lost.kind, lost.session_id), (JobKind::FailLostVisit, encounter.session_id));

    // Even under one lease: two jobs that were stored by one transaction have the same.
    bench.run("UPDATE retry_job SET lease_token = $1", &[encounter.lease.as_uuid()]).await;
    lost.lease = encounter.lease;
    let kinds = async || {
        let query = "SELECT kind, state, due_at FROM retry_job ORDER BY kind";
        let rows = bench.database.rows(query, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect::<Vec<(String, String, OffsetDateTime)>>()
    };
    let held = bench.now() + LEASE;
    let job = |kind: JobKind, state: &str, due| (kind.as_str().to_owned(), state.to_owned(), due);
    let due = bench.now() + Duration::HOUR;
    bench.jobs().give_back(&[back(&lost, due, None)]).await.unwrap();
    assert_eq!(kinds().await, [job(KIND, "open", held), job(JobKind::FailLostVisit, "open", due)]);
    bench.run("UPDATE retry_job SET lease_token = $1", &[encounter.lease.as_uuid()]).await;
    close(&bench, &lost, lost.lease, JobEnd::Parked { error: "invalid" }).await;
    assert_eq!(kinds().await, [job(KIND, "open", held), job(JobKind::FailLostVisit, "parked", due)]);
    bench.run("UPDATE retry_job SET lease_token = $1", &[encounter.lease.as_uuid()]).await;
    close(&bench, &encounter, encounter.lease, JobEnd::Done).await;
    assert_eq!(kinds().await, [job(JobKind::FailLostVisit, "parked", due)]);
}
