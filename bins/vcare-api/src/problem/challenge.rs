//! How a caller may sign in: `WWW-Authenticate` as RFC 6750 has it.

use actix_web::http::header::HeaderValue;

use super::Problem;

/// What kind of token is missing or bad, and what is wrong with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Challenge {
    realm: &'static str,
    /// The `error` and the `error_description`. Absent when no token was sent.
    fault: Option<(&'static str, &'static str)>,
}

const fn invalid(realm: &'static str, description: &'static str) -> Challenge {
    Challenge { realm, fault: Some(("invalid_token", description)) }
}

const PEOPLE: &str = "virtual-care";
const LINKS: &str = "virtual-care-join";
const SERVERS: &str = "virtual-care-internal";

impl Challenge {
    /// No access token.
    pub const SIGN_IN: Self = Self { realm: PEOPLE, fault: None };
    /// An access token whose time is over.
    pub const EXPIRED: Self = invalid(PEOPLE, "the access token has expired");
    /// Any other access token that lets nobody in.
    pub const INVALID: Self = invalid(PEOPLE, "the access token is not valid");
    /// The roles of a good access token do not allow it.
    pub const ROLES: Self =
        Self { realm: PEOPLE, fault: Some(("insufficient_scope", "the caller's roles do not allow this")) };
    /// No join token.
    pub const LINK: Self = Self { realm: LINKS, fault: None };
    /// A join link whose time is over.
    pub const LINK_EXPIRED: Self = invalid(LINKS, "the join link has expired");
    /// Any other join token that opens nothing.
    pub const LINK_INVALID: Self = invalid(LINKS, "the join token is not valid");
    /// No token of the deployment's servers.
    pub const SERVER: Self = Self { realm: SERVERS, fault: None };
    /// A token that is of no server.
    pub const SERVER_INVALID: Self = invalid(SERVERS, "the token is not that of a server");

    pub fn header(self) -> HeaderValue {
        let Self { realm, fault } = self;
        let fault = fault.map(|(error, words)| format!(", error=\"{error}\", error_description=\"{words}\""));
        HeaderValue::try_from(format!("Bearer realm=\"{realm}\"{}", fault.unwrap_or_default()))
            .unwrap_or(HeaderValue::from_static("Bearer"))
    }
}

impl Problem {
    /// Says how to sign in.
    #[must_use]
    pub(super) fn challenge(mut self, challenge: Challenge) -> Self {
        self.0.challenge = Some(challenge);
        self
    }
}
