//! VCARE-US-002 and VCARE-US-008: waiting over a poor link.

mod connection;
mod devices;
mod line;
mod news;
mod promises;
mod short;
mod wire;

use std::time::Duration as Patience;

use reqwest::Method;
use tokio::time::{Instant, sleep};

use crate::support::{Program, TestApp};

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

impl Program {
    /// Waits until the program holds a question open.
    pub async fn until_somebody_waits(&self) {
        let deadline = Instant::now() + Patience::from_secs(20);
        loop {
            let metrics = self.send(self.request(Method::GET, "//metrics")).await.expect(200);
            if String::from_utf8(metrics.bytes).unwrap().lines().any(|line| line == "vcare_waiting 1") {
                return;
            }
            assert!(Instant::now() < deadline, "nobody waits");
            sleep(Patience::from_millis(5)).await;
        }
    }
}
