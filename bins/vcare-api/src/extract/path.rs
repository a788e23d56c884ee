//! Ids in paths.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use vcare_domain::{AsyncVisitId, InvalidId, ParticipantId, SessionId, UploadId};

use crate::problem::Problem;

fn id<T: FromStr<Err = InvalidId>>(req: &HttpRequest, name: &str) -> Result<T, Problem> {
    req.match_info().query(name).parse().map_err(|error| Problem::field(name, error))
}

/// `/sessions/{sessionId}`.
#[derive(Debug, Clone, Copy)]
pub struct SessionPath(pub SessionId);

impl FromRequest for SessionPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(id(req, "sessionId").map(Self))
    }
}

/// `/async-visits/{asyncVisitId}`.
#[derive(Debug, Clone, Copy)]
pub struct AsyncVisitPath(pub AsyncVisitId);

impl FromRequest for AsyncVisitPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(id(req, "asyncVisitId").map(Self))
    }
}

/// `/sessions/{sessionId}/…/{participantId}`.
#[derive(Debug, Clone, Copy)]
pub struct ParticipantPath {
    /// The visit.
    pub session: SessionId,
    /// Somebody's part in it.
    pub participant: ParticipantId,
}

impl FromRequest for ParticipantPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let both = id(req, "sessionId")
            .and_then(|session| id(req, "participantId").map(|participant| Self { session, participant }));
        ready(both)
    }
}

/// `/async-visits/…/{uploadId}`.
#[derive(Debug, Clone, Copy)]
pub struct UploadPath(pub UploadId);

impl FromRequest for UploadPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(id(req, "uploadId").map(Self))
    }
}
