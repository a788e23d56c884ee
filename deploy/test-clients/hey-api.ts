// The same visits with the client that hey-api generates.
import assert from "node:assert/strict";
import { createClient, createConfig } from "./generated/hey-api/client/index.js";
import * as api from "./generated/hey-api/index.js";
import { origin, patient, soon, talk, tokenOf, until } from "./sandbox.js";

const as = (auth: string) => createClient(createConfig({ baseUrl: origin, auth, throwOnError: true }));
const clinician = as(tokenOf("clinician"));
const patientsApp = as(tokenOf("patient"));
const page = createClient(createConfig({ baseUrl: origin }));

// Every request that changes something is sent twice under one key, as if the first answer had been lost.
async function twice<T>(ask: (headers: { "Idempotency-Key": string }) => Promise<T>): Promise<T> {
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const [first, second] = [await ask(headers), await ask(headers)];
  assert.deepEqual(second, first);
  return first;
}

// A whole visit.
const visit = await twice(async (headers) => {
  const body = { patientId: patient, scheduledStart: soon().toISOString().replace(/\d\d\.\d{3}Z$/, "00.000Z") };
  return (await api.createSession({ client: clinician, headers, body, throwOnError: true })).data;
});
assert.equal(visit.audience, "treating");
assert(visit.audience === "treating");
const participant = visit.participants.find((one) => one.role === "patient");
assert(participant);
const path = { sessionId: visit.id, participantId: participant.id };
const link = await twice(async (headers) => {
  return (await api.issueJoinToken({ client: clinician, headers, path, throwOnError: true })).data;
});
const joined = await api.joinSession({ client: page, body: { token: link.joinToken }, throwOnError: true });
assert.equal(joined.data.destination, "waiting_room");
const standing = await api.getWaitingRoomStatus({ client: as(link.joinToken), throwOnError: true });
assert.equal(standing.data?.participantStatus, "waiting");
await twice(async (headers) => {
  const { data } = await api.admitParticipant({ client: clinician, headers, path, throwOnError: true });
  // Kept answers have no tokens: each one is given a new token.
  const { videoJoinUrl, ...kept } = data;
  assert.match(videoJoinUrl ?? "", /^https:\/\//);
  return kept;
});
const again = await api.joinSession({ client: page, body: { token: link.joinToken }, throwOnError: true });
assert.equal(again.data.destination, "direct_join");
await talk();
const ended = await twice(async (headers) => {
  return (await api.endSession({ client: clinician, headers, path, throwOnError: true })).data;
});
assert.equal(ended.status, "ended");
const encounter = await until("the Encounter", async () => {
  const { data } = await api.getSession({ client: clinician, path, throwOnError: true });
  return data.audience === "treating" ? (data.encounterId ?? undefined) : undefined;
});

// What is refused is a problem.
const refused = await api.joinSession({ client: page, body: { token: link.joinToken } });
assert.equal(refused.response?.status, 409);
assert.equal(refused.error?.code, "INVALID_STATUS_TRANSITION");

// A whole async visit.
const body = { clientMutationId: crypto.randomUUID(), patientId: patient, chiefComplaint: "a rash" };
const submitted = await api.submitAsyncVisit({ client: patientsApp, body, throwOnError: true });
const one = { asyncVisitId: submitted.data.id };
const waiting = await api.listAsyncVisits({ client: clinician, query: { claimable: true }, throwOnError: true });
assert(waiting.data.items.some((item) => item.id === submitted.data.id));
const claimed = await api.claimAsyncVisit({ client: clinician, path: one, throwOnError: true });
assert.equal(claimed.data.status, "under_review");
await twice(async (headers) => {
  const answer = { responseText: "A cream, twice a day.", followUp: "in_person" } as const;
  return (await api.respondAsyncVisit({ client: clinician, headers, path: one, body: answer, throwOnError: true })).data;
});
const seen = await api.getAsyncVisit({ client: patientsApp, path: one, throwOnError: true });
assert(seen.data.audience === "patient");
assert.equal(seen.data.responseText, "A cream, twice a day.");
const closed = await twice(async (headers) => {
  return (await api.closeAsyncVisit({ client: clinician, headers, path: one, throwOnError: true })).data;
});
assert.equal(closed.status, "closed");

console.log(`hey-api: ${visit.id} with Encounter ${encounter}, ${closed.id} closed`);
