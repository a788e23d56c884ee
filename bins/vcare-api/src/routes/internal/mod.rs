//! What the Jitsi servers and their recorders call: at the root, inside the deployment, never through Kong.

pub mod conference;
pub mod presence;
pub mod recordings;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, web};
use sha2::{Digest, Sha256};
use vcare_app::TraceContext;

use crate::extract::bearer;
use crate::problem::{Code, Problem};
use crate::server::Api;

/// The tokens that open the internal routes, hashed: comparing hashes tells nothing of a token by the time it takes.
#[derive(Clone)]
pub struct InternalTokens(Vec<[u8; 32]>);

impl InternalTokens {
    /// These tokens, and no others. With none, nobody gets in.
    #[must_use]
    pub fn new<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        Self(tokens.into_iter().map(|token| Sha256::digest(token).into()).collect())
    }

    fn accept(&self, token: &str) -> bool {
        let hash: [u8; 32] = Sha256::digest(token).into();
        self.0.contains(&hash)
    }
}

/// Lets only requests with one of our internal tokens pass.
///
/// # Errors
/// None of its own: a refusal is an answer.
pub async fn internal_only<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    let api = req.app_data::<web::Data<Api>>().ok_or_else(Problem::internal)?;
    if bearer(req.headers()).is_some_and(|token| api.internal_tokens.accept(token)) {
        return Ok(next.call(req).await?.map_into_left_body());
    }
    let problem = Problem::new(Code::Unauthorized).detail("expected a token of the deployment");
    Ok(req.into_response(problem.response()).map_into_right_body())
}

fn trace(req: &HttpRequest) -> Result<TraceContext, Problem> {
    req.extensions().get::<TraceContext>().cloned().ok_or_else(Problem::internal)
}
