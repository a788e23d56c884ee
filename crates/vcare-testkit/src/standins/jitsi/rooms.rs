//! Rooms as they are, and who is in them.

use super::page::Page;
use super::reservation::Reservation;
use super::settings::Settings;
use super::token::Login;

/// Somebody in a room.
#[derive(Debug, Clone)]
pub struct Occupant {
    /// Their JID. Whoever comes back has another one.
    pub jid: String,
    /// The room's JID inside Prosody: `[tenant]room@muc.domain`.
    pub room_jid: String,
    /// What their token said.
    pub login: Login,
    /// Whether they moderate.
    pub moderator: bool,
    /// How their page began.
    pub page: Page,
}

impl Occupant {
    /// Whether the server lets them: a token with features grants what it lists, one without grants all to a moderator.
    #[must_use]
    pub fn may(&self, feature: &str) -> bool {
        self.login.feature(feature).unwrap_or(self.moderator)
    }
}

/// Somebody who was in a room.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    pub occupant: Occupant,
    pub joined_at: i64,
    pub left_at: Option<i64>,
}

/// A room, from the first person to the last.
#[derive(Debug, Clone)]
pub(super) struct Conference {
    pub node: String,
    pub jid: String,
    pub created_at: i64,
    pub reservation: Option<Reservation>,
    /// All who ever were in it.
    pub seats: Vec<Seat>,
}

impl Conference {
    pub fn new(settings: &Settings, node: &str, reservation: Option<Reservation>) -> Self {
        let jid = format!("{node}@muc.{}", settings.xmpp_domain);
        Self { node: node.to_owned(), jid, created_at: settings.now(), reservation, seats: Vec::new() }
    }

    pub fn present(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().filter(|seat| seat.left_at.is_none())
    }

    /// Without a limit of the server's own, none holds.
    pub fn is_full(&self, settings: &Settings) -> bool {
        let reserved = self.reservation.as_ref().and_then(|reservation| reservation.max_occupants);
        let limit = settings.max_participants.filter(|max| *max > 0).map(|max| reserved.unwrap_or(max));
        limit.is_some_and(|limit| limit > 0 && self.present().count() >= limit)
    }

    pub fn has_moderator(&self) -> bool {
        self.present().any(|seat| seat.occupant.moderator)
    }

    /// Gives that person's seat back, if they are still there.
    pub fn leave(&mut self, jid: &str, at: i64) -> Option<Seat> {
        let seat = self.seats.iter_mut().find(|seat| seat.occupant.jid == jid && seat.left_at.is_none())?;
        seat.left_at = Some(at);
        Some(seat.clone())
    }
}
