//! What can become of a job, drawn in `docs/state-machines.md`: everything is done to a row in every state it gets to.

use time::{Duration, OffsetDateTime};
use vcare_app::ports::{ClosedJob, GivenBack, JobEnd, JobKind, JobQueue, LeasedJob};
use vcare_domain::{Change, SessionStatus, VirtualSession};
use vcare_testkit::documents::{OUTSIDE, Steps, state_diagram};
use vcare_testkit::must_be_part_of;

use crate::support::{Bench, KABUL, PROVIDER, applied, patient_of, user};

const KIND: JobKind = JobKind::CreateThread;
const LEASE: Duration = Duration::seconds(60);
const WINDOW: Duration = Duration::MINUTE;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is none.
    Outside,
    /// Anybody may take it.
    Open,
    /// Somebody has it.
    Held,
    /// Its time has not come.
    Later,
    /// A person must look.
    Parked,
}

impl State {
    const ALL: [Self; 5] = [Self::Outside, Self::Open, Self::Held, Self::Later, Self::Parked];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Outside => OUTSIDE,
            Self::Open => "open",
            Self::Held => "held",
            Self::Later => "later",
            Self::Parked => "parked",
        }
    }
}

const COMMANDS: [&str; 9] = [
    "store",
    "lease",
    "time goes by",
    "give_back",
    "close as done",
    "close as parked",
    "requeue",
    "park",
    "store for later",
];

/// A visit, and who holds its job.
struct Case {
    bench: Bench,
    visit: VirtualSession,
    held: Option<LeasedJob>,
}

impl Case {
    /// A job in that state, and nothing else.
    async fn at(state: State, bench: Bench) -> Self {
        bench.run("DELETE FROM retry_job", &[]).await;
        let visit = bench.saved(KABUL, SessionStatus::Active).await;
        let mut case = Self { bench, visit, held: None };
        let steps: &[&str] = match state {
            State::Outside => &[],
            State::Open => &["store", "time goes by"],
            State::Held => &["store", "time goes by", "lease"],
            State::Later => &["store", "time goes by", "lease", "give_back"],
            State::Parked => &["store", "time goes by", "lease", "close as parked"],
        };
        for step in steps {
            case.give(step).await;
        }
        assert_eq!(case.state().await, state);
        case
    }

    async fn state(&self) -> State {
        let query = "SELECT state, due_at, lease_token IS NOT NULL FROM retry_job";
        let rows = self.bench.database.rows(query, &[]).await.unwrap();
        let Some(row) = rows.first() else { return State::Outside };
        assert_eq!(rows.len(), 1);
        let ahead = row.get::<_, OffsetDateTime>(1) > self.bench.now();
        match (row.get(0), ahead, row.get(2)) {
            ("parked", _, false) => State::Parked,
            ("open", true, true) => State::Held,
            ("open", true, false) => State::Later,
            ("open", false, _) => State::Open,
            other => panic!("a job of no known state: {other:?}"),
        }
    }

    async fn save(&mut self) {
        self.bench.save(KABUL, &mut self.visit).await;
    }

    async fn close(&self, end: JobEnd) {
        let Some(job) = &self.held else { return };
        let mut tx = self.bench.begin(KABUL).await;
        tx.jobs()
            .close(&[ClosedJob { session_id: job.session_id, kind: job.kind, lease: job.lease, end }])
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    async fn give(&mut self, command: &str) {
        let (now, id) = (self.bench.now(), self.visit.parts().id);
        let change = Change { by: user(PROVIDER), at: now, expected: None };
        match command {
            "store" => {
                // A thread is asked for again only after it was parked; that there is none yet is no matter.
                let _ = self.visit.park_thread(now);
                applied(self.visit.fall_back(None, &change));
                self.save().await;
            }
            "time goes by" => self.bench.clock.advance(Duration::hours(2)),
            "lease" => self.held = self.bench.jobs().lease(KIND, now, LEASE, 1).await.unwrap().pop(),
            "give_back" => {
                let Some(job) = &self.held else { return };
                let due = now + Duration::MINUTE;
                let back = GivenBack { session_id: id, kind: KIND, lease: job.lease, due, error: Some("timed_out") };
                self.bench.jobs().give_back(&[back]).await.unwrap();
            }
            "close as done" => self.close(JobEnd::Done).await,
            "close as parked" => self.close(JobEnd::Parked { error: "invalid" }).await,
            "requeue" | "park" => {
                let mut tx = self.bench.begin(KABUL).await;
                let found = match command {
                    "park" => tx.jobs().park(id, KIND, "operator").await,
                    _ => tx.jobs().requeue(id, KIND, now).await,
                };
                found.unwrap();
                tx.commit().await.unwrap();
            }
            // Jobs of another kind have a time of their own.
            "store for later" => {
                self.bench.run("DELETE FROM retry_job", &[]).await;
                applied(self.visit.disconnect(patient_of(&self.visit), now, WINDOW));
                self.save().await;
            }
            other => panic!("no command {other}"),
        }
    }
}

#[tokio::test]
async fn the_documented_states_of_a_job_are_those_of_the_queue() {
    let mut steps = Steps::new();
    let mut bench = Bench::start().await;
    for from in State::ALL {
        for command in COMMANDS {
            if command == "store for later" && from != State::Outside {
                continue;
            }
            let mut case = Case::at(from, bench).await;
            case.give(command).await;
            let to = case.state().await;
            if to != from {
                let step = (from.as_str().to_owned(), to.as_str().to_owned());
                steps.entry(step).or_default().insert(command.to_owned());
            }
            bench = case.bench;
        }
    }
    must_be_part_of("docs/state-machines.md", "a job", &state_diagram(&steps));
}
