//! Who calls. Checked before anything else of a request is looked at.

use std::future::{Ready, ready};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use vcare_app::{Caller, TraceContext};
use vcare_boot::actor_id_hash;

use crate::problem::Problem;
use crate::server::Api;

/// The caller, checked by [`authenticate`].
pub struct SignedInCaller(pub Caller);

impl FromRequest for SignedInCaller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = req.extensions().get::<Caller>().cloned();
        ready(caller.map(Self).ok_or_else(Problem::not_signed_in))
    }
}

/// The bearer token of a request; two are none.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION);
    let (one, None) = (all.next()?, all.next()) else { return None };
    let (scheme, token) = one.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token.trim())
}

/// Lets only requests with a good access token pass, and notes whose it is. Others are answered 401 `UNAUTHORIZED` or
/// `ACCESS_TOKEN_EXPIRED`, or 503 `IDENTITY_PROVIDER_UNAVAILABLE`.
///
/// # Errors
/// None of its own: a refusal is an answer, so that it is named, logged and counted like any other.
pub async fn authenticate<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    match caller(&req).await {
        Ok(caller) => {
            let span = tracing::Span::current();
            span.record("tenant_id", caller.tenant_id.as_str());
            span.record("actor_id_hash", actor_id_hash(&caller.tenant_id, &caller.user_id));
            req.extensions_mut().insert(caller);
            Ok(next.call(req).await?.map_into_left_body())
        }
        Err(problem) => Ok(req.into_response(problem.response()).map_into_right_body()),
    }
}

/// Nobody: without a token, or with one that cannot be read, or several.
fn nobody(headers: &HeaderMap) -> Problem {
    let scheme = |value: &HeaderValue| value.as_bytes().get(..7).is_some_and(|b| b.eq_ignore_ascii_case(b"bearer "));
    let sent = headers.get_all(AUTHORIZATION).any(scheme);
    if sent { Problem::no_bearer_token() } else { Problem::not_signed_in() }
}

async fn caller(req: &ServiceRequest) -> Result<Caller, Problem> {
    let api = req.app_data::<web::Data<Api>>().ok_or_else(Problem::internal)?;
    let token = bearer(req.headers()).ok_or_else(|| nobody(req.headers()))?;
    let signed_in = api.access_tokens.verify(token).await?;
    let trace = req.extensions().get::<TraceContext>().cloned().ok_or_else(Problem::internal)?;
    Ok(Caller {
        tenant_id: signed_in.tenant_id,
        user_id: signed_in.user_id,
        roles: signed_in.roles,
        node_id: signed_in.node_id,
        patient_id: signed_in.patient_id,
        name: signed_in.name,
        emergency: None,
        trace,
    })
}
