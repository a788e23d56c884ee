//! What the SDK's errors mean for us.

use aws_sdk_kms::config::http::HttpResponse;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};

use crate::keeper::KeeperFault;

const OVERLOADED: [&str; 5] =
    ["ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "LimitExceededException"];
const NOT_OPENABLE: [&str; 2] = ["InvalidCiphertextException", "IncorrectKeyException"];
/// A fault of its own, said with a status that does not show it.
const OUT_OF_ORDER: [&str; 3] = ["DependencyTimeoutException", "KMSInternalException", "KeyUnavailableException"];

/// Sorts an error by what can be done about it. Takes over KMS's own code and nothing of its message, which names ARNs and
/// accounts.
pub(super) fn fault<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> KeeperFault {
    match error {
        SdkError::TimeoutError(_) => KeeperFault::TimedOut,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => KeeperFault::TimedOut,
        SdkError::DispatchFailure(failure) if failure.is_io() => unavailable("connection"),
        // Nobody said no: whoever hands out credentials did not answer, or has none yet.
        SdkError::DispatchFailure(_) => unavailable("credentials"),
        SdkError::ConstructionFailure(_) => KeeperFault::Denied { code: "request".to_owned() },
        SdkError::ServiceError(context) => {
            let code = context.err().code().map(fixed_word).filter(|code| !code.is_empty());
            answered(code, context.raw().status().as_u16())
        }
        _ => KeeperFault::Malformed,
    }
}

fn unavailable(code: &str) -> KeeperFault {
    KeeperFault::Unavailable { code: code.to_owned() }
}

/// Codes are words; whatever else answers does not get its text into our logs.
fn fixed_word(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}

fn answered(code: Option<String>, status: u16) -> KeeperFault {
    let is_of = |words: &[&str]| code.as_deref().is_some_and(|code| words.contains(&code));
    if is_of(&OVERLOADED) || status == 429 {
        return KeeperFault::Throttled { code: code.unwrap_or_else(|| status.to_string()) };
    }
    if is_of(&NOT_OPENABLE) {
        return KeeperFault::NotOpenable;
    }
    if is_of(&OUT_OF_ORDER) || status >= 500 {
        return KeeperFault::Unavailable { code: code.unwrap_or_else(|| status.to_string()) };
    }
    match (code, status) {
        (Some(code), _) => KeeperFault::Denied { code },
        (None, 401 | 403) => KeeperFault::Denied { code: status.to_string() },
        (None, _) => KeeperFault::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_sorted_by_its_code_before_its_status() {
        let table = [
            (Some("AccessDeniedException"), 400, "denied"),
            (Some("DisabledException"), 400, "denied"),
            (Some("NotFoundException"), 400, "denied"),
            (Some("KMSInvalidStateException"), 400, "denied"),
            (Some("InvalidSignatureException"), 400, "denied"),
            (Some("UnrecognizedClientException"), 400, "denied"),
            (Some("ThrottlingException"), 400, "throttled"),
            (None, 429, "throttled"),
            (Some("InvalidCiphertextException"), 400, "not_openable"),
            (Some("IncorrectKeyException"), 400, "not_openable"),
            (Some("KMSInternalException"), 500, "unavailable"),
            (Some("KeyUnavailableException"), 400, "unavailable"),
            (Some("DependencyTimeoutException"), 400, "unavailable"),
            (None, 503, "unavailable"),
            (None, 403, "denied"),
            (None, 404, "malformed"),
            (None, 200, "malformed"),
        ];
        for (code, status, outcome) in table {
            assert_eq!(answered(code.map(ToOwned::to_owned), status).outcome(), outcome, "{code:?} {status}");
        }
    }

    #[test]
    fn a_code_is_a_word_whatever_answers() {
        assert_eq!(fixed_word("Access<b>Denied</b>\n"), "AccessbDeniedb");
        assert_eq!(fixed_word(&"x".repeat(100)).len(), 64);
    }
}
