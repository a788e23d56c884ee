//! Waiting for news with one question held open: hardly a byte while nothing happens.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use vcare_domain::{DeviceId, Place, pause_before_asking};

use super::JoinStatus;
use crate::app::App;
use crate::error::AppError;

/// What somebody who waits knows already.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// The visit's version they know.
    pub since: u32,
    /// The place in line they know, 0 for none; `None` when it is no matter to them.
    pub place: Option<u32>,
    /// Their device.
    pub device: Option<DeviceId>,
}

impl Look {
    fn is_news(&self, status: &JoinStatus) -> bool {
        let moved = self.place.is_some_and(|known| status.place.map_or(0, |place| place.number) != known);
        status.version.get() > self.since || moved
    }
}

/// What somebody who waits is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Something changed.
    Changed(JoinStatus),
    /// Nothing did.
    Nothing {
        /// How many seconds to leave before asking again.
        pause_seconds: u32,
    },
}

impl App {
    /// Waits until something changes for the holder of a join token, for as long as [`super::WaitingPace::longest`]. When
    /// the process stops, or too many wait in it, the answer comes at once, with pauses that differ: those who waited come
    /// back one by one.
    ///
    /// # Errors
    /// As [`App::join_status`].
    pub async fn wait_for_news(&self, token: String, look: &Look, stop: &CancellationToken) -> Result<News, AppError> {
        // Boxed, what takes a moment takes no room while nothing happens: ten thousand wait here.
        let claims = Box::pin(self.claims(&token)).await?;
        drop(token);
        let seat = self.waiting.seat();
        let watch = {
            let device = look.device.clone().map(|device| (claims.participant_id, device));
            self.waiting.changes.watch(&claims.tenant_id, claims.session_id, device)
        };
        let until = Instant::now() + self.waiting.pace.longest;
        loop {
            let news = watch.news();
            let status = {
                // Thousands may be told at once: they read one after the other, and leave connections to everybody else.
                let _turn = self.waiting.readers.acquire().await;
                Box::pin(self.standing(&claims, look.device.as_ref())).await?
            };
            if look.is_news(&status) {
                return Ok(self.answered("changed", News::Changed(status)));
            }
            if seat.is_none() {
                return Ok(self.answered("full", self.nothing_and_spread(5, 15)));
            }
            watch.seen(status.version, look.place);
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(self.answered("stopping", self.nothing_and_spread(1, 10))),
                () = news => {}
                () = sleep_until(until) => return Ok(self.answered("nothing", nothing(status.place))),
            }
        }
    }

    fn answered(&self, outcome: &'static str, news: News) -> News {
        metrics::counter!("vcare_long_polls_total", "outcome" => outcome).increment(1);
        news
    }

    /// Nothing new, and a pause by chance between two numbers of seconds.
    fn nothing_and_spread(&self, least: u32, most: u32) -> News {
        let mut byte = [0];
        self.ids.fill_random(&mut byte);
        News::Nothing { pause_seconds: least + u32::from(byte[0]) % (most - least + 1) }
    }

    /// How long a question may be held open.
    #[must_use]
    pub fn longest_wait(&self) -> Duration {
        self.waiting.pace.longest
    }
}

fn nothing(place: Option<Place>) -> News {
    News::Nothing { pause_seconds: pause_before_asking(place) }
}
