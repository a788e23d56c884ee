//! What comes from the machine itself and not by a port: the one place where the testkit takes time, chance and
//! variables. Stand-ins live in the machine's time, as the real neighbours do.

#![expect(clippy::disallowed_methods, reason = "what the service takes from its ports begins somewhere")]

use std::ffi::OsString;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::Clock;

use crate::clock::whole_milliseconds;

/// Now.
pub(crate) fn now() -> OffsetDateTime {
    whole_milliseconds(OffsetDateTime::from(SystemTime::now()))
}

/// The machine's clock.
pub(crate) struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> OffsetDateTime {
        now()
    }

    fn uptime(&self) -> time::Duration {
        static STARTED: OnceLock<Instant> = OnceLock::new();
        STARTED.get_or_init(Instant::now).elapsed().try_into().unwrap_or(time::Duration::MAX)
    }
}

/// An id that nobody has.
pub(crate) fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// A variable of the environment.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Waits a little before looking again at what cannot be waited for: a child's end, with a deadline.
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}
