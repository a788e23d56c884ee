//! VCARE-US-002 and VCARE-US-008: waiting over a poor link.

mod connection;
mod devices;
mod line;
mod news;
mod promises;
mod short;
mod wire;

use std::time::Duration as Patience;

use tokio::time::{Instant, sleep};

use crate::support::TestApp;

impl TestApp {
    /// Waits until so many visits are waited for.
    pub async fn until_waited_for(&self, visits: usize) {
        let deadline = Instant::now() + Patience::from_secs(20);
        let watched = || self.app.waiting.changes.watched().iter().map(|(_, visits)| visits.len()).sum::<usize>();
        while watched() != visits {
            assert!(Instant::now() < deadline, "{} are waited for", watched());
            sleep(Patience::from_millis(5)).await;
        }
    }
}
