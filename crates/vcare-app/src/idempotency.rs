//! `Idempotency-Key`: the key, the effect and the answer commit together.

use std::fmt;

/// A key that cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 128 visible ASCII characters")]
pub struct InvalidIdempotencyKey;

/// The caller's name for one wish; the same wish sent again carries the same key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Checks a key from outside.
    ///
    /// # Errors
    /// [`InvalidIdempotencyKey`].
    pub fn parse(key: &str) -> Result<Self, InvalidIdempotencyKey> {
        let fits = (1..=128).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
        if fits { Ok(Self(key.to_owned())) } else { Err(InvalidIdempotencyKey) }
    }

    /// The key as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What was answered the first time. Holds no token: an answer that carries one stores how to make it again.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// The caller's name for a wish, and what the wish was.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The caller's key.
    pub key: IdempotencyKey,
    /// A hash of method, path and body: the same key for another request is refused.
    pub fingerprint: [u8; 32],
}

/// A wish that must be fulfilled once, and how the answer to it is written down.
pub struct Once<'a, T> {
    /// The wish.
    pub wish: Wish,
    /// Writes the answer down.
    pub answer: &'a (dyn Fn(&T) -> Answer + Send + Sync),
}

/// The result of a wish that may have been fulfilled before.
#[derive(Debug)]
pub enum Done<T> {
    /// Done now.
    Now(T),
    /// Done earlier, under the same key: this was the answer.
    Before(Answer),
}
