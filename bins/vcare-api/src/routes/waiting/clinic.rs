//! `POST /sessions/join/clinic`: whose clinic a link is of.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vcare_app::waiting::{Clinic, LinkOf};

use crate::answer::send;
use crate::extract::{Body, Checked};
use crate::problem::{Fault, FieldCode, Problem};
use crate::server::Api;
use crate::values;

/// A link, by its token or by its code: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClinicRequest {
    /// The join token.
    #[serde(default)]
    #[schema(max_length = 4096)]
    token: Option<String>,
    /// The code of a short link.
    #[serde(default)]
    #[schema(min_length = 22, max_length = 22, pattern = "^[0-9A-Za-z]+$", example = "3kTMd9aZ0QwErTyUiOpAsD")]
    code: Option<String>,
}

impl Checked for ClinicRequest {}

/// What the page of a link shows of the clinic.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Clinic)]
pub struct ClinicDto {
    /// Changes when anything else here does; `clinic` of a join has the same.
    #[schema(example = "1f09c2ab")]
    tag: String,
    /// The clinic's name; absent where the tenant gave none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Kabul Clinic")]
    name: Option<String>,
    /// The number at which patients call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "+93799123456")]
    phone: Option<String>,
    /// The tenant's colour, made dark enough to be read on white.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "#0a5f4f")]
    color: Option<String>,
    /// A copy of the tenant's logo of at most 2,048 bytes, as a `data:` URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "data:image/png;base64,iVBORw0KGgo…")]
    logo: Option<String>,
    /// The language in which the clinic speaks to people.
    locale: values::Locale,
}

impl From<Clinic> for ClinicDto {
    fn from(clinic: Clinic) -> Self {
        let config = &clinic.config;
        let logo = clinic.logo.as_ref().map(|logo| {
            let (kind, bytes) = (logo.media_type.as_str(), STANDARD.encode(&logo.bytes));
            format!("data:{kind};base64,{bytes}")
        });
        Self {
            tag: clinic.tag(),
            name: config.clinic_name().map(|name| name.as_str().to_owned()),
            phone: config.clinic_phone().map(|phone| phone.as_str().to_owned()),
            color: config.branding().primary_color.map(|color| color.readable_on_white().to_string()),
            logo,
            locale: config.locale().into(),
        }
    }
}

/// See whose clinic a link is of.
///
/// Name, telephone number, colour and logo, for the page that the link opens. Also for links that are too old or were
/// replaced, and for visits that are over. Small: a page keeps it under its `tag`.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/join/clinic", tag = "Patients", operation_id = "getClinic",
    request_body = ClinicRequest,
    responses(
        (status = 200, description = "The clinic", body = ClinicDto),
    ),
)]
pub async fn clinic(api: web::Data<Api>, req: HttpRequest, body: Body<ClinicRequest>) -> Result<HttpResponse, Problem> {
    let clinic = match (&body.value.token, &body.value.code) {
        (Some(token), None) => api.app.clinic_of_link(LinkOf::Token(token)).await?,
        (None, Some(code)) => api.short_codes.ask(&req, api.app.clinic_of_link(LinkOf::Code(code))).await?,
        (None, None) => {
            return Err(Problem::field("token", Fault(FieldCode::Required, "is missing: a token or a code is needed")));
        }
        (Some(_), Some(_)) => {
            return Err(Problem::field("code", Fault(FieldCode::Conflict, "is not taken together with a token")));
        }
    };
    send(StatusCode::OK, &ClinicDto::from(clinic))
}
