//! How long a job is held, and how long it waits for its next attempt.

use time::Duration;

use crate::ports::Ids;

/// The longest a failed attempt waits for the next one.
pub const RETRY_CEILING: Duration = Duration::seconds(60);

/// What a lease keeps back for recording the result after the neighbour answered.
pub const RECORDING: Duration = Duration::seconds(15);

/// The same for the first attempt, by who causes the job. It is shorter, as a worker takes over when it is over.
pub const FIRST_RECORDING: Duration = Duration::seconds(8);

/// How long to wait after attempt `attempts` failed: 5, 10, 20, 40, then 60 s, ±20 %, so that an outage's visits do not
/// come back all at once. A neighbour's wish to be left alone longer is heard up to the ceiling: recovery must show within
/// minutes.
#[must_use]
pub fn retry_delay(attempts: u32, asked: Option<Duration>, ids: &dyn Ids) -> Duration {
    let steps = attempts.saturating_sub(1).min(4);
    let base = Duration::seconds(5 << steps).max(asked.unwrap_or_default()).min(RETRY_CEILING);
    let mut byte = [0_u8; 1];
    ids.fill_random(&mut byte);
    base * (0.8 + 0.4 * f64::from(byte[0]) / 255.0)
}
