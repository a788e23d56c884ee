//! What a request was, in 32 bytes: tells a request that is sent again from another one under the same key.

use actix_web::HttpRequest;
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

use super::conditions::IfMatch;

/// The fingerprint of a request, and what the version before this one made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// Of method, path, body and `If-Match`.
    pub request: [u8; 32],
    /// Of method, path and the body's bytes: answers that the version before kept have this one. It can go when no answer
    /// of that version is kept any more.
    pub before: [u8; 32],
}

impl Fingerprint {
    /// What is told by other bytes is the same request: the order of names, blanks and line ends between them, how texts are
    /// escaped and numbers written, the order of the versions in `If-Match`.
    pub fn of(req: &HttpRequest, body: &[u8]) -> Self {
        let (method, path) = (req.method().as_str().as_bytes(), req.path().as_bytes());
        // What is none is refused by the route that takes it.
        let condition = IfMatch::of(req.headers()).map(|header| header.canonical()).unwrap_or_default();
        Self {
            request: hash(&[b"2", method, path, &canonical(body), condition.as_bytes()]),
            before: hash(&[method, path, body]),
        }
    }
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The same JSON is the same bytes. Nobody but this service makes or compares them, so that they need not be RFC 8785's.
fn canonical(body: &[u8]) -> Vec<u8> {
    if body.is_empty() {
        return b"{}".to_vec();
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => {
            value.sort_all_objects();
            plain_numbers(&mut value);
            serde_json::to_vec(&value).unwrap_or_else(|_| body.to_vec())
        }
        Err(_) => body.to_vec(),
    }
}

/// `1.0` and `1e0` are 1, as JSON has one kind of numbers.
fn plain_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(whole) = number.as_f64().filter(|_| number.is_f64()).and_then(whole) {
                *number = whole;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain_numbers),
        Value::Object(fields) => fields.values_mut().for_each(plain_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The whole number that this is, when every number around it can be told from it.
fn whole(number: f64) -> Option<Number> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and fits")]
    (number.fract() == 0.0 && number.abs() < EXACT).then(|| Number::from(number as i64))
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use actix_web::test::TestRequest;

    use super::*;

    fn of(condition: &str, body: &str) -> [u8; 32] {
        let request = TestRequest::with_uri("/sessions").method(Method::POST);
        let request = if condition.is_empty() { request } else { request.insert_header(("If-Match", condition)) };
        Fingerprint::of(&request.to_http_request(), body.as_bytes()).request
    }

    #[test]
    fn the_same_request_in_other_bytes_has_the_same_fingerprint() {
        let one = of("", r#"{"a":1,"b":{"c":[1.5,"é",null],"d":true}}"#);
        for same in [
            "{ \"b\": {\"d\": true, \"c\": [15e-1, \"\\u00e9\", null]},\r\n\t\"a\": 1 }",
            r#"{"a":1.0,"b":{"c":[1.50,"é",null],"d":true}}"#,
            r#"{"a":1e0,"b":{"d":true,"c":[0.15e1,"\u00E9",null]}}"#,
        ] {
            assert_eq!(of("", same), one, "{same}");
        }
        assert_eq!(of("", ""), of("", " { } "), "a body that may be left out is an empty one");
        assert_eq!(of("", r#"{"a":-0.0}"#), of("", r#"{"a":0}"#));
    }

    #[test]
    fn another_request_has_another_fingerprint() {
        let bodies = [
            r#"{"a":1}"#,
            r#"{"a":"1"}"#,
            r#"{"a":2}"#,
            r#"{"a":1.5}"#,
            r#"{"a":[1,2]}"#,
            r#"{"a":[2,1]}"#,
            r#"{"a":null}"#,
            r#"{"a":18446744073709551615}"#,
            r#"{"a":18446744073709551614}"#,
            r#"{"A":1}"#,
            "{}",
            "no JSON",
        ];
        let mut seen: Vec<[u8; 32]> = bodies.iter().map(|body| of("", body)).collect();
        seen.extend(["\"1\"", "\"2\"", "*", "W/\"1\"", "\"1\", \"2\""].map(|condition| of(condition, "{}")));
        for (n, one) in seen.iter().enumerate() {
            assert!(!seen[n + 1..].contains(one), "{n}");
        }
        assert_eq!(of("\"2\", \"1\"", "{}"), of("\"1\",\"2\"", "{}"));
    }
}
