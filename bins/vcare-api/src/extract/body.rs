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

use super::fingerprint::Fingerprint;
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

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let req = req.clone();
        let bytes = Bytes::from_request(&req, payload);
        Box::pin(async move {
            let bytes = bytes.await.map_err(|error| unreadable(&error))?;
            let value = if bytes.is_empty() {
                // Bodies whose fields are all optional may be left out; others say which field they miss.
                parse_json(b"{}")?
            } else {
                must_be(&req, "application/json", Problem::wrong_media_type)?;
                parse_json(&bytes)?
            };
            let has_key = req.headers().contains_key("Idempotency-Key");
            Ok(Self { value, fingerprint: has_key.then(|| Fingerprint::of(&req, &bytes)) })
        })
    }
}

/// A JSON merge patch (RFC 7396). One that is no object would stand in the place of all that it changes, and is refused.
#[derive(Debug)]
pub struct MergePatch<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for MergePatch<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let req = req.clone();
        let bytes = Bytes::from_request(&req, payload);
        Box::pin(async move {
            let bytes = bytes.await.map_err(|error| unreadable(&error))?;
            must_be(&req, MERGE_PATCH, |_| Problem::wrong_patch())?;
            parse_json(&bytes).map(Self)
        })
    }
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
        _ => Problem::field("body", "could not be read to its end"),
    }
}

fn must_be(req: &HttpRequest, expected: &str, or: impl Fn(&str) -> Problem) -> Result<(), Problem> {
    let kind = req.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(expected) { Ok(()) } else { Err(or(expected)) }
}

/// Reads one JSON object. Names the field where it is wrong; unknown and duplicate fields are refused by the types.
///
/// # Errors
/// 400 `VALIDATION_ERROR`.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // serde would take a list, too, for the fields in their order.
    if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(Problem::field("body", "is not a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        let message = inner.to_string();
        // serde_json adds a place in the text, which means nothing to who sees a field's name.
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        if inner.is_syntax() || inner.is_eof() {
            return Problem::field("body", format!("is not valid JSON: {message}"));
        }
        let named = message.split('`').nth(1).filter(|_| {
            ["unknown field", "missing field", "duplicate field"].iter().any(|start| message.starts_with(start))
        });
        let field = match (path.as_str(), named) {
            (".", Some(name)) => name.to_owned(),
            (".", None) => "body".to_owned(),
            // The path of an unknown or duplicate field ends in its own name already.
            (path, Some(name)) if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
            (path, Some(name)) => format!("{path}.{name}"),
            (path, None) => path.to_owned(),
        };
        Problem::field(field, without_value(message))
    })?;
    json.end().map_err(|_| Problem::field("body", "there is more behind the JSON value"))?;
    Ok(value)
}

/// serde quotes the value it did not want, which may be a secret in the wrong field.
fn without_value(message: &str) -> String {
    match message.rsplit_once(", expected ") {
        Some((start, expected)) if start.starts_with("invalid ") => {
            format!("expected {}", expected.replace("u32", "a whole number").replace("f64", "a number"))
        }
        _ => message.to_owned(),
    }
}
