//! Ids in paths.

use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use vcare_domain::{AsyncVisitId, InvalidId, ParticipantId, SessionId, UploadId};

use super::noted::{Noted, noted};
use crate::problem::Problem;

fn id<T: FromStr<Err = InvalidId>>(req: &HttpRequest, name: &str) -> Result<T, Problem> {
    req.match_info().query(name).parse().map_err(|error| Problem::parameter(name, error))
}

/// What is wrong with several ids, as one problem.
fn all_of<const N: usize>(problems: [Option<Problem>; N]) -> Problem {
    let invalid = problems.into_iter().flatten().filter_map(|problem| problem.into_invalid().ok());
    Problem::invalid(invalid.flatten().collect())
}

/// `/sessions/{sessionId}`.
#[derive(Debug, Clone, Copy)]
pub struct SessionPath(pub SessionId);

impl FromRequest for SessionPath {
    type Error = Problem;
    type Future = Noted<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        noted(req, id(req, "sessionId").map(Self))
    }
}

/// `/async-visits/{asyncVisitId}`.
#[derive(Debug, Clone, Copy)]
pub struct AsyncVisitPath(pub AsyncVisitId);

impl FromRequest for AsyncVisitPath {
    type Error = Problem;
    type Future = Noted<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        noted(req, id(req, "asyncVisitId").map(Self))
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
    type Future = Noted<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let both = match (id(req, "sessionId"), id(req, "participantId")) {
            (Ok(session), Ok(participant)) => Ok(Self { session, participant }),
            (session, participant) => Err(all_of([session.err(), participant.err()])),
        };
        noted(req, both)
    }
}

/// `/async-visits/…/{uploadId}`.
#[derive(Debug, Clone, Copy)]
pub struct UploadPath(pub UploadId);

impl FromRequest for UploadPath {
    type Error = Problem;
    type Future = Noted<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        noted(req, id(req, "uploadId").map(Self))
    }
}
