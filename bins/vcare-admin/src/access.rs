//! `vcare-admin access`.

use clap::{Args, Subcommand};
use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use vcare_app::ports::Oversight;
use vcare_boot::{Config, operators_oversight};
use vcare_domain::{EmergencyAccess, TenantId};

use crate::named;
use crate::output::{self, Output};

#[derive(Subcommand)]
pub enum AccessCommand {
    /// List who took emergency access to which patient, oldest first, with the code and the reason in words that they gave.
    Emergencies(Emergencies),
}

#[derive(Args)]
pub struct Emergencies {
    /// Only of this tenant.
    #[arg(long, value_parser = named::tenant)]
    tenant: Option<TenantId>,
    /// Only since then: an instant, as 2026-03-01T09:30:00Z, or an age, as 30m, 24h or 7d.
    #[arg(long, value_parser = Since::parse)]
    since: Since,
}

/// From when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    At(OffsetDateTime),
    Ago(Duration),
}

impl Since {
    pub fn parse(text: &str) -> Result<Self, String> {
        let instant = OffsetDateTime::parse(text, &Rfc3339).ok().map(Self::At);
        let since = instant.or_else(|| age(text).map(Self::Ago));
        since.ok_or_else(|| "expected an instant, as 2026-03-01T09:30:00Z, or an age, as 30m, 24h or 7d".to_owned())
    }

    /// The moment; for an age that goes back further than there is time, the first one.
    pub fn moment(self, now: OffsetDateTime) -> OffsetDateTime {
        match self {
            Self::At(instant) => instant,
            Self::Ago(age) => now.checked_sub(age).unwrap_or(OffsetDateTime::UNIX_EPOCH),
        }
    }
}

/// A whole number of minutes, hours or days.
fn age(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    // `parse` takes a sign, too.
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = number.parse().ok().filter(|_| digits)?;
    number.checked_mul(seconds).map(Duration::seconds)
}

#[derive(Serialize)]
struct Row {
    tenant: String,
    id: String,
    user: String,
    patient: String,
    granted_at: String,
    expires_at: String,
    visit: Option<String>,
    reason_code: &'static str,
    reason: Option<String>,
}

impl output::Row for Row {
    const COLUMNS: &'static [&'static str] =
        &["tenant", "id", "user", "patient", "granted_at", "expires_at", "visit", "reason_code", "reason"];
}

fn row(access: &EmergencyAccess) -> anyhow::Result<Row> {
    Ok(Row {
        tenant: access.tenant_id.to_string(),
        id: access.id.to_string(),
        user: access.user_id.as_str().to_owned(),
        patient: access.patient_id.as_str().to_owned(),
        granted_at: access.granted_at.format(&Rfc3339)?,
        expires_at: access.expires_at.format(&Rfc3339)?,
        visit: access.visit.map(|visit| visit.to_string()),
        reason_code: access.reason.code.as_str(),
        reason: access.reason.note.as_ref().map(|note| note.as_str().to_owned()),
    })
}

pub async fn run(command: AccessCommand, output: Output) -> anyhow::Result<()> {
    let AccessCommand::Emergencies(Emergencies { tenant, since }) = command;
    let oversight = operators_oversight(&Config::load()?);
    let found = oversight.emergencies(tenant.as_ref(), since.moment(oversight.now().await?)).await?;
    if let (true, Some(tenant)) = (found.is_empty(), &tenant) {
        named::must_exist(&oversight, tenant).await?;
    }
    output.rows(&found.iter().map(row).collect::<anyhow::Result<Vec<_>>>()?)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn since_when_is_told_as_an_instant_or_as_an_age() {
        let now = datetime!(2026-03-02 12:00 UTC);
        for (text, expected) in [
            ("2026-03-01T14:00:00+04:30", datetime!(2026-03-01 09:30 UTC)),
            ("30m", datetime!(2026-03-02 11:30 UTC)),
            ("24h", datetime!(2026-03-01 12:00 UTC)),
            ("7d", datetime!(2026-02-23 12:00 UTC)),
            ("0h", now),
            ("9999999999d", OffsetDateTime::UNIX_EPOCH),
        ] {
            assert_eq!(Since::parse(text).map(|since| since.moment(now)), Ok(expected), "{text}");
        }
        for bad in [
            "",
            "h",
            "24",
            "-1h",
            "+1h",
            "1.5h",
            "24 h",
            "1y",
            "yesterday",
            "2026-03-01",
            "99999999999999999999d",
            "دh",
        ] {
            assert!(Since::parse(bad).is_err(), "{bad}");
        }
    }
}
