//! Waiting in a test: for something to be so, never for a time to pass.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Far more than anything takes; a busy machine is no failure.
const PATIENCE: Duration = Duration::from_secs(40);
/// How often it is looked.
const BETWEEN: Duration = Duration::from_millis(5);

/// Waits until that is so, for at most 40 s. On tokio's clock: where a test stops that, this moves it.
///
/// # Panics
/// When it does not come to be; says `what` was waited for.
pub async fn until(what: &str, so: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so().await {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        sleep(BETWEEN).await;
    }
}
