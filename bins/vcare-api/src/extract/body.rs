//! JSON bodies: of the right type, not too long, nothing in them that nobody asked for.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use vcare_app::{IdempotencyKey, Wish};

use super::fields::Fields;
use super::fingerprint::Fingerprint;
use super::json::{Checked, parse_json};
use super::noted::{body_follows, invalid};
use crate::problem::{MERGE_PATCH, Problem};

/// A JSON body, and what tells the request, when it has a key, from others under the same key.
#[derive(Debug)]
pub struct Body<T> {
    /// The body.
    pub value: T,
    fingerprint: Option<Fingerprint>,
}

impl<T> Body<T> {
    /// The caller's wish under their key, when they gave one.
    #[must_use]
    pub fn wish(&self, key: Option<IdempotencyKey>) -> Option<Wish> {
        let (key, Fingerprint { request, before }) = key.zip(self.fingerprint)?;
        Some(Wish { key, fingerprint: request, fingerprint_before: before })
    }
}

impl<T: DeserializeOwned + Checked + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, read) = (req.clone(), read(req, payload));
        Box::pin(async move {
            let bytes = read.await?;
            if !bytes.is_empty() {
                must_be(&req, "application/json", Problem::wrong_media_type)?;
            }
            // Bodies whose fields are all optional may be left out; others say which field they miss.
            let value = parsed(&req, if bytes.is_empty() { b"{}" } else { &bytes })?;
            let has_key = req.headers().contains_key("Idempotency-Key");
            Ok(Self { value, fingerprint: has_key.then(|| Fingerprint::of(&req, &bytes)) })
        })
    }
}

/// A JSON merge patch (RFC 7396). One that is no object would stand in the place of all that it changes, and is refused.
#[derive(Debug)]
pub struct MergePatch<T>(pub T);

impl<T: DeserializeOwned + Checked + 'static> FromRequest for MergePatch<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, read) = (req.clone(), read(req, payload));
        Box::pin(async move {
            let bytes = read.await?;
            must_be(&req, MERGE_PATCH, |_| Problem::wrong_patch())?;
            parsed(&req, &bytes).map(Self)
        })
    }
}

/// Reads a JSON body, whose extractor then refuses what is invalid in parameters and headers, too.
fn read(req: &HttpRequest, payload: &mut Payload) -> impl Future<Output = Result<Bytes, Problem>> + use<> {
    body_follows(req);
    let bytes = Bytes::from_request(req, payload);
    async { bytes.await.map_err(|error| unreadable(&error)) }
}

/// A body's value, unless it or the parameters and headers are invalid: then all that is.
fn parsed<T: DeserializeOwned + Checked>(req: &HttpRequest, bytes: &[u8]) -> Result<T, Problem> {
    let mut noted = invalid(req);
    match parse_json::<T>(bytes) {
        Ok(value) if noted.is_empty() => return Ok(value),
        Ok(value) => {
            let mut fields = Fields::default();
            value.check(&mut fields);
            noted.extend(fields.into_invalid());
        }
        Err(invalid) => noted.extend(invalid),
    }
    Err(Problem::invalid(noted))
}

/// A body of any kind, not too long.
#[derive(Debug)]
pub struct RawBody(pub Bytes);

impl FromRequest for RawBody {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = Bytes::from_request(req, payload);
        Box::pin(async move { bytes.await.map(Self).map_err(|error| unreadable(&error)) })
    }
}

fn unreadable(error: &actix_web::Error) -> Problem {
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => Problem::body_too_long(),
        _ if error.as_response_error().status_code() == StatusCode::PAYLOAD_TOO_LARGE => Problem::body_too_long(),
        _ => Problem::body_cut_short(),
    }
}

/// JSON is UTF-8 (RFC 8259, 8.1): a charset may say so, and nothing else. Other types that are built on JSON (`+json`) are others.
fn must_be(req: &HttpRequest, expected: &str, or: impl Fn(&str) -> Problem) -> Result<(), Problem> {
    let kind = req.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let mut parts = kind.split(';').map(str::trim);
    let is_kind = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(expected));
    let is_utf_8 = parts.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    if is_kind && is_utf_8 { Ok(()) } else { Err(or(expected)) }
}
