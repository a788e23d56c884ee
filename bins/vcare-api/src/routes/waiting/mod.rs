//! What pages and devices ask while people wait, over poor links.

pub mod clinic;
pub mod connection;
pub mod short;
pub mod status;

use actix_web::HttpRequest;

use crate::extract::bearer;
use crate::problem::Problem;

/// The join token of a request, as `Authorization: Bearer`.
fn token(req: &HttpRequest) -> Result<&str, Problem> {
    bearer(req.headers()).ok_or_else(without_token)
}

fn without_token() -> Problem {
    Problem::no_join_token()
}
