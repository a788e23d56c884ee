//! What requests are made of, checked.

mod audio;
mod body;
mod caller;
mod fields;
mod headers;
pub mod page;
mod path;
mod query;

pub use audio::{AudioLimits, AudioRequest};
pub use body::{Body, RawBody, parse_json};
pub use caller::{SignedInCaller, authenticate, bearer};
pub use fields::{Fields, Instant};
pub use headers::{EmergencyHeader, IfMatch, WishKey, expected_version, only};
pub use path::{AsyncVisitPath, ParticipantPath, SessionPath, UploadPath};
pub use query::Query;
