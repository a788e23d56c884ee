//! `/visit/probe`: bytes to measure a line with. Tells nothing, keeps nothing, and asks for no token.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, ContentEncoding};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use crate::dto;
use crate::extract::Query;
use crate::problem::{Fault, FieldCode, Problem};

/// The most that is sent, in bytes.
const MOST_DOWN: usize = 32 * 1024;
/// The most that is taken, in bytes.
const MOST_UP: usize = 16 * 1024;

/// What is sent: a chain of hashes, in which nobody finds anything to pack.
static NOISE: LazyLock<Bytes> = LazyLock::new(|| {
    let mut noise = Vec::with_capacity(MOST_DOWN);
    let mut link = Sha256::digest("noise");
    while noise.len() < MOST_DOWN {
        noise.extend_from_slice(&link);
        link = Sha256::digest(link);
    }
    noise.into()
});

/// Get bytes to measure a line with.
///
/// They cannot be packed, and no cache keeps them.
#[utoipa::path(
    get, path = "/visit/probe", tag = "Public", operation_id = "downloadProbeBytes",
    params(("bytes" = Option<u32>, Query, description = "How many, 1 unless told", minimum = 0, maximum = 32768)),
    responses(
        (status = 200, description = "So many bytes", body = inline(dto::Bytes), content_type = "application/octet-stream"),
    ),
)]
pub async fn send(mut query: Query) -> Result<HttpResponse, Problem> {
    let wanted = query.take("bytes");
    query.nothing_else()?;
    let wanted = wanted.map_or(Ok(1), |wanted| wanted.parse::<usize>().map_err(|_| out_of_range()))?;
    if wanted > MOST_DOWN {
        return Err(out_of_range());
    }
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        // Packing them again would only cost time; and a proxy on the way shall not try either.
        .insert_header(ContentEncoding::Identity)
        .insert_header((CACHE_CONTROL, "no-store, no-transform"))
        .body(NOISE.slice(..wanted)))
}

fn out_of_range() -> Problem {
    Problem::parameter("bytes", Fault(FieldCode::Range, format!("must be a whole number from 0 to {MOST_DOWN}")))
}

/// Send bytes to measure a line with.
///
/// They are counted and forgotten.
#[utoipa::path(
    post, path = "/visit/probe", tag = "Public", operation_id = "uploadProbeBytes",
    request_body(content((inline(dto::Bytes) = "application/octet-stream")), description = "At most 16 KiB of anything"),
    responses(
        (status = 204, description = "All of them came"),
    ),
)]
pub async fn receive(_: HttpRequest, mut body: Payload) -> Result<HttpResponse, Problem> {
    let mut came = 0;
    while let Some(part) = body.next().await {
        came += part.map_err(|_| Problem::body_cut_short())?.len();
        if came > MOST_UP {
            return Err(Problem::body_too_long());
        }
    }
    Ok(HttpResponse::NoContent().finish())
}
