//! What is wrong with a request, or with its moment, before any use case sees it.

use vcare_app::{AppError, JoinTokenFault};

use super::challenge::Challenge;
use super::{Code, Fault, FieldCode, MERGE_PATCH, Problem, Quota};

impl Problem {
    /// An address that we do not have.
    #[must_use]
    pub fn nothing_here() -> Self {
        Self::new(Code::NotFound).detail("no such endpoint")
    }

    /// A path that exists, but not for that method.
    #[must_use]
    pub fn method_not_allowed(allow: String) -> Self {
        let mut problem = Self::new(Code::MethodNotAllowed).detail(format_args!("this address takes {allow}"));
        problem.0.allow = Some(allow);
        problem
    }

    /// Nobody, where somebody must sign in.
    #[must_use]
    pub fn not_signed_in() -> Self {
        Self::new(Code::Unauthorized)
            .detail("`Authorization: Bearer <token>` is required")
            .challenge(Challenge::SIGN_IN)
    }

    /// A token in `Authorization` that cannot be one, or several of them.
    #[must_use]
    pub fn no_bearer_token() -> Self {
        Self::new(Code::Unauthorized)
            .detail("`Authorization: Bearer <token>` is required, once")
            .challenge(Challenge::INVALID)
    }

    /// No token of one of the deployment's servers, or one that is of none.
    #[must_use]
    pub fn no_server(sent: bool) -> Self {
        let challenge = if sent { Challenge::SERVER_INVALID } else { Challenge::SERVER };
        Self::new(Code::Unauthorized)
            .detail("expected the token of a tenant's own Jitsi, or of a shared one")
            .challenge(challenge)
    }

    /// No join token, where one must be sent.
    #[must_use]
    pub fn no_join_token() -> Self {
        Self::from(AppError::from(JoinTokenFault::Invalid)).challenge(Challenge::LINK)
    }

    /// A body that the caller did not send to its end.
    #[must_use]
    pub fn body_cut_short() -> Self {
        Self::field("body", "was cut off before its end")
    }

    /// A parameter that is not there.
    #[must_use]
    pub fn missing_parameter(name: &str) -> Self {
        Self::parameter(name, Fault(FieldCode::Required, "is missing"))
    }

    /// A header that is not there.
    #[must_use]
    pub fn missing_header(name: &str) -> Self {
        Self::header(name, Fault(FieldCode::Required, "is missing"))
    }

    /// A field of the body that is not there.
    #[must_use]
    pub fn missing(field: &str) -> Self {
        Self::field(field, Fault(FieldCode::Required, "is missing"))
    }

    /// Somebody may have signed in; there is no key to tell.
    #[must_use]
    pub fn nobody_can_sign_in() -> Self {
        Self::new(Code::IdentityProviderUnavailable).retry_after(5)
    }

    /// A body of another type than the one that is taken.
    #[must_use]
    pub fn wrong_media_type(expected: &str) -> Self {
        Self::new(Code::UnsupportedMediaType).detail(format_args!("expected Content-Type: {expected}"))
    }

    /// A patch of another kind than the one that is taken.
    #[must_use]
    pub fn wrong_patch() -> Self {
        let mut problem = Self::wrong_media_type(MERGE_PATCH);
        problem.0.accept_patch = Some(MERGE_PATCH);
        problem
    }

    /// A change that would be made whatever somebody else changed meanwhile.
    #[must_use]
    pub fn precondition_required() -> Self {
        let expected = "expected If-Match: \"<version>\", or If-None-Match: * for a tenant's first settings";
        Self::new(Code::PreconditionRequired).detail(expected)
    }

    /// A body that is longer than is taken.
    #[must_use]
    pub fn body_too_long() -> Self {
        Self::new(Code::PayloadTooLarge).detail("the request body is too large")
    }

    /// A range of bytes of which none exists.
    #[must_use]
    pub fn range_not_satisfiable(size: u32) -> Self {
        let mut problem = Self::new(Code::RangeNotSatisfiable).detail(format_args!("there are {size} bytes"));
        problem.0.size = Some(size);
        problem
    }

    /// A client that speaks no tus, or another version of it.
    #[must_use]
    pub fn wrong_tus_version() -> Self {
        Self::new(Code::TusVersionUnsupported).detail("expected Tus-Resumable: 1.0.0")
    }

    /// Bytes that changed on their way.
    #[must_use]
    pub fn wrong_checksum() -> Self {
        Self::new(Code::ChecksumMismatch).detail("the body does not match the checksum")
    }

    /// It took too long. Whether it was done is not known: the same request under the same key tells.
    #[must_use]
    pub fn too_slow() -> Self {
        Self::new(Code::ServiceUnavailable).retry_after(5)
    }

    /// As many uploads or downloads go on as may at once: of the account, of the tenant, or of all.
    #[must_use]
    pub fn too_many_transfers(limit: &'static str) -> Self {
        let whose = match limit {
            "account" => "this account transfers as much at once as it may; wait for one to end",
            "tenant" => "this tenant transfers as much at once as it may",
            _ => "as much is transferred at once as may be",
        };
        Self::new(Code::ServiceUnavailable).detail(whose).retry_after(5)
    }

    /// Asked too often.
    #[must_use]
    pub fn too_often(quota: Quota, seconds: u32) -> Self {
        let problem = Self::new(Code::RateLimited).detail("rate limit exceeded; try again later");
        problem.used_up(quota, Some(seconds)).retry_after(seconds)
    }
}
