//! Waiting for news with one question held open: hardly a byte while nothing happens.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::futures::OwnedNotified;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use vcare_domain::{DeviceId, Place, pause_before_asking};

use super::polls::PollPlace;
use super::{JoinStatus, Seat};
use crate::app::App;
use crate::error::AppError;
use crate::ports::{JoinTokenClaims, Watch};

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Something changed.
    Changed(JoinStatus),
    /// Nothing did.
    Nothing {
        /// How many seconds to leave before asking again.
        pause_seconds: u32,
    },
}

/// Leave to read. Thousands may ask or be told at once: they read one after the other, and leave connections to the database
/// to everybody else.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held, not looked at")] Option<OwnedSemaphorePermit>);

/// Why somebody who waits is looked at.
#[derive(Debug)]
pub enum Cue {
    /// They have just asked, or there may be news; and it is their turn.
    Look(Turn),
    /// They have waited for as long as a question is held open.
    TimeIsUp,
    /// The same token holds as many newer questions open as it may.
    Replaced,
    /// The process ends.
    Stopping,
}

/// A question that is held open: all that is needed to go on with it, from wherever that happens.
#[derive(Debug)]
pub struct Held {
    claims: JoinTokenClaims,
    look: Look,
    watch: Watch,
    /// `None` when too many wait.
    seat: Option<Seat>,
    /// One of the few that its token has.
    poll: PollPlace,
    until: Instant,
    /// What came since the visit was last read; `None` before it was.
    news: Option<Pin<Box<OwnedNotified>>>,
    readers: Arc<Semaphore>,
    /// The place in line when it was last read.
    place: Option<Place>,
}

impl Held {
    /// Ends when there is a reason to [`App::look_again`]; nothing is lost when this is dropped before, and asked for anew.
    pub async fn cue(&mut self, stop: &CancellationToken) -> Cue {
        let turn = async {
            if let Some(news) = &mut self.news {
                news.as_mut().await;
            }
            // Nobody closes it.
            Turn(Arc::clone(&self.readers).acquire_owned().await.ok())
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => Cue::Stopping,
            () = self.poll.replaced() => Cue::Replaced,
            turn = turn => Cue::Look(turn),
            () = sleep_until(self.until) => Cue::TimeIsUp,
        }
    }
}

impl App {
    /// Takes the question of who holds a join token, and wants to wait until something changes: for as long as
    /// [`super::WaitingPace::longest`].
    ///
    /// # Errors
    /// [`AppError::JoinToken`], [`AppError::Secrets`].
    pub async fn hold_open(&self, token: &str, look: Look) -> Result<Held, AppError> {
        let claims = self.claims(token).await?;
        let device = look.device.clone().map(|device| (claims.participant_id, device));
        let watch = self.waiting.changes.watch(&claims.tenant_id, claims.session_id, device);
        Ok(Held {
            seat: self.waiting.seat(),
            poll: self.waiting.polls.place(&claims),
            until: Instant::now() + self.waiting.pace.longest,
            news: None,
            readers: Arc::clone(&self.waiting.readers),
            place: None,
            claims,
            look,
            watch,
        })
    }

    /// What somebody who waits is told; `None` when they go on waiting for the next [`Held::cue`]. When the process stops, too
    /// many wait in it, or their token asks a newer question, the answer comes at once, with pauses that differ: those who
    /// waited come back one by one.
    ///
    /// # Errors
    /// As [`App::join_status`].
    pub async fn look_again(&self, held: &mut Held, cue: Cue) -> Result<Option<News>, AppError> {
        tracing::Span::current().record("tenant_id", held.claims.tenant_id.as_str());
        let turn = match cue {
            Cue::Look(turn) => turn,
            // It was never their turn: what they know may be old.
            Cue::TimeIsUp if held.news.is_none() => {
                return Ok(Some(self.answered("full", self.nothing_and_spread(5, 15))));
            }
            Cue::TimeIsUp => return Ok(Some(self.answered("nothing", nothing(held.place)))),
            // If somebody does wait for it, as in a fourth tab: not so soon that the tabs chase each other.
            Cue::Replaced => return Ok(Some(self.answered("replaced", self.nothing_and_spread(5, 15)))),
            Cue::Stopping => return Ok(Some(self.answered("stopping", self.nothing_and_spread(1, 10)))),
        };
        held.news = Some(Box::pin(held.watch.news()));
        let status = self.standing(&held.claims, held.look.device.as_ref()).await?;
        drop(turn);
        if held.look.is_news(&status) {
            return Ok(Some(self.answered("changed", News::Changed(status))));
        }
        if held.seat.is_none() {
            return Ok(Some(self.answered("full", self.nothing_and_spread(5, 15))));
        }
        held.watch.seen(status.version, held.look.place);
        held.place = status.place;
        Ok(None)
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
}

fn nothing(place: Option<Place>) -> News {
    News::Nothing { pause_seconds: pause_before_asking(place) }
}
