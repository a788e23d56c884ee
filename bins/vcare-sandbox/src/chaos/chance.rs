//! Chance that repeats: the same seed draws the same.

use std::time::Duration;

use vcare_app::ports::Ids;
use vcare_testkit::SeededIds;

/// A source of chance.
pub struct Chance(SeededIds);

impl Chance {
    /// The source of that number under a seed. Each visit has its own, so that what it draws does not hang on the others.
    pub const fn new(seed: u64, number: u64) -> Self {
        Self(SeededIds::new(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    /// A number below `limit`.
    pub fn below(&self, limit: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill_random(&mut bytes);
        u64::from_be_bytes(bytes) % limit.max(1)
    }

    /// Whether something happens that does so in that many of a hundred cases.
    pub fn percent(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of several, each as likely as its weight says.
    pub fn weighted<T: Copy>(&self, choices: &[(T, u64)], otherwise: T) -> T {
        let mut drawn = self.below(choices.iter().map(|(_, weight)| weight).sum());
        for (choice, weight) in choices {
            match drawn.checked_sub(*weight) {
                Some(rest) => drawn = rest,
                None => return *choice,
            }
        }
        otherwise
    }

    /// A time between two, in milliseconds.
    pub fn milliseconds(&self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_and_another_does_not() {
        let draw = |seed, number| {
            let chance = Chance::new(seed, number);
            (0..8).map(|_| chance.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7, 1), draw(7, 1));
        assert_ne!(draw(7, 1), draw(8, 1));
        assert_ne!(draw(7, 1), draw(7, 2));
    }

    #[test]
    fn weights_are_kept_and_what_has_none_is_never_drawn() {
        let chance = Chance::new(1, 0);
        let drawn: Vec<char> = (0..1000).map(|_| chance.weighted(&[('a', 3), ('b', 1), ('c', 0)], 'd')).collect();
        let count = |wanted| drawn.iter().filter(|one| **one == wanted).count();
        assert!((680..820).contains(&count('a')), "{}", count('a'));
        assert_eq!(count('a') + count('b'), 1000);
    }
}
