//! Every answer that a test receives is one that the OpenAPI document tells of.

use std::sync::LazyLock;

use reqwest::Method;
use serde_json::Value;
use vcare_api::problem::PROBLEM_JSON;

use super::Answer;
use crate::described::resolved_document;

static DOCUMENT: LazyLock<Value> = LazyLock::new(resolved_document);

/// Where a code is written down, so that it stands in the document.
const WHERE: &str = "bins/vcare-api/src/openapi/refusals.rs; then: just contracts";

/// On whatever is answered, and so described by none: they are of the frame, not of the operation.
const OF_THE_FRAME: [&str; 17] = [
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "referrer-policy",
    "transfer-encoding",
    "vary",
    "x-content-type-options",
    "x-request-id",
];

/// Fails unless the answer to that method and path is described: its status, its problem's code, its headers.
pub fn must_be_described(method: &Method, path: &str, answer: &Answer) {
    let said = undescribed(method, path, answer);
    assert!(said.is_none(), "{}", said.unwrap_or_default());
}

fn undescribed(method: &Method, path: &str, answer: &Answer) -> Option<String> {
    let status = answer.status;
    let code = answer.body["code"].as_str().filter(|_| answer.header("content-type") == PROBLEM_JSON);
    let Some((template, item)) = item(path) else {
        return code
            .filter(|code| !elsewhere(code))
            .map(|code| format!("{method} {path}, which is not described: {code}"));
    };
    let Some(operation) = item.get(method.as_str().to_lowercase()) else {
        // Who may call is asked first, and the same for every method of a path.
        let known = |code: &str| elsewhere(code) || item.to_string().contains(&format!("/examples/{code}\""));
        return code
            .filter(|code| !known(code))
            .map(|code| format!("{method} {template}, which is not described: {code}"));
    };
    let what = format!("{method} {template} ({})", operation["operationId"].as_str().unwrap_or_default());
    let response = &operation["responses"][status.to_string()];
    if response.is_null() {
        let code = code.unwrap_or("no code");
        return Some(format!("{what}: {status} with {code} is not described. Say so in {WHERE}"));
    }
    if let Some(code) = code
        && response["content"][PROBLEM_JSON]["examples"].get(code).is_none()
    {
        return Some(format!(
            "{what}: {status} is described, but not with {code}. Add it to the operation's line in {WHERE}"
        ));
    }
    let headers =
        answer.headers.keys().map(reqwest::header::HeaderName::as_str).filter(|name| !OF_THE_FRAME.contains(name));
    let told = |name: &str| {
        response["headers"].as_object().is_some_and(|told| told.keys().any(|known| known.eq_ignore_ascii_case(name)))
    };
    let untold: Vec<&str> = headers.filter(|name| !told(name)).collect();
    (!untold.is_empty()).then(|| {
        format!("{what}: {status} carries {untold:?}, not described. Name them in the route's `headers(…)`; then: just contracts")
    })
}

/// Answered where there is no operation.
fn elsewhere(code: &str) -> bool {
    let answers = ["NothingHere", "OtherMethod"].map(|name| &DOCUMENT["components"]["responses"][name]);
    answers.into_iter().any(|answer| answer["content"][PROBLEM_JSON]["examples"].get(code).is_some())
}

/// The described path that a path is one of; of two the one that says more of it.
fn item(path: &str) -> Option<(&'static str, &'static Value)> {
    let fits = |template: &str| {
        let (mut parts, mut given) = (template.split('/'), path.split('/'));
        loop {
            match (parts.next(), given.next()) {
                (None, None) => return true,
                (Some(part), Some(given)) if part.starts_with('{') && !given.is_empty() || part == given => {}
                _ => return false,
            }
        }
    };
    let all = DOCUMENT["paths"].as_object().unwrap().iter();
    all.filter(|(template, _)| fits(template))
        .min_by_key(|(template, _)| template.matches('{').count())
        .map(|(template, item)| (template.as_str(), item))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    fn answered(status: u16, code: &str, more: &'static str) -> Answer {
        let mut headers =
            HeaderMap::from_iter([("content-type".parse().unwrap(), HeaderValue::from_static(PROBLEM_JSON))]);
        if !more.is_empty() {
            headers.insert(HeaderName::from_static(more), HeaderValue::from_static("1"));
        }
        Answer { status, headers, bytes: Vec::new(), body: json!({"code": code}) }
    }

    #[test]
    fn an_answer_that_is_not_described_is_named_with_its_operation_status_and_code() {
        let path = "/api/v1/virtual-care/sessions/vsn_1/end";
        let said = |status, code, header| undescribed(&Method::POST, path, &answered(status, code, header));
        assert_eq!(said(409, "CONCURRENT_UPDATE", ""), None);
        assert_eq!(said(503, "SERVICE_UNAVAILABLE", "retry-after"), None);
        let operation = "POST /api/v1/virtual-care/sessions/{sessionId}/end (endSession)";
        for (status, code, header, wrong) in [
            (409, "PROVIDERS_SIGN_IN", "", "409 is described, but not with PROVIDERS_SIGN_IN"),
            (418, "TEAPOT", "", "418 with TEAPOT is not described"),
            (409, "CONCURRENT_UPDATE", "x-new", "409 carries [\"x-new\"], not described"),
        ] {
            let said = said(status, code, header).unwrap();
            assert!(said.starts_with(&format!("{operation}: {wrong}")), "{said}");
        }
    }

    #[test]
    fn a_path_is_the_one_that_says_most_of_it() {
        assert_eq!(item("/api/v1/virtual-care/sessions/join").unwrap().0, "/api/v1/virtual-care/sessions/join");
        assert_eq!(item("/api/v1/virtual-care/sessions/x").unwrap().0, "/api/v1/virtual-care/sessions/{sessionId}");
        assert!(item("/api/v1/virtual-care/sessions/").is_none() && item("/nothing").is_none());
    }
}
