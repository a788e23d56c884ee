//! Keys and secrets: the keepers of master keys, what is derived and sealed with them, and the join tokens.
//!
//! Everything rests on one seam, [`KeyKeeper`]: it derives a tenant's keys with a MAC, and seals and opens what tenants
//! bring, under master keys that never leave it. [`AwsKms`] has them in a cloud KMS, [`LocalKeyring`] keeps one in a file.
//! [`Vault`] remembers what was derived and opened, and is the `TenantSecrets`, the `SecretStore` and the `DraftTexts`
//! port; [`Hs256JoinTokens`] is the `JoinTokens`
//! port, and [`HmacInternalTokens`] the `InternalTokens` port. Nothing derived or opened is stored anywhere.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod attachment_links;
mod aws;
mod cache;
mod internal_tokens;
mod join_claims;
mod join_tokens;
mod keeper;
mod key_file;
mod keyring;
mod list_cursors;
mod names;
mod record_keys;
mod sealing;
mod tenants;
mod texts;
mod vault;

pub use attachment_links::SealedAttachmentLinks;
pub use aws::{AwsIdentity, AwsKms, AwsKmsConfig, InvalidRoots};
pub use internal_tokens::{HmacInternalTokens, TENANT_TOKEN_PREFIX};
pub use join_tokens::{Hs256JoinTokens, MAX_JOIN_TOKEN_BYTES};
pub use keeper::{DerivedKey, KeeperFault, KeyKeeper, SealContext, Sealed, SealedThing, label};
pub use key_file::{IfMissing, KeyFileError};
pub use keyring::LocalKeyring;
pub use vault::{Vault, VaultConfig};
