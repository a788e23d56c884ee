//! `Idempotency-Key` and `X-Emergency-Reason`.

use actix_web::dev::Payload;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest};
use vcare_app::{Caller, IdempotencyKey};
use vcare_domain::EmergencyReason;

use crate::extract::SignedInCaller;
use crate::extract::noted::{Noted, noted};
use crate::problem::{Fault, FieldCode, Problem};

/// The only header of that name, as text.
///
/// # Errors
/// 400 when it is sent twice or is no visible ASCII.
pub fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut all = headers.get_all(name);
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => one.to_str().map(Some).map_err(|_| Problem::header(name, "must be visible ASCII")),
        (Some(_), Some(_)) => Err(Problem::header(name, Fault(FieldCode::Duplicate, "must be sent once"))),
    }
}

/// The caller's name for the request, as `Idempotency-Key`.
#[derive(Debug, Clone)]
pub struct WishKey(pub Option<IdempotencyKey>);

impl FromRequest for WishKey {
    type Error = Problem;
    type Future = Noted<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        const NAME: &str = "Idempotency-Key";
        let key = only(req.headers(), NAME).and_then(|header| {
            header.map(|key| IdempotencyKey::parse(key).map_err(|error| Problem::header(NAME, error))).transpose()
        });
        noted(req, key.map(Self))
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
    type Future = Noted<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        noted(req, emergency(req.headers()).map(Self))
    }
}

/// In UTF-8: a reason is written in the language of who gives it.
fn emergency(headers: &HeaderMap) -> Result<Option<EmergencyReason>, Problem> {
    const NAME: &str = "X-Emergency-Reason";
    let mut all = headers.get_all(NAME);
    let header = match (all.next(), all.next()) {
        (None, _) => return Ok(None),
        (Some(one), None) => one,
        (Some(_), Some(_)) => return Err(Problem::header(NAME, Fault(FieldCode::Duplicate, "must be sent once"))),
    };
    let text = std::str::from_utf8(header.as_bytes()).map_err(|_| Problem::header(NAME, "must be UTF-8"))?;
    EmergencyReason::parse(text).map(Some).map_err(|error| Problem::header(NAME, error))
}
