//! Lets those who want the very same thing stand in line, within this process.
//!
//! The database decides who is first, and would without this. It spares the neighbours: of a thousand repeats that come at
//! once, one asks them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as Line, OwnedMutexGuard};

/// From so many lines on, those in which nobody stands any more are forgotten at each coming.
const TIDY_FROM: usize = 64;

/// The lines, by what people stand in them for.
#[derive(Debug)]
pub struct InLine<K>(Arc<Mutex<HashMap<K, Weak<Line<()>>>>>);

impl<K> Clone for InLine<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> Default for InLine<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash> InLine<K> {
    /// Waits for one's turn, which lasts as long as what is answered is kept. Whoever goes away leaves the line.
    pub async fn turn(&self, wanted: K) -> OwnedMutexGuard<()> {
        let line = {
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() >= TIDY_FROM {
                lines.retain(|_, line| line.strong_count() > 0);
            }
            let known = lines.get(&wanted).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let line = Arc::new(Line::new(()));
                lines.insert(wanted, Arc::downgrade(&line));
                line
            })
        };
        line.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::task::{JoinSet, yield_now};

    use super::*;

    #[tokio::test]
    async fn those_who_want_the_same_have_their_turns_one_after_the_other() {
        let (lines, inside) = (InLine::default(), Arc::new(AtomicUsize::new(0)));
        let mut all = JoinSet::new();
        for _ in 0..50 {
            let (lines, inside) = (lines.clone(), Arc::clone(&inside));
            all.spawn(async move {
                let _turn = lines.turn("the same").await;
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
            });
        }
        assert_eq!(all.join_all().await.len(), 50);
    }

    #[tokio::test]
    async fn nobody_waits_for_who_wants_something_else_and_lines_without_people_are_forgotten() {
        let lines = InLine::default();
        let held = lines.turn(0).await;
        for other in 1..1000 {
            drop(lines.turn(other).await);
        }
        assert!(lines.0.lock().unwrap().len() <= TIDY_FROM);
        drop(held);
        drop(lines.turn(0).await);
    }
}
