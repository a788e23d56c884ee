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
}
