"""The same visits with the client that openapi-python-client generates."""

import json
import os
import time
import uuid
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

from virtual_care.api.async_visits import (
    claim_async_visit,
    close_async_visit,
    list_async_visits,
    get_async_visit,
    respond_async_visit,
    submit_async_visit,
)
from virtual_care.api.patients import get_waiting_room_status, join_session
from virtual_care.api.sessions import admit_participant, create_session, end_session, issue_join_token, get_session
from virtual_care.client import AuthenticatedClient, Client
from virtual_care.models import (
    ClaimRequest,
    CreateSessionRequest,
    EndRequest,
    JoinRequest,
    JoinTokenRequest,
    AsyncVisitPatient,
    Problem,
    RespondRequest,
    SubmitAsyncVisitRequest,
    VersionRequest,
    VirtualSessionTreating,
)

with open(os.environ["VCARE_SANDBOX"], encoding="utf-8") as file:
    FACTS = json.load(file)
API = urlsplit(FACTS["api"])
ORIGIN = f"{API.scheme}://{API.netloc}"
TOKENS = FACTS["tenants"][0]["tokens"]
PATIENT = FACTS["patients"]["consented"]

clinician = AuthenticatedClient(ORIGIN, TOKENS["clinician"], raise_on_unexpected_status=True)
patients_app = AuthenticatedClient(ORIGIN, TOKENS["patient"], raise_on_unexpected_status=True)
page = Client(ORIGIN, raise_on_unexpected_status=True)


def twice(ask):
    """Asks twice under one key, as if the first answer had been lost."""
    key = str(uuid.uuid4())
    first, second = ask(key), ask(key)
    assert first == second, (first, second)
    return first


def until(what, ask):
    """Waits for the thing itself, with a deadline."""
    deadline = time.monotonic() + 60
    while (answer := ask()) is None:
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.05)
    return answer


# A whole visit.
start = datetime.now(timezone.utc) + timedelta(minutes=5)
wish = CreateSessionRequest(patient_id=PATIENT, scheduled_start=start)
visit = twice(lambda key: create_session.sync(client=clinician, body=wish, idempotency_key=key))
assert isinstance(visit, VirtualSessionTreating), visit
participant = next(one.id for one in visit.participants if one.role == "patient")
link = twice(
    lambda key: issue_join_token.sync(
        visit.id, participant, client=clinician, body=JoinTokenRequest(), idempotency_key=key
    )
)
joined = join_session.sync(client=page, body=JoinRequest(token=link.join_token))
assert joined.destination == "waiting_room", joined
standing = get_waiting_room_status.sync(client=page, token=link.join_token)
assert standing.participant_status == "waiting", standing
admission = admit_participant.sync(visit.id, participant, client=clinician, body=VersionRequest())
assert admission.video_join_url.startswith("https://"), admission
joined = join_session.sync(client=page, body=JoinRequest(token=link.join_token))
assert joined.destination == "direct_join", joined
time.sleep(1.1)  # a visit of no length is none, and lengths are whole seconds
ended = twice(lambda key: end_session.sync(visit.id, client=clinician, body=EndRequest(), idempotency_key=key))
assert ended.status == "ended", ended
encounter = until("the Encounter", lambda: get_session.sync(visit.id, client=clinician).encounter_id)

# What is refused is a problem.
refused = join_session.sync(client=page, body=JoinRequest(token=link.join_token))
assert isinstance(refused, Problem) and refused.code == "INVALID_STATUS_TRANSITION", refused

# A whole async visit.
draft = SubmitAsyncVisitRequest(
    client_mutation_id=str(uuid.uuid4()), patient_id=PATIENT, chief_complaint="a fever", authored_at=start
)
submitted = submit_async_visit.sync(client=patients_app, body=draft)
assert submitted == submit_async_visit.sync(client=patients_app, body=draft)
waiting = list_async_visits.sync(client=clinician, claimable=True)
assert submitted.id in [one.id for one in waiting.items], waiting
claimed = claim_async_visit.sync(submitted.id, client=clinician, body=ClaimRequest(lease_minutes=30))
assert claimed.status == "under_review", claimed
answer = RespondRequest(response_text="Drink a lot.", follow_up="live_visit")
twice(lambda key: respond_async_visit.sync(submitted.id, client=clinician, body=answer, idempotency_key=key))
seen = get_async_visit.sync(submitted.id, client=patients_app)
assert isinstance(seen, AsyncVisitPatient) and seen.response_text == "Drink a lot.", seen
closed = twice(
    lambda key: close_async_visit.sync(submitted.id, client=clinician, body=VersionRequest(), idempotency_key=key)
)
assert closed.status == "closed", closed

print(f"openapi-python-client: {visit.id} with Encounter {encounter}, {closed.id} closed")
