//! What people do with live visits: one verb, one file.

mod admission;
mod admit;
mod announce_delay;
mod by_link;
mod cancel;
mod create;
mod end;
mod fall_back;
mod invite;
mod join;
mod join_as_provider;
mod join_token;
mod list;
mod names;
mod probe_link;
mod read;
mod remove;
mod reschedule;
mod short_link;
mod withdraw_recording;

pub use admission::Admission;
pub use create::CreateSession;
pub use invite::InviteParticipant;
pub use join::{Device, Joined};
pub use join_token::{IssueJoinToken, IssuedJoinToken};
pub use list::{ListedSession, PatientWaits, SessionListPage};
pub use names::{GivenProfile, Names};
pub use probe_link::ProbedLink;
pub use read::SeenSession;
pub use reschedule::RescheduleSession;

use time::OffsetDateTime;
use vcare_domain::{Change, ExpectedVersions};

use crate::actor::Caller;

impl Caller {
    /// The change that this caller makes now.
    pub(crate) fn change(&self, at: OffsetDateTime, expected: Option<ExpectedVersions>) -> Change {
        Change { by: self.user_id.clone(), at, expected }
    }
}
