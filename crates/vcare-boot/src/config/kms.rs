//! The sections about master keys: who keeps them, and the key file of who keeps them on this machine.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::Duration as Span;
use vcare_adapters_http::NeighbourConfig;
use vcare_adapters_kms::{AwsIdentity, AwsKmsConfig, VaultConfig};

use super::{Profile, Sensitive, is_on_this_machine};

/// Who keeps the master keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KmsProvider {
    /// A file on this machine: `[keyring]`.
    #[default]
    Local,
    /// AWS KMS.
    Aws,
}

/// `[kms]`: who keeps the master keys, and how long what was derived and opened with them is remembered.
///
/// See [deployment](deployment.md#keys).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KmsConfig {
    /// `local`: a file, see `[keyring]`; `aws`: AWS KMS, or what speaks like it.
    pub provider: KmsProvider,
    /// The region of both keys.
    #[schemars(extend("x-default" = "needed with `aws`"))]
    pub region: Option<String>,
    /// The key that seals what tenants bring: symmetric, for encryption. Its id, ARN or alias.
    #[schemars(extend("x-default" = "needed with `aws`"))]
    pub key_id: Option<String>,
    /// The key that derives tenants' keys, `HMAC_256`. Its id, ARN or alias.
    #[schemars(extend("x-default" = "needed with `aws`"))]
    pub mac_key_id: Option<String>,
    /// Where KMS is, if elsewhere: a VPC endpoint. https, or http on this machine.
    #[schemars(extend("x-default" = "AWS's"))]
    pub endpoint_url: Option<String>,
    /// Who we are, for a KMS outside AWS. By default as AWS has it: its variables, profile, web identity, container or
    /// machine.
    #[schemars(extend("x-default" = "what the surroundings say"))]
    pub access_key_id: Option<String>,
    /// Comes with `access_key_id`.
    pub secret_access_key: Option<Sensitive>,
    /// How long a call may take, its further attempts included.
    pub deadline_ms: u64,
    /// How long one attempt may take; at most `deadline_ms`.
    pub attempt_deadline_ms: u64,
    /// How long a derived key or an opened secret is used without asking; 1 to 86,400.
    pub cache_ttl_seconds: u32,
    /// How much longer while KMS is down; 0 to 86,400. A KMS that says no ends it at once.
    pub stale_seconds: u32,
    /// How long a process goes by the secrets and key versions that it read: a rotation is seen everywhere after it at
    /// the latest; 1 to 86,400.
    pub versions_ttl_seconds: u32,
}

impl Default for KmsConfig {
    fn default() -> Self {
        Self {
            provider: KmsProvider::Local,
            region: None,
            key_id: None,
            mac_key_id: None,
            endpoint_url: None,
            access_key_id: None,
            secret_access_key: None,
            deadline_ms: 2000,
            attempt_deadline_ms: 800,
            cache_ttl_seconds: 300,
            stale_seconds: 3600,
            versions_ttl_seconds: 30,
        }
    }
}

/// Longer than that, nobody could say that a key which was taken away is not used.
const LONGEST_SECONDS: u32 = 86_400;

impl KmsConfig {
    pub(super) fn check(&self, keyring: Option<&KeyringConfig>, profile: Profile, problems: &mut Vec<String>) {
        match (self.provider, keyring) {
            (KmsProvider::Local, Some(keyring)) => keyring.check(profile, problems),
            (KmsProvider::Local, None) => problems.push("keyring: is missing".to_owned()),
            (KmsProvider::Aws, _) => self.check_aws(problems),
        }
        if self.attempt_deadline_ms == 0 || self.attempt_deadline_ms > self.deadline_ms {
            problems.push("kms.attempt_deadline_ms: expected 1 to kms.deadline_ms".to_owned());
        }
        for (name, seconds, least) in [
            ("cache_ttl_seconds", self.cache_ttl_seconds, 1),
            ("stale_seconds", self.stale_seconds, 0),
            ("versions_ttl_seconds", self.versions_ttl_seconds, 1),
        ] {
            if !(least..=LONGEST_SECONDS).contains(&seconds) {
                problems.push(format!("kms.{name}: expected {least} to {LONGEST_SECONDS}"));
            }
        }
    }

    fn check_aws(&self, problems: &mut Vec<String>) {
        for (name, value) in [("region", &self.region), ("key_id", &self.key_id), ("mac_key_id", &self.mac_key_id)] {
            if value.as_deref().is_none_or(|value| value.is_empty() || !value.bytes().all(|b| b.is_ascii_graphic())) {
                problems.push(format!("kms.{name}: is needed with kms.provider = \"aws\""));
            }
        }
        if self.key_id.is_some() && self.key_id == self.mac_key_id {
            problems
                .push("kms.mac_key_id: a key either seals or derives; expected another one than kms.key_id".to_owned());
        }
        if self.access_key_id.is_some() != self.secret_access_key.is_some() {
            problems.push("kms.access_key_id: comes with kms.secret_access_key, or not at all".to_owned());
        }
        let good = |url: &String| {
            (is_on_this_machine(url) || url.starts_with("https://"))
                && NeighbourConfig::new(url, Span::SECOND, None).is_ok()
        };
        if !self.endpoint_url.as_ref().is_none_or(good) {
            problems.push("kms.endpoint_url: expected an https address (or http on this machine)".to_owned());
        }
    }

    /// The keys in AWS KMS, and who we are there; `None` when they are in a file here.
    pub(crate) fn aws(&self) -> Option<(AwsKmsConfig, AwsIdentity)> {
        if self.provider != KmsProvider::Aws {
            return None;
        }
        let given = |value: &Option<String>| value.clone().unwrap_or_default();
        let config = AwsKmsConfig::new(given(&self.key_id), given(&self.mac_key_id), given(&self.region));
        let config = AwsKmsConfig {
            endpoint_url: self.endpoint_url.clone(),
            deadline: Duration::from_millis(self.deadline_ms),
            attempt_deadline: Duration::from_millis(self.attempt_deadline_ms),
            ..config
        };
        let identity = match (&self.access_key_id, &self.secret_access_key) {
            (Some(id), Some(secret)) => AwsIdentity::AccessKey { id: id.clone(), secret: secret.secret() },
            _ => AwsIdentity::Surroundings,
        };
        Some((config, identity))
    }

    pub(crate) fn vault(&self) -> VaultConfig {
        let span = |seconds: u32| Span::seconds(i64::from(seconds));
        VaultConfig {
            ttl: span(self.cache_ttl_seconds),
            stale: span(self.stale_seconds),
            versions_ttl: span(self.versions_ttl_seconds),
        }
    }
}

/// `[keyring]`: the master key in a file on this machine.
///
/// Needed with `kms.provider = "local"`, and not looked at otherwise.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyringConfig {
    /// The file: 64 hex digits, mode 600.
    pub file: PathBuf,
    /// Whether to draw a key when there is no file. For a sandbox: a new key makes every link that was sent worthless.
    #[serde(default)]
    pub create_if_missing: bool,
    /// Says that a key on this machine's disk is good enough for patients. Needed in production with `local`.
    #[serde(default)]
    pub allow_local_in_production: bool,
}

impl KeyringConfig {
    pub(super) fn check(&self, profile: Profile, problems: &mut Vec<String>) {
        if profile == Profile::Production && !self.allow_local_in_production {
            problems.push(
                "keyring.allow_local_in_production: must be true to keep the master key in a file in production"
                    .to_owned(),
            );
        }
    }
}
