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

use std::marker::PhantomData;

use serde::Deserialize;
use utoipa::ToSchema;
use vcare_domain::{FreeText, Locale, Reason, ReasonCode};

use crate::extract::{Checked, Fields};
use crate::problem::Problem;
use crate::values;

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

/// Why, and the version the caller acts on. `reason` or `reasonCode` must be there; `other` needs a `reason`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReasonRequest {
    /// A note, for those who care for the patient; at most 500 characters. Nobody else sees it.
    #[serde(default)]
    #[schema(max_length = 500, example = "the patient is already at the clinic")]
    reason: Option<String>,
    /// Why, for everybody who sees the session. When it is missing, it is `other`.
    #[serde(default)]
    #[schema(value_type = Option<values::ReasonCode>)]
    reason_code: Option<String>,
    /// The session's version as the caller saw it.
    #[serde(default)]
    #[schema(minimum = 1)]
    version: Option<u32>,
}

/// A [`ReasonRequest`] of one list of codes.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Because<C> {
    request: ReasonRequest,
    #[serde(skip)]
    list: PhantomData<C>,
}

impl<C: ReasonCode> Because<C> {
    /// The version the caller acts on.
    #[must_use]
    pub const fn version(&self) -> Option<u32> {
        self.request.version
    }

    /// The reason.
    ///
    /// # Errors
    /// 400 when there is none, when the note is empty, too long, or holds what no text may, and for a code of no such list.
    pub fn parse(&self) -> Result<Reason<C>, Problem> {
        let ReasonRequest { reason: note, reason_code: code, .. } = &self.request;
        let mut fields = Fields::default();
        let parsed_note = fields.take_optional("reason", note.as_deref().map(FreeText::parse));
        let parsed_code = fields.take_optional("reasonCode", code.as_deref().map(code_of::<C>));
        // A field that is there, and wrong, is not missing.
        if parsed_note.is_some() == note.is_some() && parsed_code.is_some() == code.is_some() {
            let reason = fields.take("reason", Reason::given(parsed_code, parsed_note));
            return fields.done(reason);
        }
        fields.done(None)
    }
}

impl<C: ReasonCode> Checked for Because<C> {
    fn check(self, fields: &mut Fields) {
        fields.also(self.parse());
    }
}

/// A code of a list of reasons.
pub(crate) fn code_of<C: ReasonCode>(word: &str) -> Result<C, String> {
    C::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = C::all().iter().map(|code| code.word()).collect();
        format!("expected one of {}", words.join(", "))
    })
}

/// A reason that may be left out.
pub(super) fn optional_reason(reason: Option<&str>) -> Result<Option<FreeText>, Problem> {
    reason.map(FreeText::parse).transpose().map_err(|error| Problem::field("reason", error))
}
