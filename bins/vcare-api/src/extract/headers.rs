//! `If-Match`, `Idempotency-Key` and `X-Emergency-Reason`.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest};
use vcare_app::{Caller, IdempotencyKey};
use vcare_domain::{EmergencyReason, Version};

use crate::extract::SignedInCaller;
use crate::problem::Problem;

/// The only header of that name, as text.
///
/// # Errors
/// 400 when it is sent twice or is no visible ASCII.
pub fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut all = headers.get_all(name);
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => one.to_str().map(Some).map_err(|_| Problem::field(name, "must be visible ASCII")),
        (Some(_), Some(_)) => Err(Problem::field(name, "must be sent once")),
    }
}

/// The version the caller acts on, as `If-Match: "<version>"`.
#[derive(Debug, Clone, Copy)]
pub struct IfMatch(pub Option<Version>);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(only(req.headers(), "If-Match").and_then(if_match).map(Self))
    }
}

fn if_match(header: Option<&str>) -> Result<Option<Version>, Problem> {
    match header.map(str::trim) {
        None | Some("*") => Ok(None),
        Some(text) => {
            let number = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            let number = number.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
            let version = number.and_then(|digits| digits.parse().ok()).filter(|number| *number > 0);
            version
                .map(|number| Some(Version::new(number)))
                .ok_or_else(|| Problem::field("If-Match", "expected one version in quotes, as \"3\""))
        }
    }
}

/// The version the caller acts on, from header or body.
///
/// # Errors
/// 400 when both are there and differ, or when the body's is none.
pub fn expected_version(header: IfMatch, body: Option<u32>) -> Result<Option<Version>, Problem> {
    match (header.0, body) {
        (_, Some(0)) => Err(Problem::field("version", "counts from 1")),
        (Some(header), Some(body)) if header.get() != body => Err(Problem::field("version", "differs from If-Match")),
        (header, body) => Ok(header.or(body.map(Version::new))),
    }
}

/// The caller's name for the request, as `Idempotency-Key`.
#[derive(Debug, Clone)]
pub struct WishKey(pub Option<IdempotencyKey>);

impl FromRequest for WishKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        const NAME: &str = "Idempotency-Key";
        let key = only(req.headers(), NAME).and_then(|header| {
            header.map(|key| IdempotencyKey::parse(key).map_err(|error| Problem::field(NAME, error))).transpose()
        });
        ready(key.map(Self))
    }
}

/// Why a clinician opens an emergency access, as `X-Emergency-Reason`.
#[derive(Debug, Clone)]
pub struct EmergencyHeader(Option<EmergencyReason>);

impl EmergencyHeader {
    /// The caller, with the reason that they gave.
    #[must_use]
    pub fn of(self, caller: SignedInCaller) -> Caller {
        Caller { emergency: self.0, ..caller.0 }
    }
}

impl FromRequest for EmergencyHeader {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(emergency(req.headers()).map(Self))
    }
}

/// In UTF-8: a reason is written in the language of who gives it.
fn emergency(headers: &HeaderMap) -> Result<Option<EmergencyReason>, Problem> {
    const NAME: &str = "X-Emergency-Reason";
    let mut all = headers.get_all(NAME);
    let header = match (all.next(), all.next()) {
        (None, _) => return Ok(None),
        (Some(one), None) => one,
        (Some(_), Some(_)) => return Err(Problem::field(NAME, "must be sent once")),
    };
    let text = std::str::from_utf8(header.as_bytes()).map_err(|_| Problem::field(NAME, "must be UTF-8"))?;
    EmergencyReason::parse(text).map(Some).map_err(|error| Problem::field(NAME, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_is_one_version_in_quotes() {
        assert_eq!(if_match(Some("\"7\"")).unwrap(), Some(Version::new(7)));
        assert_eq!(if_match(Some("*")).unwrap(), None);
        assert_eq!(if_match(None).unwrap(), None);
        for bad in ["7", "\"\"", "\"0\"", "\"-1\"", "\"+1\"", "W/\"7\"", "\"7\", \"8\"", "\"99999999999\"", ""] {
            assert!(if_match(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_version_in_the_body_must_agree_with_the_header() {
        let header = IfMatch(Some(Version::new(3)));
        assert_eq!(expected_version(header, Some(3)).unwrap(), Some(Version::new(3)));
        assert_eq!(expected_version(IfMatch(None), Some(4)).unwrap(), Some(Version::new(4)));
        assert!(expected_version(header, Some(4)).is_err());
        assert!(expected_version(IfMatch(None), Some(0)).is_err());
    }
}
