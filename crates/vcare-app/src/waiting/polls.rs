//! How many questions one join token may hold open.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;
use vcare_domain::ParticipantId;

use crate::ports::JoinTokenClaims;

/// A join token: its holder, and the number of their link.
type Token = (ParticipantId, u32);

/// The questions that each token holds open in this process, the oldest first.
#[derive(Debug)]
pub struct Polls {
    most: usize,
    next: AtomicU64,
    open: Mutex<HashMap<Token, Vec<Open>>>,
}

/// One of them. Dropping its sender signals that a newer one took its place.
#[derive(Debug)]
struct Open {
    number: u64,
    #[expect(dead_code, reason = "dropping it is the signal")]
    replaced: oneshot::Sender<()>,
}

impl Polls {
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), next: AtomicU64::default(), open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Token, Vec<Open>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more question. When the token has as many as it may, the oldest loses its own: after a reload, or on a
    /// link that was lost, it is one that nobody waits for any more, and the newest is the one that somebody looks at.
    pub(super) fn place(self: &Arc<Self>, claims: &JoinTokenClaims) -> PollPlace {
        let token = (claims.participant_id, claims.version);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (replaced, signal) = oneshot::channel();
        let mut open = self.open();
        // Hardly ever more than one, ten thousand times.
        let polls = open.entry(token).or_insert_with(|| Vec::with_capacity(1));
        if polls.len() >= self.most {
            polls.remove(0);
        }
        polls.push(Open { number, replaced });
        PollPlace { polls: Arc::clone(self), token, number, signal: Some(signal) }
    }

    fn leave(&self, token: Token, number: u64) {
        if let Entry::Occupied(mut polls) = self.open().entry(token) {
            polls.get_mut().retain(|one| one.number != number);
            if polls.get().is_empty() {
                polls.remove();
            }
        }
    }
}

/// A place of a token's, until this is dropped.
#[derive(Debug)]
pub(super) struct PollPlace {
    polls: Arc<Polls>,
    token: Token,
    number: u64,
    signal: Option<oneshot::Receiver<()>>,
}

impl PollPlace {
    /// Ends when a newer question took this place.
    pub async fn replaced(&mut self) {
        std::future::poll_fn(|cx| self.poll_replaced(cx)).await;
    }

    fn poll_replaced(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // A place that was lost does not come back.
        let Some(signal) = &mut self.signal else { return Poll::Ready(()) };
        let replaced = Pin::new(signal).poll(cx).map(|_| ());
        if replaced.is_ready() {
            self.signal = None;
        }
        replaced
    }
}

impl Drop for PollPlace {
    fn drop(&mut self) {
        self.polls.leave(self.token, self.number);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use time::OffsetDateTime;
    use uuid::Uuid;
    use vcare_domain::{ParticipantRole, SessionId, TenantId};

    use super::*;

    fn claims(participant: u128, version: u32) -> JoinTokenClaims {
        JoinTokenClaims {
            tenant_id: TenantId::parse("hosp-kabul").unwrap(),
            session_id: SessionId::from_uuid(Uuid::from_u128(1)),
            participant_id: ParticipantId::from_uuid(Uuid::from_u128(participant)),
            role: ParticipantRole::Patient,
            version,
            issued_at: OffsetDateTime::UNIX_EPOCH,
            expires_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn is_replaced(place: &mut PollPlace) -> bool {
        place.replaced().now_or_never().is_some()
    }

    #[test]
    fn the_oldest_makes_place_for_the_newest_and_who_goes_leaves_theirs() {
        let polls = Arc::new(Polls::new(3));
        let mut places: Vec<PollPlace> = (0..3).map(|_| polls.place(&claims(1, 1))).collect();
        // Another person, and another link of the same one.
        let mut others = [polls.place(&claims(2, 1)), polls.place(&claims(1, 2))];
        assert!(!places.iter_mut().chain(&mut others).any(is_replaced));

        places.push(polls.place(&claims(1, 1)));
        let replaced: Vec<bool> = places.iter_mut().map(is_replaced).collect();
        assert_eq!(replaced, [true, false, false, false]);
        assert!(is_replaced(&mut places[0]), "however often it asks");

        places.remove(2);
        places.push(polls.place(&claims(1, 1)));
        let replaced: Vec<bool> = places.iter_mut().map(is_replaced).collect();
        assert_eq!(replaced, [true, false, false, false], "there was a place");
        assert!(!others.iter_mut().any(is_replaced));

        drop((places, others));
        assert!(polls.open().is_empty(), "nothing is kept of who went");
    }

    #[test]
    fn however_many_come_a_token_has_its_few() {
        let polls = Arc::new(Polls::new(3));
        let mut places: Vec<PollPlace> = (0..300).map(|_| polls.place(&claims(1, 1))).collect();
        assert_eq!(places.iter_mut().map(is_replaced).filter(|replaced| !replaced).count(), 3);
        assert_eq!(polls.open()[&(claims(1, 1).participant_id, 1)].len(), 3);
    }
}
