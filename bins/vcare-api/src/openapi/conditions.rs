//! `If-Match`, `If-None-Match` and `Idempotency-Key`, described once for all operations that take them.

use utoipa::Modify;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::{OpenApi, RefOr, Response};

use super::headers;

/// What is so for all operations, said once.
const FOR_ALL: &str = "\n\n**Conditions** (RFC 9110, 13.1). Answers with a `version` carry it as `ETag`: `\"3\"`, and of what was \
    read with a digest of what was shown, `\"3-5f1c0a92b4d7e683\"`. `If-Match` takes both, also a list, of which any will do, and \
    `*`. It is compared strongly: a weak tag, `W/\"3\"`, matches nothing. When nothing matches, the answer is 409 \
    `OPTIMISTIC_LOCK_CONFLICT` with `currentVersion`, and its `ETag`. `If-None-Match` with the `ETag` of a read is answered 304, \
    without a body, while the same would be shown. Settings are changed with `If-Match`, or not at all: 428.\n\n\
    **Idempotency**. An `Idempotency-Key` stands for one request for 48 hours: of one tenant and one account, whatever the \
    operation. The same method, path, body and `If-Match` under it are answered as the first time, with its `ETag` and \
    `Location` and with `Idempotency-Replayed: true`; the order of names, blanks, and how numbers are written make no \
    difference. Anything else under it is 422 `IDEMPOTENCY_KEY_REUSED`. Refusals are not kept. Bare or in quotes (`\"abc\"`), it is \
    one key. It is kept as a hash; draw it at random, as a UUID.";

/// What `If-Match` takes.
const IF_MATCH: &str = "as in `ETag`: `\"3\"`, a list, or `*`; see Conditions";

/// What `If-None-Match` takes of who reads.
const IF_NONE_MATCH: &str = "The `ETag` of what the caller has: 304 while it is the same";

/// What a key is.
const KEY: &str = "`abc` or `\"abc\"`, for 48 hours; see Idempotency";

/// What an operation says of itself goes in front of what is so for all.
fn describe(parameter: &mut Parameter, for_all: &str) {
    let own = parameter.description.take().filter(|own| !own.is_empty());
    parameter.description = Some(own.map_or_else(|| for_all.to_owned(), |own| format!("{own}, {for_all}")));
}

/// Describes the conditions that an operation takes, and the answer to the one of who reads.
fn conditions(operation: &mut Operation, reads: bool) {
    let mut may_be_known = false;
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        match parameter.name.as_str() {
            "If-Match" => describe(parameter, IF_MATCH),
            "If-None-Match" if reads => {
                describe(parameter, IF_NONE_MATCH);
                may_be_known = true;
            }
            // Those that keep nothing under it say so.
            "Idempotency-Key" if !parameter.description.iter().any(|own| own.starts_with("Accepted")) => {
                describe(parameter, KEY);
            }
            _ => {}
        }
    }
    if may_be_known {
        let mut known = Response::new("The caller has it already");
        headers::add(&mut known, "ETag");
        operation.responses.responses.insert("304".to_owned(), known.into());
    }
}

/// Writes what the conditions are into the description.
pub struct Conditions;

impl Modify for Conditions {
    fn modify(&self, openapi: &mut OpenApi) {
        openapi.info.description.get_or_insert_default().push_str(FOR_ALL);
        for item in openapi.paths.paths.values_mut() {
            let read = [&mut item.get, &mut item.head];
            read.into_iter().flatten().for_each(|operation| conditions(operation, true));
            let change = [&mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
            change.into_iter().flatten().for_each(|operation| conditions(operation, false));
        }
    }
}
