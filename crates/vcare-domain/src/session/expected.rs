//! The versions that a caller acts on.

use crate::session::Version;

/// The versions that a caller acts on: one that they saw, or several of which any will do. None at all is no version that
/// anything has, so that the change is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedVersions(Vec<Version>);

impl ExpectedVersions {
    /// Any of these will do.
    #[must_use]
    pub fn any_of(versions: Vec<Version>) -> Self {
        Self(versions)
    }

    /// Whether the current version is one of them.
    #[must_use]
    pub fn contain(&self, current: Version) -> bool {
        self.0.contains(&current)
    }

    /// All of them.
    #[must_use]
    pub fn as_slice(&self) -> &[Version] {
        &self.0
    }
}

impl From<Version> for ExpectedVersions {
    fn from(version: Version) -> Self {
        Self(vec![version])
    }
}
