//! The waiting room: who is there, who is next, and how they hear of it over a poor link.

mod clinic;
mod connection;
mod lines;
mod long_poll;
mod polls;
mod promises;
mod status;
mod watcher;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

pub(crate) use clinic::tag as clinic_tag;
pub use clinic::{Clinic, LinkOf};
pub use connection::ConnectionReport;
pub use lines::Lines;
pub use long_poll::{Cue, Held, Look, News};
pub use polls::Polls;
pub use status::JoinStatus;
pub(crate) use status::token_refusal;

use crate::ports::VisitChanges;

/// How waiting is paced. Real time, not the clinic's: it spares machines and links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingPace {
    /// How long a question is held open while there are no news. Default 60 s.
    pub longest: Duration,
    /// So many may wait in one process. Default 20,000.
    pub seats: usize,
    /// How many long polls one join token may hold open in one process. When one more comes, the oldest is answered. Default 3.
    pub polls_per_token: usize,
    /// How often other processes' changes are looked for. Default 1 s.
    pub watch: Duration,
    /// How long a tenant's lines are remembered. Default 2 s.
    pub lines: Duration,
    /// So many who wait may read at once; fewer than there are connections to the database. Default 8.
    pub readers: usize,
}

impl Default for WaitingPace {
    fn default() -> Self {
        Self {
            longest: Duration::from_secs(60),
            seats: 20_000,
            polls_per_token: 3,
            watch: Duration::from_secs(1),
            lines: Duration::from_secs(2),
            readers: 8,
        }
    }
}

/// Who waits in this process.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The visits that somebody waits for.
    pub changes: VisitChanges,
    /// The pace.
    pub pace: WaitingPace,
    lines: Arc<Lines>,
    polls: Arc<Polls>,
    readers: Arc<Semaphore>,
    taken: Arc<AtomicUsize>,
}

impl Waiting {
    /// An empty waiting room.
    #[must_use]
    pub fn new(pace: WaitingPace) -> Self {
        let lines = Arc::new(Lines::new(pace.lines));
        let readers = Arc::new(Semaphore::new(pace.readers.max(1)));
        let polls = Arc::new(Polls::new(pace.polls_per_token));
        Self { changes: VisitChanges::default(), pace, lines, polls, readers, taken: Arc::default() }
    }

    /// A seat; `None` when all are taken.
    fn seat(&self) -> Option<Seat> {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        let seat = Seat(Arc::clone(&self.taken));
        metrics::gauge!("vcare_waiting").set((taken + 1) as f64);
        (taken < self.pace.seats).then_some(seat)
    }
}

/// A seat that is taken until this is dropped.
#[derive(Debug)]
struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        let before = self.0.fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!("vcare_waiting").set(before.saturating_sub(1) as f64);
    }
}
