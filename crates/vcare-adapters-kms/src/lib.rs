//! Keys and secrets: the local keyring for one-machine use, and the join tokens signed with derived keys.
//!
//! Everything rests on one seam, [`TenantMac`]: a MAC over a [`Purpose`] and a tenant, under a master key that never
//! leaves its keeper. [`LocalKeyring`] keeps it in a file; a cloud KMS does the same with `GenerateMac`. [`TenantKeys`]
//! remembers what was derived and is the `TenantSecrets` port; [`Hs256JoinTokens`] is the `JoinTokens` port. Nothing
//! derived is stored anywhere.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod join_claims;
mod join_tokens;
mod key_file;
mod keyring;
mod mac;
mod tenant_keys;

pub use join_tokens::{Hs256JoinTokens, MAX_JOIN_TOKEN_BYTES};
pub use key_file::{IfMissing, KeyFileError};
pub use keyring::LocalKeyring;
pub use mac::{DerivedKey, Purpose, TenantMac};
pub use tenant_keys::TenantKeys;
