//! The Zoom account that is played.

use std::fmt;
use std::sync::Arc;

use vcare_app::ports::Clock;

use crate::machine::MachineClock;

/// An account with a Server-to-Server OAuth app.
#[derive(Clone)]
pub struct Settings {
    /// The account.
    pub account_id: String,
    /// The app's id.
    pub client_id: String,
    /// The app's secret.
    pub client_secret: String,
    /// The users who may hold meetings, by the id or address that paths name. `me` is the first.
    pub users: Vec<String>,
    /// What the app may do.
    pub scopes: Vec<String>,
    /// The time it is for Zoom.
    pub clock: Arc<dyn Clock>,
}

impl Default for Settings {
    /// One user, all that is played here is allowed, in the machine's time.
    fn default() -> Self {
        let scopes = [
            "meeting:write:meeting:admin",
            "meeting:read:meeting:admin",
            "meeting:update:status:admin",
            "meeting:delete:meeting:admin",
            "meeting:read:list_meetings:admin",
            "meeting:write:registrant:admin",
        ];
        Self {
            account_id: "zoom-account".to_owned(),
            client_id: "zoom-client".to_owned(),
            client_secret: "zoom-client-secret".to_owned(),
            users: vec!["visits@hospital.example".to_owned()],
            scopes: scopes.map(str::to_owned).into(),
            clock: Arc::new(MachineClock),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("account_id", &self.account_id).finish_non_exhaustive()
    }
}

/// A limit that is reached: every call that it is about is refused until it is lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Calls per second, of all.
    PerSecond,
    /// Calls per day, of all: with the time when it ends in `Retry-After`.
    Daily,
    /// Meetings made or changed per day, of one user: with no word of when it ends but in the text.
    Meetings,
}
