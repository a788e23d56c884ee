//! What workers count.

/// What became of the jobs that were taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkReport {
    /// Done: now, or found done.
    pub done: u32,
    /// Set aside for a person.
    pub parked: u32,
    /// To be tried again.
    pub later: u32,
    /// Attempts that failed on our side; their leases run out by themselves.
    pub failed: u32,
}

impl WorkReport {
    /// How many jobs were taken up.
    #[must_use]
    pub const fn taken(self) -> u32 {
        self.done + self.parked + self.later + self.failed
    }

    pub(crate) const fn add(&mut self, more: Self) {
        self.done += more.done;
        self.parked += more.parked;
        self.later += more.later;
        self.failed += more.failed;
    }
}
