//! Visits: one route a file.

pub mod admit;
pub mod cancel;
pub mod create;
pub mod delay;
pub mod end;
pub mod fallback_message;
pub mod invite;
pub mod join;
pub mod join_token;
pub mod list;
pub mod no_show;
pub mod read;
pub mod remove;
pub mod reschedule;
pub mod withdraw_recording;

use serde::Deserialize;
use utoipa::ToSchema;
use vcare_domain::{FreeText, Locale};

use crate::extract::{Checked, Fields};
use crate::problem::Problem;

/// A language of the people of a visit.
fn language(name: &str) -> Result<Locale, &'static str> {
    Locale::from_name(name).ok_or("expected en, fa-AF or ps")
}

/// The version the caller acts on, when it is not sent as `If-Match`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionRequest {
    /// The session's version as the caller saw it.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub version: Option<u32>,
}

impl Checked for VersionRequest {}

/// Why, and the version the caller acts on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonRequest {
    /// Why, for people; at most 500 characters.
    #[schema(max_length = 500, example = "the patient is already at the clinic")]
    reason: String,
    /// The session's version as the caller saw it.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub version: Option<u32>,
}

impl ReasonRequest {
    /// The reason.
    ///
    /// # Errors
    /// 400 when it is empty, too long, or holds what no text may.
    pub fn parse(&self) -> Result<FreeText, Problem> {
        FreeText::parse(self.reason.as_str()).map_err(|error| Problem::field("reason", error))
    }
}

impl Checked for ReasonRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(self.parse());
    }
}

/// A reason that may be left out.
pub(super) fn optional_reason(reason: Option<&str>) -> Result<Option<FreeText>, Problem> {
    reason.map(FreeText::parse).transpose().map_err(|error| Problem::field("reason", error))
}
