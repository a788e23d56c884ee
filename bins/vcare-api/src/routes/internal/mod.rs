//! What the Jitsi servers and their recorders call: at the root, inside the deployment, never through Kong.
//!
//! Whose server calls is said by its token, and by nothing else of a request. A room of a tenant that the server does not act
//! for is answered like one that there is not.

pub mod conference;
pub mod presence;
pub mod recordings;

use std::future::{Ready, ready};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use vcare_app::ports::ServedTenants;
use vcare_app::{AppError, TraceContext};

use crate::extract::bearer;
use crate::problem::Problem;
use crate::server::Api;

/// The server that calls, by the tenants that it acts for; checked by [`internal_only`].
pub struct Server(pub ServedTenants);

impl FromRequest for Server {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let served = req.extensions().get::<ServedTenants>().cloned();
        ready(served.map(Self).ok_or_else(|| Problem::no_server(false)))
    }
}

/// Lets only requests with one of our internal tokens pass, and notes for whom it acts.
///
/// # Errors
/// None of its own: a refusal is an answer.
pub async fn internal_only<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    match served(&req).await {
        Ok(served) => {
            if let Some(tenant) = served.only() {
                tracing::Span::current().record("tenant_id", tenant.as_str());
            }
            req.extensions_mut().insert(served);
            Ok(next.call(req).await?.map_into_left_body())
        }
        Err(problem) => Ok(req.into_response(problem.response()).map_into_right_body()),
    }
}

async fn served(req: &ServiceRequest) -> Result<ServedTenants, Problem> {
    let api = req.app_data::<web::Data<Api>>().ok_or_else(Problem::internal)?;
    let token = bearer(req.headers()).ok_or_else(|| Problem::no_server(false))?;
    api.internal_tokens.served(token).await.map_err(AppError::from)?.ok_or_else(|| Problem::no_server(true))
}

fn trace(req: &HttpRequest) -> Result<TraceContext, Problem> {
    req.extensions().get::<TraceContext>().cloned().ok_or_else(Problem::internal)
}
