//! JSON Web Tokens, as narrow as this service needs them: HS256 for the tokens it signs itself ([`hs256`]), RS256 for
//! the access tokens it is shown ([`rs256`]).
//!
//! The algorithm is always chosen here, never read from a token. All cryptography is ring's, through a
//! `jsonwebtoken` provider that [`install`] puts in place; every function of this crate does so by itself, and no
//! other crate touches `jsonwebtoken`. Nothing here knows the time: [`check_times`] is told.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod compact;
mod fault;
pub mod hs256;
mod provider;
pub mod rs256;
mod times;

pub use compact::{MAX_TOKEN_BYTES, peek_unverified_claims, peek_unverified_kid};
pub use fault::Fault;
pub use provider::install;
pub use times::check_times;
