//! What the API answered.

use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

impl Answer {
    pub async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap().to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Self { status, headers, bytes, body }
    }

    /// A header's text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The path below the base that `Location` names, which is relative to what was asked: to that path below the base.
    pub fn location(&self, asked: &str) -> String {
        let location = self.header("location");
        assert!(!location.is_empty() && !location.starts_with('/'), "{location}");
        Url::parse("http://vcare").unwrap().join(asked).unwrap().join(location).unwrap().path().to_owned()
    }

    /// Whether it is the answer to a HEAD: it says how long its body would be, and has none.
    pub fn is_of_head(&self) -> bool {
        self.bytes.is_empty() && !matches!(self.header("content-length"), "" | "0")
    }

    /// Asserts that an answer with a version says it in `ETag`, too: the one of what it shows, or the one of what was in the
    /// way.
    #[track_caller]
    pub fn must_carry_its_version(&self) {
        let told = self.body.get("version").or_else(|| self.body.get("currentVersion")).and_then(Value::as_u64);
        if let Some(version) = told {
            let etag = self.header("etag").trim_matches('"');
            assert_eq!(etag.split('-').next(), Some(&*version.to_string()), "{:?} {}", self.headers, self.body);
        }
    }

    /// A text of the body.
    pub fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_else(|| panic!("no text {name} in {}", self.body)).to_owned()
    }

    /// The same answer, if it has that status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// Asserts that it is a refusal: problem+json of that status and code, with all that every problem has.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        if self.is_of_head() {
            assert_eq!((self.status, self.header("content-type")), (status, "application/problem+json"));
            return self;
        }
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["type"], problem_type(code));
        assert_eq!(self.body["requestId"], self.header("x-request-id"));
        self
    }

    /// Asserts that it is 400 `VALIDATION_ERROR` naming that field.
    #[track_caller]
    pub fn names_field(self, field: &str) -> Self {
        let answer = self.refused(400, "VALIDATION_ERROR");
        let errors = answer.body["errors"].as_array().unwrap();
        assert!(errors.iter().any(|error| names(error, field)), "{field} is not named: {}", answer.body);
        answer
    }
}

/// The `type` of problems of that code.
pub fn problem_type(code: &str) -> String {
    format!("/api/v1/virtual-care/problems/{}", code.to_lowercase().replace('_', "-"))
}

/// Whether one of a problem's `errors` is about that field: a parameter, a header, or a field of the body by its path, as
/// `files[0].sha256`, or `body` for the whole.
pub fn names(error: &Value, field: &str) -> bool {
    let path = field.replace(['.', '['], "/").replace(']', "");
    let pointer = if field == "body" { String::new() } else { format!("/{path}") };
    error["pointer"] == pointer || error["parameter"] == field || error["header"] == field
}
