"""What schemathesis sends where the document cannot say it: bodies that are bytes and no JSON (pieces of an upload, what a link is
tried with, what is spoken), and what is somebody's own."""

import uuid

import schemathesis
from hypothesis import strategies

BYTES = strategies.binary(max_size=2048)

for media_type in ("application/offset+octet-stream", "application/octet-stream", "audio/*"):
    schemathesis.openapi.media_type(media_type, BYTES)


def whole(value):
    """10.0 is an integer for JSON Schema, and a number with a fraction for whoever reads it as one."""
    if isinstance(value, dict):
        return {name: whole(member) for name, member in value.items()}
    if isinstance(value, list):
        return [whole(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schemathesis.hook
def before_call(context, case, kwargs):
    """Of requests that are meant to be good: a key belongs to one request, and a cursor is what an answer gave."""
    # The HTTP client encodes headers as Latin-1; the API reads this one as UTF-8.
    reason = (case.headers or {}).get("X-Emergency-Reason")
    if reason:
        case.headers["X-Emergency-Reason"] = reason.encode("utf-8", "surrogatepass").decode("latin-1")
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # Schemathesis puts "0" into the headers of its first valid request when they have no example, and ignores their pattern.
    for name in ("If-Match", "If-None-Match", "X-Emergency-Reason", "X-Emergency-Reason-Code", "Upload-Checksum"):
        if (case.headers or {}).get(name) == "0":
            del case.headers[name]
    # This code says nothing by itself, which no schema of parameters can say.
    if (case.headers or {}).get("X-Emergency-Reason-Code") == "other" and not case.headers.get("X-Emergency-Reason"):
        del case.headers["X-Emergency-Reason-Code"]
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    if case.query:
        case.query.pop("cursor", None)
    if isinstance(case.body, (dict, list)):
        case.body = whole(case.body)
