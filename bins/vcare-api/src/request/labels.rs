//! The words by which requests are counted. The values of every label are a closed set: nothing that a client sends makes a
//! new series, or all of them together would be kept until the process ends.

use actix_web::HttpRequest;
use actix_web::http::Method;

/// Every method that is not registered.
pub(super) const OTHER: &str = "other";

/// The methods of [RFC 9110, 9.3](https://www.rfc-editor.org/rfc/rfc9110#section-9.3) and
/// [RFC 5789](https://www.rfc-editor.org/rfc/rfc5789).
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];

/// The method, if it is a registered one; else [`OTHER`]. HTTP allows any word, of any length.
pub(super) fn method(method: &Method) -> &'static str {
    METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or(OTHER)
}

/// The pattern of the route, as this program wrote it; `unmatched` for an address that has none.
pub(super) fn route(req: &HttpRequest) -> String {
    req.match_pattern().unwrap_or_else(|| "unmatched".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_registered_methods_have_a_name_of_their_own() {
        for known in METHODS {
            assert_eq!(method(&known.parse().unwrap()), known);
        }
        for invented in ["get", "GETT", "PROPFIND", "X", "other!", &"M".repeat(4000)] {
            assert_eq!(method(&invented.parse().unwrap()), OTHER, "{invented}");
        }
    }
}
