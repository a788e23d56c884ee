// The visits of docs/build-a-clinician-app.md and docs/build-your-own-patient-page.md, with their own code: openapi-fetch, and
// the types that openapi-typescript makes.
import assert from "node:assert/strict";
import { admit, answered, answerInWriting, end, plan, queue, Refused, signedIn } from "./build-a-clinician-app.js";
import { byLink, join, send, sendPhoto, tokenOf as tokenOfLink, waitForTurn } from "./build-your-own-patient-page.js";
import { origin, patient, photo, soon, talk, tokenOf, until } from "./sandbox.js";

const clinician = signedIn(origin, () => tokenOf("clinician"));
const patientsApp = signedIn(origin, () => tokenOf("patient"));
const page = byLink(origin);

// A whole visit: planned, joined by link, admitted while the page waits, ended.
const { sessionId, patientId, link } = await plan(clinician, patient, soon());
const token = tokenOfLink(link.joinUrl);
assert.equal(token, link.joinToken);
const joined = await join(page, token);
assert.equal(joined.destination, "waiting_room");
const turn = waitForTurn(page, token, () => {});
const room = await admit(clinician, sessionId, patientId);
assert.match(room, /^https:\/\//);
assert.match(await turn, /^https:\/\//);
await talk();
const ended = await end(clinician, sessionId);
assert.equal(ended.status, "ended");
const encounter = await until("the Encounter", async () => {
  const path = { sessionId };
  const visit = answered(await clinician.GET("/api/v1/virtual-care/sessions/{sessionId}", { params: { path } }));
  assert.equal(visit.audience, "treating");
  return visit.audience === "treating" ? (visit.encounterId ?? undefined) : undefined;
});

// What is refused is a problem, whose code the types know.
await assert.rejects(join(page, token), (error) => error instanceof Refused && error.problem.status === 409);
await assert.rejects(join(page, "no.to.ken"), (error) => error instanceof Refused && error.problem.code === "TOKEN_INVALID");

// A whole async visit: written, sent twice, with a photo, found in the queue, answered, closed.
const draft = { clientMutationId: crypto.randomUUID(), patientId: patient };
await sendPhoto(origin, tokenOf("patient"), draft, photo);
const asyncVisitId = await send(patientsApp, patient, draft.clientMutationId, "a cough since Monday");
assert.equal(await send(patientsApp, patient, draft.clientMutationId, "a cough since Monday"), asyncVisitId);
assert((await queue(clinician)).includes(asyncVisitId));
const attachment = await until("the photo", async () => {
  const path = { asyncVisitId };
  const list = answered(
    await patientsApp.GET("/api/v1/virtual-care/async-visits/{asyncVisitId}/attachments", { params: { path } }),
  );
  return list.items.find((one) => one.status !== "receiving" && one.status !== "checking");
});
assert.equal(attachment.status, "ready");
assert.deepEqual(await answerInWriting(clinician, asyncVisitId, "Drink, rest, and write again on Friday."), {
  complaint: "a cough since Monday",
  status: "closed",
});

console.log(`openapi-fetch: ${sessionId} with Encounter ${encounter}, ${asyncVisitId} closed`);
