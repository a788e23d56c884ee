//! The video room of a visit.

use std::fmt;

use crate::text::HttpsUrl;

/// A room name that real Jitsi would not carry unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a room name is 1 to 64 of a-z, 0-9 and '-'")]
pub struct InvalidRoom;

/// A room's name: `{prefix}-{8 random of [a-z0-9]}`. Jitsi lower-cases names, so only lower case is used.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoomName(String);

impl RoomName {
    /// How many random characters follow the prefix: 36⁸ names a prefix.
    pub const RANDOM_CHARS: usize = 8;
    const ALPHABET: &'static [u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

    /// Draws a name under the tenant's prefix. `random` gives one number below 36 per call.
    pub fn draw(prefix: &str, mut random: impl FnMut() -> u8) -> Result<Self, InvalidRoom> {
        let suffix = (0..Self::RANDOM_CHARS).map(|_| char::from(Self::ALPHABET[usize::from(random()) % 36]));
        Self::parse(format!("{prefix}-{}", suffix.collect::<String>()))
    }

    /// Checks a stored or received name.
    ///
    /// # Errors
    /// [`InvalidRoom`] when it holds anything but `a-z`, `0-9` and `-`.
    pub fn parse(name: impl Into<String>) -> Result<Self, InvalidRoom> {
        let name = name.into();
        let fits = (1..=64).contains(&name.len());
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits && plain { Ok(Self(name)) } else { Err(InvalidRoom) }
    }

    /// The prefix under which it was drawn; `None` for a name that was not drawn.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        let (prefix, random) = self.0.rsplit_once('-')?;
        (random.len() == Self::RANDOM_CHARS && !prefix.is_empty()).then_some(prefix)
    }

    /// The name alone, without server or tenant.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A room as Jitsi names it inside: the room, behind the path segment of its tenant when there is one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConferenceName {
    /// The tenant's path segment.
    pub tenant: Option<String>,
    /// The room.
    pub room: RoomName,
}

impl ConferenceName {
    /// Prosody's form: `room`, or `[tenant]room`.
    ///
    /// # Errors
    /// [`InvalidRoom`] for anything else.
    pub fn parse_prosody(name: &str) -> Result<Self, InvalidRoom> {
        let Some(bracketed) = name.strip_prefix('[') else { return Self::new(None, name) };
        let (tenant, room) = bracketed.split_once(']').ok_or(InvalidRoom)?;
        Self::new(Some(tenant), room)
    }

    /// The form of addresses: `room`, or `tenant/room`.
    ///
    /// # Errors
    /// [`InvalidRoom`] for anything else.
    pub fn parse_path(name: &str) -> Result<Self, InvalidRoom> {
        match name.split_once('/') {
            Some((tenant, room)) => Self::new(Some(tenant), room),
            None => Self::new(None, name),
        }
    }

    /// Jitsi ignores the case of both parts, and so do we.
    fn new(tenant: Option<&str>, room: &str) -> Result<Self, InvalidRoom> {
        let room = RoomName::parse(room.to_ascii_lowercase())?;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
        let tenant = tenant.map(str::to_ascii_lowercase);
        let fits = tenant.as_ref().is_none_or(|name| (1..=100).contains(&name.len()) && name.bytes().all(plain));
        if fits { Ok(Self { tenant, room }) } else { Err(InvalidRoom) }
    }
}

impl fmt::Display for ConferenceName {
    /// Prosody's form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tenant {
            Some(tenant) => write!(f, "[{tenant}]{}", self.room),
            None => self.room.fmt(f),
        }
    }
}

/// A reserved room: its name and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The name, never used again.
    pub name: RoomName,
    /// `https://host/[tenant/]name`.
    pub url: HttpsUrl,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_name_is_the_prefix_and_eight_characters() {
        let mut n = 0;
        let name = RoomName::draw("kabul", || {
            n += 5;
            n
        });
        assert_eq!(name.map(|n| n.to_string()), Ok("kabul-fkpuz49e".to_owned()));
    }

    #[test]
    fn names_that_jitsi_would_change_are_refused() {
        for bad in ["", "Kabul-1", "a.b", "a/b", "a b", &"x".repeat(65)] {
            assert_eq!(RoomName::parse(bad), Err(InvalidRoom), "{bad}");
        }
    }

    #[test]
    fn the_prefix_of_a_drawn_name_is_what_stands_before_the_random_part() {
        let prefix = |name: &str| RoomName::parse(name).unwrap().prefix().map(ToOwned::to_owned);
        assert_eq!(prefix("kabul-fkpuz49e"), Some("kabul".to_owned()));
        assert_eq!(prefix("kabul-east-fkpuz49e"), Some("kabul-east".to_owned()));
        for not_drawn in ["kabul", "-fkpuz49e", "kabul-fkpuz49"] {
            assert_eq!(prefix(not_drawn), None, "{not_drawn}");
        }
    }

    #[test]
    fn a_conference_is_a_room_with_or_without_its_tenant() {
        let name = |tenant: Option<&str>| ConferenceName {
            tenant: tenant.map(ToOwned::to_owned),
            room: RoomName::parse("acme-k3j9x2qa").unwrap(),
        };
        assert_eq!(ConferenceName::parse_prosody("acme-k3j9x2qa"), Ok(name(None)));
        assert_eq!(ConferenceName::parse_prosody("[acme]acme-K3J9X2QA"), Ok(name(Some("acme"))));
        assert_eq!(ConferenceName::parse_path("acme-k3j9x2qa"), Ok(name(None)));
        assert_eq!(ConferenceName::parse_path("Acme/acme-k3j9x2qa"), Ok(name(Some("acme"))));
        assert_eq!(name(Some("acme")).to_string(), "[acme]acme-k3j9x2qa");
        for crafted in ["[acme", "[]acme-1", "[a][b]acme-1", "[a b]acme-1", "[acme]", "acme]x", "", "a/b", "[a/b]c"] {
            assert_eq!(ConferenceName::parse_prosody(crafted), Err(InvalidRoom), "{crafted}");
        }
        for crafted in ["a/b/c", "/acme-1", "acme/", "[acme]acme-1", "a b/c", "a%2fb"] {
            assert_eq!(ConferenceName::parse_path(crafted), Err(InvalidRoom), "{crafted}");
        }
    }
}
