//! The forms of the headers and parameters that many operations take, so that a client can check them before it sends them.

use utoipa::Modify;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::{OpenApi, RefOr, Schema};

/// The pattern of each, as narrow as a client should write it; what RFC 9110 allows beside it is taken, too.
const PATTERNS: [(&str, &str); 6] = [
    // `*`, or entity tags with commas between them.
    ("If-Match", r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#),
    ("If-None-Match", r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#),
    // Bare, or a string of RFC 9651.
    ("Idempotency-Key", r#"^([!#-~][!-~]*|"([!#-\[\]-~]|\\["\\])+")$"#),
    // One line; neither control characters nor marks that turn the direction of what follows.
    (
        "X-Emergency-Reason",
        r"^[^\s\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]([^\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*[^\s\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069])?$",
    ),
    // 20 or 32 bytes in base64.
    ("Upload-Checksum", "^(sha1 [A-Za-z0-9+/]{26}[AEIMQUYcgkosw048]=|sha256 [A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$"),
    ("X-HTTP-Method-Override", "^(PATCH|DELETE)$"),
];

/// Gives a parameter its pattern, unless its operation has a narrower one.
fn describe(parameter: &mut Parameter) {
    let Some((_, pattern)) = PATTERNS.iter().find(|(name, _)| *name == parameter.name) else { return };
    if let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema {
        schema.pattern.get_or_insert_with(|| (*pattern).to_owned());
    }
}

/// Writes the forms of headers into the description.
pub struct RequestHeaders;

impl Modify for RequestHeaders {
    fn modify(&self, openapi: &mut OpenApi) {
        for item in openapi.paths.paths.values_mut() {
            for operation in super::operations(item) {
                for parameter in operation.parameters.iter_mut().flatten() {
                    if let RefOr::T(parameter) = parameter {
                        describe(parameter);
                    }
                }
            }
        }
    }
}
