//! How much is asked of machines at once: one visit must not use up what all have.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use vcare_domain::SessionId;

/// All that may be asked at once, of this visit or of this process, is being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much is under way at once; wait for an answer")]
pub struct TooManyAtOnce;

/// Seats for requests to the AI gateway, in this process.
#[derive(Debug, Clone)]
pub struct AiSeats(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    a_visit: usize,
    in_all: usize,
    taken: Mutex<HashMap<SessionId, usize>>,
}

impl AiSeats {
    /// So many for one visit, and for all of them together.
    #[must_use]
    pub fn new(a_visit: u16, in_all: u16) -> Self {
        let (a_visit, in_all) = (usize::from(a_visit), usize::from(in_all));
        Self(Arc::new(Shared { a_visit, in_all, taken: Mutex::default() }))
    }

    /// Takes a seat, until it is dropped.
    ///
    /// # Errors
    /// [`TooManyAtOnce`].
    pub(crate) fn take(&self, session: SessionId) -> Result<Seat, TooManyAtOnce> {
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (own, all) = (taken.get(&session).copied().unwrap_or(0), taken.values().sum::<usize>());
        if own >= self.0.a_visit || all >= self.0.in_all {
            return Err(TooManyAtOnce);
        }
        taken.insert(session, own + 1);
        Ok(Seat { seats: self.clone(), session })
    }
}

/// A seat that was taken.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: AiSeats,
    session: SessionId,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.session) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                taken.remove(&self.session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_visit_has_its_seats_and_all_have_theirs() {
        let visit = |n| SessionId::from_uuid(Uuid::from_u128(n));
        let seats = AiSeats::new(2, 3);
        let own = [seats.take(visit(1)), seats.take(visit(1))];
        assert_eq!(seats.take(visit(1)).err(), Some(TooManyAtOnce), "of this visit");
        let other = seats.take(visit(2));
        assert!(other.is_ok());
        assert_eq!(seats.take(visit(3)).err(), Some(TooManyAtOnce), "of the process");
        drop(own);
        let again = [seats.take(visit(1)), seats.take(visit(1))];
        assert!(again.iter().all(Result::is_ok));
        drop((again, other));
        assert!(seats.0.taken.lock().unwrap().is_empty());
    }
}
