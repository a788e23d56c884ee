//! What requests are made of, checked.

mod audio;
mod body;
mod caller;
mod conditions;
mod duplicates;
mod fields;
mod fingerprint;
mod headers;
mod json;
mod noted;
pub mod page;
mod path;
mod query;

pub use audio::{AudioLimits, AudioRequest};
pub use body::{Body, MergePatch, RawBody};
pub use caller::{SignedInCaller, authenticate, bearer};
pub use conditions::{IfMatch, IfNoneMatch, config_condition, expected_version};
pub use fields::{Fields, Instant};
pub use headers::{EmergencyHeader, WishKey, only};
pub use json::{Checked, parse_json};
pub use path::{AsyncVisitPath, ParticipantPath, SessionPath, UploadPath};
pub use query::Query;
