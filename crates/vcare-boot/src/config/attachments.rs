//! Where attachments are kept, and who looks for malware in them.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use vcare_adapters_storage::{ClamdConfig, S3Config, Secret};

use super::{Profile, Sensitive, is_on_this_machine};

/// `[storage]`: where attachments of async visits are kept.
///
/// A folder on this machine, or, with a `bucket`, an S3-compatible store. Of processes on several machines all must see the
/// same one. See [uploads.md](uploads.md).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StorageConfig {
    /// The folder; made when the first attachment comes.
    pub folder: PathBuf,
    /// The bucket, instead of a folder.
    pub bucket: Option<String>,
    /// The bucket's region.
    pub region: Option<String>,
    /// Where the store is, when it is not AWS'. https, or http on this machine.
    pub endpoint_url: Option<String>,
    /// The key's id; comes with `secret_access_key`.
    #[schemars(extend("x-default" = "the machine's own identity"))]
    pub access_key_id: Option<String>,
    /// The key's secret.
    pub secret_access_key: Option<Sensitive>,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            folder: PathBuf::from("/var/lib/vcare/attachments"),
            bucket: None,
            region: None,
            endpoint_url: None,
            access_key_id: None,
            secret_access_key: None,
        }
    }
}

impl StorageConfig {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        let mut wrong = |problem: &str| problems.push(format!("storage.{problem}"));
        if !self.folder.is_absolute() {
            wrong("folder: expected an absolute path");
        }
        let remote = self.region.is_some() || self.endpoint_url.is_some() || self.access_key_id.is_some();
        let named = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        if !named(&self.bucket) && (remote || self.bucket.is_some()) {
            wrong("bucket: is needed with the other settings of an S3-compatible store");
        }
        if self.bucket.is_some() && !named(&self.region) {
            wrong("region: is needed with storage.bucket");
        }
        let https = |url: &String| url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty());
        if self.endpoint_url.as_ref().is_some_and(|url| !https(url) && !is_on_this_machine(url)) {
            wrong("endpoint_url: expected an https address (or http on this machine)");
        }
        if self.access_key_id.is_some() != self.secret_access_key.is_some() {
            wrong("access_key_id: comes with storage.secret_access_key");
        }
    }

    /// The store in the network, when there is one.
    pub(crate) fn s3(&self) -> Option<S3Config> {
        let (bucket, region) = (self.bucket.clone()?, self.region.clone()?);
        let credentials = self.access_key_id.clone().zip(self.secret_access_key.as_ref());
        Some(S3Config {
            bucket,
            region,
            endpoint: self.endpoint_url.clone(),
            extra_roots_pem: None,
            credentials: credentials.map(|(id, secret)| (id, Secret::new(secret.expose()))),
        })
    }
}

/// `[attachments]`: how many attachments are uploaded and opened at once, in one process.
///
/// Each limit is there so that one person, or one hospital, cannot use up what all have. See [uploads.md](uploads.md).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AttachmentsConfig {
    /// How many uploads bring bytes at once; one more is answered 503 with `Retry-After`.
    pub uploads_in_all: u16,
    /// How many of them may be one tenant's.
    pub uploads_per_tenant: u16,
    /// How many of them may be one account's.
    pub uploads_per_account: u16,
    /// How many uploads an account may begin in 24 hours; one more is answered 429. The default is ten visits with everything.
    pub uploads_per_day: u32,
    /// Within so long, 4 KiB of an upload's request must come, or it is answered 503. What came before is kept.
    pub stall_seconds: u32,
    /// How many attachments are sent at once; one more is answered 503 with `Retry-After`. Each takes about 128 KiB of memory.
    pub downloads_in_all: u16,
    /// How many of them to people of one tenant.
    pub downloads_per_tenant: u16,
    /// How many of them to one account. The default is all of a visit, with their previews.
    pub downloads_per_account: u16,
}

impl Default for AttachmentsConfig {
    fn default() -> Self {
        Self {
            uploads_in_all: 256,
            uploads_per_tenant: 64,
            uploads_per_account: 4,
            uploads_per_day: 200,
            stall_seconds: 60,
            downloads_in_all: 256,
            downloads_per_tenant: 64,
            downloads_per_account: 20,
        }
    }
}

impl AttachmentsConfig {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        let numbers = [
            ("uploads_in_all", u32::from(self.uploads_in_all)),
            ("uploads_per_tenant", u32::from(self.uploads_per_tenant)),
            ("uploads_per_account", u32::from(self.uploads_per_account)),
            ("uploads_per_day", self.uploads_per_day),
            ("stall_seconds", self.stall_seconds),
            ("downloads_in_all", u32::from(self.downloads_in_all)),
            ("downloads_per_tenant", u32::from(self.downloads_per_tenant)),
            ("downloads_per_account", u32::from(self.downloads_per_account)),
        ];
        for (name, _) in numbers.into_iter().filter(|(_, number)| *number == 0) {
            problems.push(format!("attachments.{name}: must be at least 1"));
        }
    }

    /// How long an upload's request may bring next to nothing.
    #[must_use]
    pub fn stall(&self) -> Duration {
        Duration::from_secs(u64::from(self.stall_seconds))
    }
}

/// `[scanner]`: ClamAV's daemon.
///
/// No attachment is shown before it has been scanned: while the daemon is down, attachments wait.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScannerConfig {
    /// Where the daemon listens, `host:port`. With none, nothing is scanned.
    #[schemars(extend("x-default" = "none"))]
    pub address: Option<String>,
    /// How long one scan may take; at most 60,000. The daemon's `StreamMaxLength` must be 10M or more.
    pub deadline_ms: u32,
    /// Whether attachments may be shown that nobody scanned, in production.
    pub allow_none_in_production: bool,
}

impl Default for ScannerConfig {
    fn default() -> Self {
        Self { address: None, deadline_ms: 20_000, allow_none_in_production: false }
    }
}

impl ScannerConfig {
    pub(super) fn check(&self, profile: Profile, problems: &mut Vec<String>) {
        let good = |address: &String| {
            let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty() && !host.contains('/'));
            port.is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0))
        };
        if self.address.as_ref().is_some_and(|address| !good(address)) {
            problems.push("scanner.address: expected host:port".to_owned());
        }
        if !(1..=60_000).contains(&self.deadline_ms) {
            problems.push("scanner.deadline_ms: expected 1 to 60000".to_owned());
        }
        if profile == Profile::Production && self.address.is_none() && !self.allow_none_in_production {
            problems.push(
                "scanner.address: is needed in production (or scanner.allow_none_in_production: then nobody looks for \
                 malware)"
                    .to_owned(),
            );
        }
    }

    /// The daemon, when there is one.
    pub(crate) fn clamd(&self) -> Option<ClamdConfig> {
        let address = self.address.clone()?;
        Some(ClamdConfig { address, deadline: Duration::from_millis(u64::from(self.deadline_ms)) })
    }
}

#[cfg(test)]
mod tests {
    use figment::Figment;
    use figment::providers::{Format, Toml};

    use super::*;

    fn storage(settings: &str) -> Vec<String> {
        let config: StorageConfig = Figment::from(Toml::string(settings)).extract().unwrap();
        let mut problems = Vec::new();
        config.check(&mut problems);
        problems
    }

    fn scanner(settings: &str, profile: Profile) -> Vec<String> {
        let config: ScannerConfig = Figment::from(Toml::string(settings)).extract().unwrap();
        let mut problems = Vec::new();
        config.check(profile, &mut problems);
        problems
    }

    #[test]
    fn every_problem_of_the_storage_is_named() {
        let bucket = "bucket = \"b\"\nregion = \"r\"";
        for good in ["", bucket, &format!("{bucket}\nendpoint_url = \"http://127.0.0.1:9000\""), "folder = \"/srv\""] {
            assert_eq!(storage(good), Vec::<String>::new(), "{good}");
        }
        for (settings, expected) in [
            ("folder = \"uploads\"", "storage.folder: expected an absolute path"),
            ("endpoint_url = \"https://s3.example\"", "storage.bucket: is needed"),
            ("bucket = \"\"\nregion = \"r\"", "storage.bucket: is needed"),
            ("bucket = \"b\"", "storage.region: is needed"),
            (
                &format!("{bucket}\nendpoint_url = \"http://s3.example\""),
                "storage.endpoint_url: expected an https address",
            ),
            (&format!("{bucket}\naccess_key_id = \"hunter2\""), "storage.access_key_id: comes with"),
        ] {
            let told = storage(settings).join("\n");
            assert!(told.contains(expected) && !told.contains("hunter2"), "{settings}: {told}");
        }
    }

    #[test]
    fn a_scanner_has_an_address_and_in_production_one_must_be_there_or_be_missed_by_name() {
        for bad in ["clamd", "clamd:", ":3310", "clamd:x", "clamd:0", "tcp://clamd:3310"] {
            let told = scanner(&format!("address = \"{bad}\""), Profile::Development);
            assert_eq!(told, ["scanner.address: expected host:port"], "{bad}");
        }
        assert_eq!(scanner("deadline_ms = 0", Profile::Development), ["scanner.deadline_ms: expected 1 to 60000"]);
        assert!(scanner("", Profile::Development).is_empty());
        assert!(scanner("", Profile::Production)[0].contains("scanner.allow_none_in_production"));
        for good in ["address = \"clamd:3310\"", "allow_none_in_production = true"] {
            assert!(scanner(good, Profile::Production).is_empty(), "{good}");
        }
    }
}
