//! What can be wrong with a tenant's settings.

use crate::config::{InvalidColor, VideoBackend};
use crate::phone::InvalidPhone;
use crate::text::InvalidText;

/// A tenant setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// A number outside its range.
    #[error("{field} must be between {min} and {max}")]
    OutOfRange {
        /// The setting.
        field: &'static str,
        /// The least it may be.
        min: u32,
        /// The most it may be.
        max: u32,
    },
    /// A prefix Jitsi would change.
    #[error("roomSlugPrefix is 1 to 32 of a-z, 0-9 and '-'")]
    RoomSlugPrefix,
    /// A name that is not one path segment or domain.
    #[error("{field} is 1 to 100 of a-z, 0-9, '-' and '.'")]
    Name {
        /// The setting.
        field: &'static str,
    },
    /// A text that does not pass.
    #[error("{field} {reason}")]
    Text {
        /// The setting.
        field: &'static str,
        /// What is wrong with it.
        reason: InvalidText,
    },
    /// Not a colour.
    #[error("brandingPrimaryColor {0}")]
    Color(#[from] InvalidColor),
    /// Not a telephone number.
    #[error("clinicPhone {0}")]
    Phone(#[from] InvalidPhone),
    /// Not an address inside the deployment.
    #[error("{field} must be a plain http or https address")]
    InternalUrl {
        /// The setting.
        field: &'static str,
    },
    /// The chosen backend lacks something.
    #[error("{field} is needed for videoBackend {backend}")]
    Needed {
        /// The setting.
        field: &'static str,
        /// The backend that needs it.
        backend: VideoBackend,
    },
    /// A name that stands for nothing.
    #[error("{field} must be one of: {expected}")]
    Unknown {
        /// The setting.
        field: &'static str,
        /// What it may be.
        expected: &'static str,
    },
    /// Another tenant has it.
    #[error("{field} belongs to another tenant")]
    Taken {
        /// The setting.
        field: &'static str,
    },
}

impl InvalidConfig {
    /// The setting.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::OutOfRange { field, .. }
            | Self::Name { field }
            | Self::Text { field, .. }
            | Self::InternalUrl { field }
            | Self::Needed { field, .. }
            | Self::Unknown { field, .. }
            | Self::Taken { field } => field,
            Self::RoomSlugPrefix => "roomSlugPrefix",
            Self::Color(_) => "brandingPrimaryColor",
            Self::Phone(_) => "clinicPhone",
        }
    }
}
