//! `[retention]`: for how long clinical records must be kept.

use schemars::JsonSchema;
use serde::Deserialize;
use time::Duration;

/// `[retention]`: for how long clinical records must be kept.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionConfig {
    /// How long what was written in a visit must be kept after the patient's last contact, in days; at least 3650. A patient who
    /// is to be erased before is restricted.
    pub clinical_days: u32,
}

/// The platform keeps clinical records for ten years.
const LEAST_CLINICAL_DAYS: u32 = 3650;

impl Default for RetentionConfig {
    fn default() -> Self {
        Self { clinical_days: LEAST_CLINICAL_DAYS }
    }
}

impl RetentionConfig {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        if self.clinical_days < LEAST_CLINICAL_DAYS {
            problems.push(format!("retention.clinical_days: must be at least {LEAST_CLINICAL_DAYS}"));
        }
    }

    pub(crate) fn clinical(&self) -> Duration {
        Duration::days(i64::from(self.clinical_days))
    }
}
