"""Has the official Pact verifier hold this service to a consumer's pact.

verify.py http PACT API STATES    asks the API at that address; STATES is where provider states are asked for
verify.py messages PACT SAMPLES   holds what we publish, as the samples in that folder show, to what a subscriber reads

Ends with 1 when the pact is not kept. What the verifier says is printed by itself.
"""

import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

# The verifier tells an analytics service of each run, but for this.
os.environ["PACT_DO_NOT_TRACK"] = "true"

from pact import Verifier  # noqa: E402

PROVIDER = "virtual-care-service"


def over_http(pact, api, states):
    verifier = Verifier(PROVIDER, urlsplit(api).hostname).add_transport(url=api)
    return verifier.state_handler(states, body=True, teardown=True)


def messages(pact, samples):
    """A message is looked for by its description, which the pact has, and so its subject."""
    subjects = {one["description"]: one["metaData"]["subject"] for one in json.loads(Path(pact).read_text())["messages"]}

    def publish(*, name, metadata):
        subject = subjects[name]
        contents = Path(samples, f"{subject}.sample.json").read_bytes()
        return {"contents": contents, "metadata": {"subject": subject}, "content_type": "application/json"}

    return Verifier(PROVIDER).message_handler(publish)


def main(kind, pact, *arguments):
    verifier = {"http": over_http, "messages": messages}[kind](pact, *arguments)
    verifier.add_source(pact).set_coloured_output(enabled=False).set_request_timeout(30_000)
    try:
        verifier.verify()
    except RuntimeError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
