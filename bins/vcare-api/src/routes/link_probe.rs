//! `…/link-probe`: what a person's link is to be used for.

use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vcare_app::TraceContext;
use vcare_app::sessions::ProbedLink;
use vcare_domain::{LinkDecision, LinkProbe, Measured, MediaMode};

use crate::answer::send;
use crate::extract::{Body, Checked, Fields, SessionPath, SignedInCaller, WishKey, bearer};
use crate::problem::{Fault, FieldCode, Problem};
use crate::server::Api;
use crate::values;

/// The largest body. Probes are sent on links on which every byte is waited for.
pub const MOST_BYTES: usize = 300;

/// What a client measured of its link.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LinkProbeRequest {
    /// Round trip, in milliseconds.
    #[schema(minimum = 0, maximum = 600_000, example = 740)]
    rtt_ms: f64,
    /// Lost, in percent.
    #[schema(minimum = 0, maximum = 100, example = 2.5)]
    loss_percent: f64,
    /// Upwards, in kbit/s.
    #[schema(minimum = 0, maximum = 10_000_000, example = 64)]
    up_kbps: f64,
    /// Downwards, in kbit/s.
    #[schema(minimum = 0, maximum = 10_000_000, example = 120)]
    down_kbps: f64,
    /// The best medium that the person asks for. Left out: whatever the link carries.
    #[serde(default)]
    #[schema(value_type = Option<values::MediaMode>)]
    prefer: Option<String>,
}

impl LinkProbeRequest {
    fn check(self) -> Result<ProbedLink, Problem> {
        let Self { rtt_ms, loss_percent, up_kbps, down_kbps, prefer } = self;
        let mut fields = Fields::default();
        let probe = LinkProbe::check(Measured { rtt_ms, loss_percent, up_kbps, down_kbps });
        let probe = probe
            .map_err(|absurd| absurd.iter().for_each(|one| fields.wrong(one.field, Fault(FieldCode::Range, one))))
            .ok();
        let prefer = prefer.map(|name| MediaMode::from_name(&name).ok_or("expected video, audio or message"));
        let prefer = fields.take_optional("prefer", prefer);
        fields.done(probe.map(|probe| ProbedLink { probe, prefer }))
    }
}

impl Checked for LinkProbeRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(Self::check(self));
    }
}

/// What a link is to be used for.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LinkDecision)]
pub struct LinkDecisionDto {
    /// The medium.
    mode: values::MediaMode,
    /// The most kbit/s, each way, that it should use; 0 for messages.
    #[schema(example = 30)]
    cap_kbps: u32,
    /// Why.
    reason: values::LinkReason,
}

impl From<LinkDecision> for LinkDecisionDto {
    fn from(decision: LinkDecision) -> Self {
        let LinkDecision { link, reason } = decision;
        Self { mode: link.mode.into(), cap_kbps: link.cap_kbps, reason: reason.into() }
    }
}

/// Have one's link probed.
///
/// The worse link counts at once, the better one when two probes in a row say so. A slow link is never an error. The token
/// goes into `Authorization: Bearer`.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/join/link-probe", tag = "Patients", operation_id = "submitLinkProbeByToken",
    request_body = LinkProbeRequest,
    responses(
        (status = 200, description = "What to use the link for", body = LinkDecisionDto),
    ),
    security(("joinToken" = [])),
)]
pub async fn by_token(
    api: web::Data<Api>,
    req: HttpRequest,
    body: Body<LinkProbeRequest>,
) -> Result<HttpResponse, Problem> {
    let probed = body.value.check()?;
    let trace = req.extensions().get::<TraceContext>().cloned().ok_or_else(Problem::internal)?;
    let token = bearer(req.headers()).ok_or_else(Problem::no_join_token)?;
    let decision = api.app.probe_link_by_token(token, probed, trace).await?;
    send(StatusCode::OK, &LinkDecisionDto::from(decision))
}

/// Have one's own link probed.
///
/// For those who sign in and have a part in the visit: providers, patients with an account, interpreters.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/link-probe", tag = "Sessions", operation_id = "submitLinkProbe",
    request_body = LinkProbeRequest,
    params(
        ("sessionId" = values::SessionId, Path, description = "The session"),
        ("Idempotency-Key" = Option<String>, Header, description = "Accepted; every probe is a measurement of its own", max_length = 128),
    ),
    responses(
        (status = 200, description = "What to use the link for", body = LinkDecisionDto),
    ),
    security(("accessToken" = [])),
)]
pub async fn signed_in(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: SessionPath,
    _key: WishKey,
    body: Body<LinkProbeRequest>,
) -> Result<HttpResponse, Problem> {
    let probed = body.value.check()?;
    let decision = api.app.probe_link(&caller.0, path.0, probed).await?;
    send(StatusCode::OK, &LinkDecisionDto::from(decision))
}
