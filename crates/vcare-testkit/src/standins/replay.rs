//! Answers kept under an `Idempotency-Key`.

use std::collections::HashMap;

use super::exchange::{Answer, Asked};

/// What was answered to whom. An answer is given again byte by byte.
#[derive(Debug, Default)]
pub(super) struct Replays(HashMap<String, (Vec<u8>, Answer)>);

/// What is known of a key.
pub(super) enum Known {
    /// Nothing: go on.
    New(String),
    /// It was used for this very request.
    Answered(Answer),
    /// It was used for another one.
    Misused,
    /// There is none.
    Missing,
}

impl Replays {
    /// Keys are the caller's own: two paths may see the same one.
    pub fn look_up(&self, asked: &Asked) -> Known {
        let Some(key) = asked.header("idempotency-key").filter(|key| !key.trim().is_empty()) else {
            return Known::Missing;
        };
        let key = format!("{} {key}", asked.path);
        match self.0.get(&key) {
            None => Known::New(key),
            Some((body, answer)) if *body == asked.body => Known::Answered(answer.clone()),
            Some(_) => Known::Misused,
        }
    }

    pub fn keep(&mut self, key: String, asked: &Asked, answer: &Answer) {
        self.0.insert(key, (asked.body.to_vec(), answer.clone()));
    }
}
