"""Bodies that are bytes and no JSON: pieces of an upload, what a link is tried with, what is spoken."""

import schemathesis
from hypothesis import strategies

BYTES = strategies.binary(max_size=2048)

for media_type in ("application/offset+octet-stream", "application/octet-stream", "audio/*"):
    schemathesis.openapi.media_type(media_type, BYTES)
