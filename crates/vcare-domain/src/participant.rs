//! A person in a visit, with a state of their own.

use std::fmt;

use time::OffsetDateTime;

use crate::config::Locale;
use crate::ids::ParticipantId;
use crate::link::LinkUse;
use crate::name::SealedName;
use crate::reason::{Reason, RemovalCode};
use crate::text::{RelatedPersonId, UserId};
use crate::time_span::{TimeSpan, union};

/// The most stretches that are kept of a person whose connection comes and goes: then the shortest gaps are closed.
pub const MAX_STAYS: usize = 100;

/// What somebody is in a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParticipantRole {
    /// Cares for the patient; the only role that moderates.
    Provider,
    /// The one the visit is for; at most one a visit.
    Patient,
    /// Translates.
    Interpreter,
    /// Listens: family, a student, a second opinion.
    Observer,
}

impl ParticipantRole {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Provider, Self::Patient, Self::Interpreter, Self::Observer];

    /// The role's name in answers, events and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Patient => "patient",
            Self::Interpreter => "interpreter",
            Self::Observer => "observer",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// A participant's state without its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParticipantStatus {
    /// Expected; has not come.
    Invited,
    /// In the waiting room.
    Waiting,
    /// Let in; may open the video room.
    Admitted,
    /// Seen in the visit.
    Active,
    /// Lost the connection; may come back.
    Disconnected,
    /// Put out; needs a new token to come back.
    Removed,
}

impl ParticipantStatus {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Invited, Self::Waiting, Self::Admitted, Self::Active, Self::Disconnected, Self::Removed];

    /// The status' name in answers, events and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Waiting => "waiting",
            Self::Admitted => "admitted",
            Self::Active => "active",
            Self::Disconnected => "disconnected",
            Self::Removed => "removed",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl fmt::Display for ParticipantStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A participant's state: `invited → waiting → admitted → active → disconnected → removed`.
///
/// A provider goes from `invited` to `active` at once; a returning person from `disconnected` to `active`; a removed
/// one back to `invited` by a new token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParticipantState {
    /// Expected; has not come.
    Invited,
    /// In the waiting room since then.
    Waiting {
        /// When they came.
        since: OffsetDateTime,
    },
    /// Let in; may open the video room.
    Admitted {
        /// When the provider decided.
        at: OffsetDateTime,
    },
    /// Seen in the visit since then.
    Active {
        /// When they were first, or again, seen.
        since: OffsetDateTime,
    },
    /// Lost the connection; was in the visit before.
    Disconnected {
        /// When the connection was lost.
        at: OffsetDateTime,
    },
    /// Put out.
    Removed {
        /// When.
        at: OffsetDateTime,
        /// Why.
        reason: Reason<RemovalCode>,
    },
}

impl ParticipantState {
    /// The state without its data.
    #[must_use]
    pub const fn status(&self) -> ParticipantStatus {
        match self {
            Self::Invited => ParticipantStatus::Invited,
            Self::Waiting { .. } => ParticipantStatus::Waiting,
            Self::Admitted { .. } => ParticipantStatus::Admitted,
            Self::Active { .. } => ParticipantStatus::Active,
            Self::Disconnected { .. } => ParticipantStatus::Disconnected,
            Self::Removed { .. } => ParticipantStatus::Removed,
        }
    }

    /// Whether the person has passed the waiting room and may see the room's address.
    #[must_use]
    pub const fn is_let_in(&self) -> bool {
        matches!(self, Self::Admitted { .. } | Self::Active { .. } | Self::Disconnected { .. })
    }

    /// Whether the person is in the visit: let in, and not known to have lost the connection.
    #[must_use]
    pub const fn is_inside(&self) -> bool {
        matches!(self, Self::Admitted { .. } | Self::Active { .. })
    }

    /// Since when the person is in this state; `None` for somebody who was only invited.
    #[must_use]
    pub const fn since(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Invited => None,
            Self::Waiting { since } | Self::Active { since } => Some(*since),
            Self::Admitted { at } | Self::Disconnected { at } | Self::Removed { at, .. } => Some(*at),
        }
    }
}

/// A person's part in one visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// Opaque to everybody outside.
    pub id: ParticipantId,
    /// The account of somebody who signs in; a patient may have none.
    pub user_id: Option<UserId>,
    /// What they are in this visit.
    pub role: ParticipantRole,
    /// Where they are.
    pub state: ParticipantState,
    /// The join token that counts; each new token raises it and so ends the older one. 0: none was issued.
    pub token_version: u32,
    /// When they first came.
    pub joined_at: Option<OffsetDateTime>,
    /// When they were first let in, or came in as provider; `None` for who only waited.
    pub let_in_at: Option<OffsetDateTime>,
    /// When they were last seen to leave.
    pub left_at: Option<OffsetDateTime>,
    /// When they were in the visit, in order; the last stretch has no end while they are.
    pub stays: Vec<TimeSpan>,
    /// What their link is used for; `None` while it was never probed.
    pub link: Option<LinkUse>,
    /// Who comes in the patient's place: the link that counts was issued to somebody who acts for them.
    pub related_person: Option<RelatedPersonId>,
    /// What they are called, where somebody said so.
    pub name: Option<SealedName>,
    /// The language that they read, where somebody said so.
    pub language: Option<Locale>,
}

impl Participant {
    pub(crate) fn invited(id: ParticipantId, user_id: Option<UserId>, role: ParticipantRole) -> Self {
        Self {
            id,
            user_id,
            role,
            state: ParticipantState::Invited,
            token_version: 0,
            joined_at: None,
            let_in_at: None,
            left_at: None,
            stays: Vec::new(),
            link: None,
            related_person: None,
            name: None,
            language: None,
        }
    }

    pub(crate) fn come(&mut self, state: ParticipantState, at: OffsetDateTime) {
        self.joined_at.get_or_insert(at);
        self.left_at = None;
        self.enter(state, at);
    }

    pub(crate) fn enter(&mut self, state: ParticipantState, at: OffsetDateTime) {
        if state.is_let_in() {
            self.let_in_at.get_or_insert(at);
        }
        self.state = state;
        if self.state.is_inside() {
            self.stay_from(at);
        }
    }

    pub(crate) fn leave(&mut self, state: ParticipantState, at: OffsetDateTime) {
        if self.joined_at.is_some() {
            self.left_at.get_or_insert(at);
        }
        self.state = state;
        self.stay_until(at);
    }

    /// Notes that the visit is over for them, wherever they are.
    pub(crate) fn visit_is_over(&mut self, at: OffsetDateTime) {
        if self.joined_at.is_some() {
            self.left_at.get_or_insert(at);
        }
        self.stay_until(at);
    }

    /// The participant with the stretches that were stored. A version of this service that does not know them may have written
    /// the participant's state since, so they are made to agree with it.
    #[must_use]
    pub fn with_stays(mut self, stored: Vec<TimeSpan>) -> Self {
        let Some(let_in_at) = self.let_in_at else { return self };
        self.stays = if stored.is_empty() { vec![TimeSpan::since(let_in_at)] } else { union(stored) };
        let is_inside = self.state.is_inside() && self.left_at.is_none();
        let since = self.state.since().unwrap_or(let_in_at);
        match self.stays.last().and_then(|last| last.to) {
            Some(left) if is_inside => self.stay_from(since.max(left)),
            None if !is_inside => self.stay_until(self.left_at.unwrap_or(since)),
            _ => {}
        }
        self
    }

    fn stay_from(&mut self, at: OffsetDateTime) {
        if self.stays.last().is_some_and(|last| last.to.is_none()) {
            return;
        }
        self.stays.push(TimeSpan::since(at));
        if self.stays.len() > MAX_STAYS {
            self.close_the_shortest_gap();
        }
    }

    fn stay_until(&mut self, at: OffsetDateTime) {
        if let Some(last) = self.stays.last_mut() {
            last.to.get_or_insert(at.max(last.from));
        }
    }

    fn close_the_shortest_gap(&mut self) {
        let gap = |pair: &[TimeSpan]| pair[0].to.map(|left| pair[1].from - left);
        let gaps = self.stays.windows(2).map(gap).enumerate();
        if let Some((shortest, _)) = gaps.min_by_key(|(_, gap)| *gap) {
            let next = self.stays.remove(shortest + 1);
            self.stays[shortest].to = next.to;
        }
    }
}
