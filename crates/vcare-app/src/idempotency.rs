//! `Idempotency-Key`: the key, the effect and the answer commit together.

use std::fmt;

use sha2::{Digest, Sha256};
use vcare_domain::TenantId;

use crate::actor::ActorRef;

/// A key that cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 128 visible ASCII characters, bare or in quotes")]
pub struct InvalidIdempotencyKey;

/// The caller's name for one wish; the same wish sent again carries the same key. What callers make of it is not known, so
/// that it is not printed, and kept as a hash.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(…)")
    }
}

impl IdempotencyKey {
    /// Checks a key from outside: bare, or in quotes as the IETF's draft has it, which is the same key.
    ///
    /// # Errors
    /// [`InvalidIdempotencyKey`].
    pub fn parse(key: &str) -> Result<Self, InvalidIdempotencyKey> {
        let key = match key.strip_prefix('"') {
            Some(quoted) => unquoted(quoted).ok_or(InvalidIdempotencyKey)?,
            None => key.to_owned(),
        };
        let fits = (1..=128).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
        if fits { Ok(Self(key)) } else { Err(InvalidIdempotencyKey) }
    }

    /// The key, without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the key is kept as: SHA-256 of tenant, actor and key, each in a line. The migration that brought the hash
    /// computes the same.
    #[must_use]
    pub fn hash(&self, tenant: &TenantId, actor: &ActorRef) -> [u8; 32] {
        Sha256::digest(format!("{tenant}\n{}\n{}", actor.id(), self.0)).into()
    }
}

/// A string of structured fields (RFC 9651, 3.3.3) behind its first quote.
fn unquoted(text: &str) -> Option<String> {
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text.chars());
    loop {
        match rest.next()? {
            '"' => return rest.next().is_none().then_some(plain),
            '\\' => plain.push(rest.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            other => plain.push(other),
        }
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
    /// A hash of method, path, body and condition: the same key for another request is refused.
    pub fingerprint: [u8; 32],
    /// The hash that the version before this one made of it: what that kept is recognised.
    pub fingerprint_before: [u8; 32],
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(key: &str) -> Option<String> {
        IdempotencyKey::parse(key).ok().map(|key| key.as_str().to_owned())
    }

    #[test]
    fn a_key_in_quotes_and_a_bare_one_are_one_key() {
        for (sent, key) in [
            ("abc", "abc"),
            ("\"abc\"", "abc"),
            ("a\"b", "a\"b"),
            (r#""a\"b""#, "a\"b"),
            (r#""a\\b""#, "a\\b"),
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ] {
            assert_eq!(parsed(sent).as_deref(), Some(key), "{sent}");
        }
        let longest = "k".repeat(128);
        assert_eq!(parsed(&format!("\"{longest}\"")), Some(longest));
    }

    #[test]
    fn a_key_that_is_none_is_refused() {
        let too_long = format!("\"{}\"", "k".repeat(129));
        for bad in [
            "",
            "\"",
            "\"\"",
            "\"abc",
            "\"abc\"d",
            "\"abc\";a=1",
            "\"a b\"",
            r#""a\c""#,
            r#""a\"#,
            "a b",
            "é",
            &too_long,
        ] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_key_is_not_printed() {
        let key = IdempotencyKey::parse("pat-0001-cancel").unwrap();
        assert!(!format!("{key:?}").contains("pat-0001"));
    }
}
