//! Visits without a live link: one route a file.

pub mod addendum;
pub mod claim;
pub mod close;
pub mod continue_async;
pub mod draft;
pub mod dto;
pub mod list;
pub mod read;
pub mod release;
pub mod respond;
pub mod submit;
pub mod summary;
pub mod sync;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, HeaderValue, LOCATION};
use vcare_app::async_visits::Submitted;
use vcare_app::{AppError, ViewedAsyncVisit};
use vcare_domain::Version;

use crate::answer::{BASE, MUTATION_DIFFERS, MUTATION_REPLAYED, add_stored_headers, etag};
use crate::problem::Problem;

/// The longest body with what one person wrote. 8,000 characters of any script fit, also when each is escaped.
pub const LONGEST_TEXT: usize = 128 * 1024;

/// The longest body with several drafts.
pub const LONGEST_SYNC: usize = 960 * 1024;

/// The body of a visit's answer.
///
/// # Errors
/// [`AppError::Interrupted`] when it cannot be written, which cannot be.
pub fn visit_body(viewed: &ViewedAsyncVisit) -> Result<Vec<u8>, AppError> {
    serde_json::to_vec(&dto::AsyncVisitDto::from(viewed)).map_err(|_| AppError::Interrupted)
}

/// Sends a visit as it is now.
fn send_visit(viewed: &ViewedAsyncVisit) -> Result<HttpResponse, Problem> {
    let mut response = HttpResponse::Ok();
    response.insert_header((ETAG, etag(viewed.visit.parts().version))).content_type("application/json");
    Ok(response.body(visit_body(viewed)?))
}

/// Sends what became of a draft: 201 the first time; then 200 with the very same bytes.
fn send_submitted(submitted: Submitted) -> HttpResponse {
    let (mut response, body) = match submitted {
        Submitted::Now { id, body } => {
            let mut response = HttpResponse::build(StatusCode::CREATED);
            response.insert_header((ETAG, etag(Version::FIRST)));
            response.insert_header((LOCATION, format!("{BASE}/async-visits/{id}")));
            (response, body)
        }
        Submitted::Before { body, differs } => {
            let mut response = HttpResponse::build(StatusCode::OK);
            add_stored_headers(&mut response, &body, Some("async-visits"));
            response.insert_header((MUTATION_REPLAYED, HeaderValue::from_static("true")));
            if differs {
                response.insert_header((MUTATION_DIFFERS, HeaderValue::from_static("true")));
            }
            (response, body)
        }
    };
    response.content_type("application/json").body(body)
}

/// What a person decided on a visit, answered.
fn decided(viewed: Result<ViewedAsyncVisit, AppError>) -> Result<HttpResponse, Problem> {
    send_visit(&viewed?)
}
