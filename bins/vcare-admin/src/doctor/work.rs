//! What waits: events for the stream, work for a worker, work for a person.

use time::Duration;
use vcare_app::ports::JobQueue;
use vcare_boot::{Service, with_causes};

use super::Findings;
use crate::output::{self, age};

/// Events that are older are late.
const LATE_EVENT: Duration = Duration::minutes(5);
/// A worker takes what is due within a second or two.
const LATE_JOB: Duration = Duration::minutes(2);

pub(super) async fn look(service: &Service, found: &mut Findings) {
    outbox(service, found).await;
    parked(service, found).await;
    worker(service, found).await;
}

async fn outbox(service: &Service, found: &mut Findings) {
    let check = "outbox";
    match service.outbox.backlog().await {
        Ok((_, None)) => found.ok(check, "no event waits"),
        Ok((count, Some(oldest))) => {
            let waits = service.clock.now() - oldest;
            let backlog = format!("{} waiting, the oldest for {}", output::count(count, "event"), age(waits));
            if waits > LATE_EVENT {
                let advice =
                    "is NATS connected, and does a process run with relay.enabled? `vcare-admin outbox status`";
                found.warning(check, format!("{backlog}: {advice}"));
            } else {
                found.ok(check, backlog);
            }
        }
        Err(error) => found.problem(check, format!("{}: see [database]", with_causes(&error))),
    }
}

async fn parked(service: &Service, found: &mut Findings) {
    let check = "parked work";
    match service.jobs.open().await {
        Ok(kinds) => {
            let kinds = kinds.iter().filter(|of| of.parked > 0);
            let kinds: Vec<String> = kinds.map(|of| format!("{} {}", of.parked, of.kind.as_str())).collect();
            if kinds.is_empty() {
                found.ok(check, "nothing waits for a person");
            } else {
                let advice = "`vcare-admin jobs list --state parked`, mend what their error says, then `vcare-admin jobs requeue`";
                found.problem(check, format!("waits for a person: {}: {advice}", kinds.join(", ")));
            }
        }
        Err(error) => found.problem(check, format!("{}: see [database]", with_causes(&error))),
    }
}

async fn worker(service: &Service, found: &mut Findings) {
    let check = "worker";
    let now = service.clock.now();
    let overdue = match service.jobs.overdue(now, LATE_JOB).await {
        Ok(overdue) => overdue,
        Err(error) => return found.problem(check, format!("{}: see [database]", with_causes(&error))),
    };
    let (worked, left): (Vec<_>, Vec<_>) = overdue.iter().partition(|of| of.worked);
    let listed = |of: &[&vcare_boot::OverdueJobs]| {
        let kinds = of.iter().map(|of| format!("{} {} since {}", of.count, of.kind.as_str(), age(now - of.oldest)));
        kinds.collect::<Vec<_>>().join(", ")
    };
    if !left.is_empty() {
        let advice =
            "is vcare-retry-worker running, and does its /health say that it has the database? docs/runbooks.md";
        found.problem(check, format!("no worker takes due jobs: {}: {advice}", listed(&left)));
    } else if !worked.is_empty() {
        let advice = "a worker is at work; does the neighbour that they need answer?";
        found.warning(check, format!("jobs wait for their turn: {}: {advice}", listed(&worked)));
    } else {
        found.ok(check, "no due job is left lying");
    }
}
