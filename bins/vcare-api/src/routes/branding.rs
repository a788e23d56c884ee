//! `/branding`: how a room looks. Jitsi's `brandingDataUrl`, fetched by every browser before anybody signs in.

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use url::form_urlencoded;
use utoipa::ToSchema;
use vcare_domain::{Branding, ConferenceName, CssHexColor};

use crate::answer::send;
use crate::problem::Problem;
use crate::server::Api;

/// How a room looks, in Jitsi's words.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Branding)]
pub struct BrandingDto {
    /// The logo.
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_image_url: Option<String>,
    /// The colours.
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_theme: Option<ThemeDto>,
    /// Jitsi itself asks everybody before it records.
    require_recording_consent: bool,
}

/// Jitsi's theme.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BrandingTheme)]
pub struct ThemeDto {
    palette: PaletteDto,
}

/// The colours of Jitsi's theme that stand for a brand: buttons and links, at rest, under the pointer and pressed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BrandingPalette)]
pub struct PaletteDto {
    action01: String,
    action01_hover: String,
    action01_active: String,
    link01: String,
    link01_hover: String,
    link01_active: String,
}

impl From<CssHexColor> for ThemeDto {
    fn from(color: CssHexColor) -> Self {
        let (rest, hover, active) = (color.to_string(), color.shaded(15).to_string(), color.shaded(-15).to_string());
        Self {
            palette: PaletteDto {
                action01: rest.clone(),
                action01_hover: hover.clone(),
                action01_active: active.clone(),
                link01: rest,
                link01_hover: hover,
                link01_active: active,
            },
        }
    }
}

impl From<Branding> for BrandingDto {
    fn from(branding: Branding) -> Self {
        Self {
            logo_image_url: branding.logo_url.map(|url| url.as_str().to_owned()),
            custom_theme: branding.primary_color.map(ThemeDto::from),
            require_recording_consent: true,
        }
    }
}

/// See how a room looks.
///
/// Tells nothing but that: the answer is the same for rooms that there are and that there are not.
#[utoipa::path(
    get, path = "/branding", tag = "Public", operation_id = "getBranding",
    params(("conferenceFqn" = Option<String>, Query, description = "`tenant/room` or `room`")),
    responses(
        (status = 200, description = "How it looks", body = BrandingDto),
    ),
)]
pub async fn branding(api: web::Data<Api>, req: HttpRequest) -> HttpResponse {
    // Whatever Jitsi adds to its query one day is no reason to show no logo.
    let mut query = form_urlencoded::parse(req.query_string().as_bytes());
    let room = query.find(|(name, _)| name == "conferenceFqn").map(|(_, room)| room.into_owned());
    let room = room.and_then(|room| ConferenceName::parse_path(&room).ok());
    let found = match room {
        Some(room) => api.app.branding(&room).await.map_err(Problem::from),
        None => Ok(Branding::default()),
    };
    let answer = found.and_then(|branding| {
        let mut answer = send(StatusCode::OK, &BrandingDto::from(branding))?;
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
        Ok(answer)
    });
    let mut answer = answer.unwrap_or_else(|problem| problem.response());
    // For pages of any Jitsi server; there is nothing in it that anybody may not see.
    answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    answer
}
