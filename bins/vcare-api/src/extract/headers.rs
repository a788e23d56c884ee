//! `Idempotency-Key`, `X-Emergency-Reason` and `X-Emergency-Reason-Code`.

use actix_web::dev::Payload;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest};
use vcare_app::{Caller, IdempotencyKey};
use vcare_domain::{EmergencyCode, EmergencyReason, Reason};

use crate::extract::noted::{Noted, noted};
use crate::extract::{Fields, SignedInCaller};
use crate::problem::{Fault, FieldCode, Problem};
use crate::routes::sessions::code_of;

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

/// Why a clinician opens an emergency access, as `X-Emergency-Reason` and `X-Emergency-Reason-Code`.
#[derive(Debug, Clone)]
pub struct EmergencyHeader(Option<Reason<EmergencyCode, EmergencyReason>>);

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

const NOTE: &str = "X-Emergency-Reason";
const CODE: &str = "X-Emergency-Reason-Code";

/// A code that says something is enough, and so is a reason in words.
fn emergency(headers: &HeaderMap) -> Result<Option<Reason<EmergencyCode, EmergencyReason>>, Problem> {
    let word = only(headers, CODE);
    let code = word.and_then(|word| word.map(code_of).transpose().map_err(|error| Problem::header(CODE, error)));
    let (note, code) = match (emergency_note(headers), code) {
        (Ok(note), Ok(code)) => (note, code),
        (note, code) => {
            let mut fields = Fields::default();
            fields.also(note);
            fields.also(code);
            return fields.done(None);
        }
    };
    if code.is_none() && note.is_none() {
        return Ok(None);
    }
    Reason::given(code, note).map(Some).map_err(|error| Problem::header(NOTE, error))
}

/// In UTF-8: a reason is written in the language of who gives it.
fn emergency_note(headers: &HeaderMap) -> Result<Option<EmergencyReason>, Problem> {
    let mut all = headers.get_all(NOTE);
    let header = match (all.next(), all.next()) {
        (None, _) => return Ok(None),
        (Some(one), None) => one,
        (Some(_), Some(_)) => return Err(Problem::header(NOTE, Fault(FieldCode::Duplicate, "must be sent once"))),
    };
    let text = std::str::from_utf8(header.as_bytes()).map_err(|_| Problem::header(NOTE, "must be UTF-8"))?;
    EmergencyReason::parse(text).map(Some).map_err(|error| Problem::header(NOTE, error))
}
