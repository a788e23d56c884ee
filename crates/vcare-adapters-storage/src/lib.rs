//! Where attachments are kept, and what is done to them before anybody sees them: the only crate that knows object_store,
//! image, and the codecs of sound.
//!
//! [`ObjectStorage`] is a local folder or an S3-compatible store; [`Clamd`] asks a scanner; [`Inspector`] decides from the
//! content what something is and rewrites it: pictures pixel by pixel, voice notes part by part or sample by sample,
//! documents object by object. [`recognise`] tells from its first bytes what is not worth sending.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking"))]

mod audio;
mod clamd;
mod document;
mod inspector;
mod logo;
mod picture;
mod recognise;
mod storage;

pub use clamd::{Clamd, ClamdConfig, NoScanner};
pub use inspector::Inspector;
pub use logo::SmallLogos;
pub use recognise::recognise;
pub use storage::{InvalidStorage, ObjectStorage, S3Config, Secret};
