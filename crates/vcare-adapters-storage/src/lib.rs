//! Where attachments are kept, and what is done to them before anybody sees them: the only crate that knows object_store
//! and image.
//!
//! [`ObjectStorage`] is a local folder or an S3-compatible store; [`Clamd`] asks a scanner; [`Inspector`] decides from the
//! content what something is and writes it anew: pictures pixel by pixel, voice notes part by part.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking"))]

mod audio;
mod clamd;
mod inspector;
mod logo;
mod picture;
mod storage;

pub use clamd::{Clamd, ClamdConfig, NoScanner};
pub use inspector::Inspector;
pub use logo::SmallLogos;
pub use storage::{InvalidStorage, ObjectStorage, S3Config, Secret};
