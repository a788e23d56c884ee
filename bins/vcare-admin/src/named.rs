//! What operators name: tenants, jobs and visits.

use anyhow::{Context, bail};
use uuid::Uuid;
use vcare_app::ports::{JobKind, Oversight};
use vcare_domain::{AsyncVisitId, JobId, SessionId, TenantId, VisitId};

/// A tenant's name on the command line.
pub fn tenant(name: &str) -> Result<TenantId, vcare_domain::InvalidText> {
    TenantId::parse(name)
}

/// A job's id, as people see it or as it is stored.
pub fn job(text: &str) -> Result<JobId, String> {
    let shown = text.parse();
    shown.or_else(|error| uuid(text).map(JobId::from_uuid).ok_or_else(|| format!("{error}, or a UUID")))
}

/// A kind of jobs.
pub fn kind(name: &str) -> Result<JobKind, String> {
    JobKind::from_name(name).ok_or_else(|| {
        let names = JobKind::ALL.map(JobKind::as_str);
        format!("expected one of {}", names.join(", "))
    })
}

/// With hyphens, as databases and logs write it.
fn uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

/// A visit, by the id that people see or by the one that is stored, which does not say of which kind it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    Shown(VisitId),
    Stored(Uuid),
}

impl Visit {
    pub fn parse(text: &str) -> Result<Self, String> {
        let shown = text.parse().map(Self::Shown);
        shown.or_else(|error| uuid(text).map(Self::Stored).ok_or_else(|| format!("{error}, or a UUID")))
    }

    /// The visit that it is.
    pub async fn find(self, oversight: &impl Oversight) -> anyhow::Result<VisitId> {
        let uuid = match self {
            Self::Shown(visit) => return Ok(visit),
            Self::Stored(uuid) => uuid,
        };
        for visit in [VisitId::Live(SessionId::from_uuid(uuid)), VisitId::Async(AsyncVisitId::from_uuid(uuid))] {
            if oversight.visit(visit).await?.is_some() {
                return Ok(visit);
            }
        }
        bail!("there is no visit {uuid}")
    }
}

/// Fails for a tenant that has no settings: what is asked about it is none of it, and that must not look like an answer.
pub async fn must_exist(oversight: &impl Oversight, tenant: &TenantId) -> anyhow::Result<()> {
    let tenants = oversight.tenants().await.context("tenants cannot be listed")?;
    let names: Vec<&str> = tenants.iter().map(|one| one.tenant_id.as_str()).collect();
    if names.contains(&tenant.as_str()) { Ok(()) } else { bail!(unknown(tenant, &names)) }
}

/// That there is no such tenant, and which of those there are may be meant.
pub fn unknown(tenant: &TenantId, names: &[&str]) -> String {
    let mut near: Vec<(usize, &str)> = names.iter().map(|name| (distance(tenant.as_str(), name), *name)).collect();
    near.retain(|(distance, _)| *distance <= 2);
    near.sort_unstable();
    let near: Vec<&str> = near.into_iter().take(3).map(|(_, name)| name).collect();
    let meant = if near.is_empty() { String::new() } else { format!(" (is {} meant?)", near.join(" or ")) };
    format!("there is no tenant {tenant}{meant}")
}

/// How many letters must be typed, taken away or changed to come from one word to the other, whatever their case.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (place, letter) in a.chars().enumerate() {
        let mut before = row.first().copied().unwrap_or(0);
        let mut next = vec![place + 1];
        for (other, above) in b.iter().zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or(0);
            next.push((before + usize::from(letter != *other)).min(above + 1).min(left + 1));
            before = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_and_a_visit_are_read_in_both_forms() {
        let stored = "0192f00d-0000-7000-8000-000000000002";
        assert_eq!(job("job_01JBR0T000E008000000000002"), job(stored));
        assert_eq!(job(&stored.to_uppercase()), job(stored));
        assert_eq!(Visit::parse(stored), Ok(Visit::Stored(Uuid::try_parse(stored).unwrap())));
        for shown in ["vsn_01JBR0T000E008000000000001", "avs_01JBR0T000E008000000000001"] {
            assert!(matches!(Visit::parse(shown), Ok(Visit::Shown(visit)) if visit.to_string() == shown));
        }
        for bad in ["", "pat-1", "vsn_01JBR0T000E008000000000001", "0192f00d00007000800000000000000a"] {
            assert!(job(bad).unwrap_err().ends_with("or a UUID"), "{bad}");
        }
        assert!(Visit::parse("job_01JBR0T000E008000000000002").is_err());
    }

    #[test]
    fn an_unknown_tenant_is_refused_with_the_names_that_are_similar() {
        let message = |name: &str| unknown(&TenantId::parse(name).unwrap(), &["hosp-kabul", "hosp-herat", "clinic"]);
        assert_eq!(message("hosp-kabu"), "there is no tenant hosp-kabu (is hosp-kabul meant?)");
        assert_eq!(message("Hosp-Herat"), "there is no tenant Hosp-Herat (is hosp-herat meant?)");
        assert_eq!(message("cilnic"), "there is no tenant cilnic (is clinic meant?)");
        assert_eq!(message("mazar"), "there is no tenant mazar");
        for (a, b, letters) in [("", "", 0), ("", "ab", 2), ("ab", "", 2), ("kabul", "kabul", 0), ("kabul", "kebab", 3)]
        {
            assert_eq!(distance(a, b), letters, "{a} {b}");
        }
    }
}
