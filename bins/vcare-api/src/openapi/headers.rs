//! The headers that answers carry, each described once.

use utoipa::Modify;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::{Object, OpenApi, Ref, RefOr, Response, Type};

/// Each with what it says, and whether that is a number.
const HEADERS: [(&str, &str, bool); 26] = [
    ("Accept-Patch", "The patches that are taken", false),
    ("Accept-Ranges", "`bytes`: a part may be asked for with `Range`", false),
    ("Allow", "The methods that the address takes", false),
    (
        "Branding-Logo",
        "`copied`, `not_fetched`, `not_a_picture` or `too_large`: whether patients see the logo that was named",
        false,
    ),
    ("Content-Disposition", "`attachment`, and a name that tells of nobody", false),
    ("Content-Range", "Which bytes these are, and how many there are in all", false),
    ("Content-Security-Policy", "Nothing in it may run or be fetched", false),
    ("Deprecation", "Since when it should not be used any more: `@` and seconds since 1970 (RFC 9745)", false),
    ("ETag", "The version, in quotes; of what was read with a digest of what was shown. See Conditions", false),
    ("Idempotency-Replayed", "`true`: answered before, under the same key; this is the answer of then", false),
    ("Link", "`<?…>; rel=\"next\"`: the next page, relative to this one; absent on the last one", false),
    ("Location", "Where it is", false),
    ("Mutation-Differs", "`true`: what was sent now is not what was sent then", false),
    ("Mutation-Replayed", "`true`: it arrived before; this is the answer of then", false),
    (
        "RateLimit",
        "What is left of the quota that was used up, and in how many seconds there is more: `\"short-codes\";r=0;t=12`",
        false,
    ),
    ("RateLimit-Policy", "The quota: how much within how many seconds: `\"short-codes\";q=10;w=60`", false),
    ("Retry-After", "After how many seconds to try again", true),
    ("Tus-Checksum-Algorithm", "What a checksum may be of", false),
    ("Tus-Extension", "The extensions", false),
    ("Tus-Max-Size", "The most bytes of an upload", true),
    ("Tus-Resumable", "The version of tus", false),
    ("Tus-Version", "The version of tus that is taken", false),
    ("Upload-Expires", "Until when its bytes are waited for; gone once it is whole", false),
    ("Upload-Length", "How many bytes it will have", true),
    ("Upload-Offset", "How many bytes are there for good", true),
    (
        "WWW-Authenticate",
        "How to sign in (RFC 6750): `Bearer` with the realm of the token, and `error` when one was sent",
        false,
    ),
];

/// Adds a header to an answer; how it is spelt is told by [`HEADERS`].
pub fn add(response: &mut Response, name: &str) {
    if let Some((name, ..)) = HEADERS.iter().find(|known| known.0.eq_ignore_ascii_case(name)) {
        response.headers.insert((*name).to_owned(), RefOr::Ref(Ref::new(format!("#/components/headers/{name}"))));
    }
}

/// Writes what each header says into the description: once, for all answers that name it.
pub struct Headers;

impl Modify for Headers {
    fn modify(&self, openapi: &mut OpenApi) {
        for (path, item) in &mut openapi.paths.paths {
            let speaks_tus = path.contains("/async-visits/uploads");
            for operation in super::operations(item) {
                for response in operation.responses.responses.values_mut() {
                    let RefOr::T(response) = response else { continue };
                    for name in response.headers.keys().cloned().collect::<Vec<_>>() {
                        add(response, &name);
                    }
                    if speaks_tus {
                        add(response, "Tus-Resumable");
                    }
                }
            }
        }
        let components = openapi.components.get_or_insert_default();
        for (name, says, number) in HEADERS {
            let schema = Object::with_type(if number { Type::Integer } else { Type::String });
            let header = HeaderBuilder::new().schema(Some(schema)).description(Some(says)).build();
            components.headers.insert(name.to_owned(), header.into());
        }
    }
}
