//! What stands for a text where the text must not stand.

use std::fmt;

/// The SHA-256 of a text in UTF-8, for a neighbour that has the text itself: whoever guesses a text can confirm it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash([u8; 32]);

/// The HMAC-SHA256 of a text under the key of its visit: says whether two texts of a visit are the same, and tells nothing to
/// anybody without the key. Once the key is deleted it tells nothing at all.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyedHash([u8; 32]);

/// Both hashes of one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextHashes {
    /// Without a key.
    pub content: ContentHash,
    /// With the visit's.
    pub keyed: KeyedHash,
}

impl TextHashes {
    /// Whether a draft's hash is of this text. A draft of a version before keyed hashes has one without a key.
    #[must_use]
    pub fn are_of(self, kept: KeyedHash) -> bool {
        kept == self.keyed || kept.0 == self.content.0
    }
}

macro_rules! hash {
    ($name:ident, $prefix:literal) => {
        impl $name {
            /// A hash that was computed elsewhere.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Its bytes, as stored.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}
hash!(ContentHash, "sha256:");
hash!(KeyedHash, "hmac-sha256:");
