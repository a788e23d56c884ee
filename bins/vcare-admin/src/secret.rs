//! `vcare-admin secret`: the only command that prints one.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use vcare_app::ports::{KeyPurpose, KeyVersions, Secret, SecretName, StoredSecrets};
use vcare_boot::Service;
use vcare_domain::TenantId;

use crate::output::{self, Output, age};
use crate::{scope, service};

#[derive(Subcommand)]
pub enum SecretCommand {
    /// Say which secrets and keys a tenant has: modes, versions and ages, and no value.
    Status {
        /// The tenant, as the identity provider names it.
        tenant: String,
    },
    /// Set a secret that the tenant brought. The value comes from standard input or a file, never as an argument, which
    /// everybody on the machine could see.
    Set(Set),
    /// Remove a secret that the tenant brought. Without its own Jitsi secret it has the derived one again.
    Remove {
        /// The tenant, as the identity provider names it.
        tenant: String,
        /// jitsiJwtSecret, zoomApiKey or zoomApiSecret.
        #[arg(value_parser = name)]
        name: SecretName,
    },
    /// Begin a new version of a derived key. Links that were sent out open until they expire, and the internal token that a
    /// Jitsi has is good until it is retired. A Prosody has one secret at a time: give it the one of `reveal --next` first.
    Rotate {
        /// The tenant, as the identity provider names it.
        tenant: String,
        /// Which key.
        key: Derived,
    },
    /// End all older versions of a derived key: the links and the internal tokens that they signed are dead.
    Retire {
        /// The tenant, as the identity provider names it.
        tenant: String,
        /// Which key.
        key: Derived,
    },
    /// Print the derived secret that a tenant's Prosody must be given as `JWT_APP_SECRET`, or the token that its Jitsi shows
    /// us. It is noted that this was done.
    Reveal {
        /// The tenant, as the identity provider names it.
        tenant: String,
        /// The one that will be valid next: after `rotate`, or after the tenant's own secret is removed.
        #[arg(long)]
        next: bool,
        /// The token with which the tenant's own Jitsi asks and tells the service, for that tenant alone.
        #[arg(long)]
        internal: bool,
    },
}

#[derive(Args)]
pub struct Set {
    /// The tenant, as the identity provider names it.
    tenant: String,
    /// jitsiJwtSecret, zoomApiKey or zoomApiSecret.
    #[arg(value_parser = name)]
    name: SecretName,
    /// The file that holds the value; a line end at its end is none of it. Default: standard input.
    #[arg(long)]
    from_file: Option<PathBuf>,
}

/// A derived key.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Derived {
    /// Signs join links.
    JoinKey,
    /// The secret that Prosody shares, of a tenant that brought none.
    JitsiSecret,
    /// Signs links to attachments.
    AttachmentLink,
    /// Signs the token that the tenant's own Jitsi shows us.
    InternalToken,
    /// Seals the names of people in visits.
    DisplayName,
    /// Signs the cursors of lists.
    ListCursor,
}

impl From<Derived> for KeyPurpose {
    fn from(key: Derived) -> Self {
        match key {
            Derived::JoinKey => Self::JoinKey,
            Derived::JitsiSecret => Self::JitsiSecret,
            Derived::AttachmentLink => Self::AttachmentLink,
            Derived::InternalToken => Self::InternalToken,
            Derived::DisplayName => Self::DisplayName,
            Derived::ListCursor => Self::ListCursor,
        }
    }
}

fn name(name: &str) -> Result<SecretName, String> {
    SecretName::from_name(name).ok_or_else(|| {
        let names = SecretName::ALL.map(SecretName::as_str);
        format!("expected one of {}", names.join(", "))
    })
}

pub async fn run(command: SecretCommand, output: Output) -> anyhow::Result<()> {
    match command {
        SecretCommand::Status { tenant } => {
            let (service, tenant) = (service().await?, TenantId::parse(tenant)?);
            let report = service.app.secrets_report(&tenant).await?;
            output.rows(&rows(&report, service.clock.now()))?;
        }
        SecretCommand::Set(Set { tenant, name, from_file }) => {
            let tenant = TenantId::parse(tenant)?;
            let value = match from_file {
                Some(file) => read(File::open(file).context("--from-file")?)?,
                None => read(io::stdin().lock())?,
            };
            let service = service().await?;
            let version = service.app.set_secret(&scope(&service, tenant.clone())?, name, &value).await?;
            println!("{} of {tenant} is at version {version}", name.as_str());
        }
        SecretCommand::Remove { tenant, name } => {
            let (service, tenant) = (service().await?, TenantId::parse(tenant)?);
            let removed = service.app.remove_secret(&scope(&service, tenant.clone())?, name).await?;
            println!("{tenant} {} {}", if removed { "no longer has" } else { "has no" }, name.as_str());
        }
        SecretCommand::Rotate { tenant, key } => {
            let (service, tenant) = (service().await?, TenantId::parse(tenant)?);
            let versions = service.app.rotate_key(&scope(&service, tenant.clone())?, key.into()).await?;
            print_versions(&tenant, key.into(), versions);
        }
        SecretCommand::Retire { tenant, key } => {
            let (service, tenant) = (service().await?, TenantId::parse(tenant)?);
            let versions = service.app.retire_key(&scope(&service, tenant.clone())?, key.into()).await?;
            print_versions(&tenant, key.into(), versions);
        }
        SecretCommand::Reveal { tenant, next, internal } => {
            let (service, tenant) = (service().await?, TenantId::parse(tenant)?);
            let secret = match internal {
                true => service.app.reveal_internal_token(&scope(&service, tenant)?, next).await?.1,
                false => jitsi_secret(&service, tenant, next).await?,
            };
            println!("{}", std::str::from_utf8(secret.expose())?);
        }
    }
    Ok(())
}

async fn jitsi_secret(service: &Service, tenant: TenantId, next: bool) -> anyhow::Result<Secret> {
    let shown = service.app.reveal_jitsi_secret(&scope(service, tenant)?, next).await?;
    let (_, secret) = shown.context("the tenant brought the secret that is in use, which is never shown")?;
    Ok(secret)
}

fn print_versions(tenant: &TenantId, purpose: KeyPurpose, KeyVersions { current, oldest }: KeyVersions) {
    let taken = match purpose {
        _ if oldest == current => String::new(),
        KeyPurpose::JoinKey => format!("; links of version {oldest} and newer open"),
        KeyPurpose::InternalToken => format!("; tokens of version {oldest} and newer are taken"),
        KeyPurpose::DisplayName => format!("; names sealed with version {oldest} and newer are shown"),
        KeyPurpose::JitsiSecret | KeyPurpose::AttachmentLink | KeyPurpose::ListCursor | KeyPurpose::PersonalData => {
            String::new()
        }
    };
    println!("{} of {tenant} is at version {current}{taken}", purpose.as_str());
}

/// Longer than any secret may be: what is cut off here is refused by its length.
const MOST: u64 = 64 * 1024;

/// A value without the line end that editors and `echo` put behind it.
fn read(from: impl Read) -> anyhow::Result<Secret> {
    // Wiped with the secret: the bytes are read where they stay.
    let mut bytes = Vec::with_capacity(MOST as usize + 1);
    from.take(MOST + 1).read_to_end(&mut bytes).context("the value cannot be read")?;
    ensure!(!bytes.is_empty(), "there is no value on standard input or in the file");
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    Ok(Secret::new(bytes))
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    mode: &'static str,
    version: Option<u32>,
    /// The oldest version whose signatures are taken.
    oldest: Option<u32>,
    since: Option<String>,
    age: Option<String>,
    key_id: Option<String>,
}

impl output::Row for Row {
    const COLUMNS: &'static [&'static str] = &["name", "mode", "version", "oldest", "since", "age", "key_id"];
}

fn rows(report: &StoredSecrets, now: OffsetDateTime) -> Vec<Row> {
    let row = |name, mode, versions: Option<KeyVersions>, since: Option<OffsetDateTime>, key_id| Row {
        name,
        mode,
        version: versions.map(|versions| versions.current),
        oldest: versions.map(|versions| versions.oldest),
        since: since.map(|since| since.format(&Rfc3339).unwrap_or_default()),
        age: since.map(|since| age(now - since)),
        key_id,
    };
    let derived = |name, purpose| {
        let since = report.keys.iter().find(|key| key.purpose == purpose).map(|key| key.since);
        row(name, "managed", Some(report.versions(purpose)), since, None)
    };
    let secrets = SecretName::ALL.map(|name| match (report.brought(name), name) {
        (Some(brought), _) => {
            let version = brought.sealed.version;
            let versions = KeyVersions { current: version, oldest: version };
            row(name.as_str(), "brought", Some(versions), Some(brought.since), Some(brought.sealed.key_id.clone()))
        }
        (None, SecretName::JitsiJwtSecret) => derived(name.as_str(), KeyPurpose::JitsiSecret),
        (None, _) => row(name.as_str(), "none", None, None, None),
    });
    let mut rows = Vec::from(secrets);
    // The Jitsi secret has its row already.
    for purpose in KeyPurpose::ALL.into_iter().filter(|purpose| *purpose != KeyPurpose::JitsiSecret) {
        rows.push(derived(purpose.as_str(), purpose));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_none_of_the_value() {
        for (text, value) in [("s\n", "s"), ("s\r\n", "s"), ("s", "s"), ("s\n\n", "s\n"), ("\r", "\r"), ("\n", "")] {
            assert_eq!(read(text.as_bytes()).unwrap().expose(), value.as_bytes(), "{text:?}");
        }
        assert!(read(&b""[..]).is_err());
        let long = vec![b's'; 200_000];
        assert_eq!(read(&long[..]).unwrap().expose().len(), 65_537, "too long, and no longer than that");
    }
}
