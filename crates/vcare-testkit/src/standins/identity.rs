//! The OIDC issuer's documents.

use super::exchange::{Answer, Asked};
use crate::issuer::{Issuer, REALM};

/// `GET /realms/ghasi/.well-known/openid-configuration` and `GET /realms/ghasi/protocol/openid-connect/certs`.
pub(super) fn answer(issuer: &Issuer, asked: &Asked, segments: &[&str]) -> Answer {
    let document = match segments {
        [REALM, ".well-known", "openid-configuration"] => issuer.discovery(),
        [REALM, "protocol", "openid-connect", "certs"] => issuer.jwks(),
        _ => return Answer::not_found(),
    };
    if asked.reads() { Answer::json(200, &document) } else { Answer::not_allowed("GET") }
}
