//! The front page: all of it, to be copied.

use super::exchange::Answer;
use super::office::Office;

pub(super) fn front(office: &Office) -> Answer {
    let text = TEXT.replace("{base}", &office.base_url).replace("{jitsi}", &office.jitsi_url);
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>vcare stand-ins</title>\n<pre>\n{text}</pre></html>\n"
    );
    Answer::html(200, page)
}

const TEXT: &str = r#"Stand-ins for the neighbours of the virtual care service. Everything is in memory and gone at the end, unless they were
given a folder: then Encounters, consents and relations are kept in it.

Who is here
  licence         GET  {base}/internal/identity/tenants/TENANT/modules/TELEMED-VC
  consent         POST {base}/internal/access/consents/evaluate
  access          POST {base}/internal/access/evaluate
  fhir            {base}/fhir/R4/Encounter  (POST with If-None-Exist, GET, search by identifier)
  communication   POST {base}/v1/communication/threads; with a NATS server it also subscribes to our events
  chart           POST {base}/v1/clinical-notes, POST {base}/v1/clinical-notes/NOTE/ai-accepted
  ai              POST {base}/api/v1/ai/audio/transcriptions, POST {base}/api/v1/ai/completions
  identity        GET  {base}/realms/ghasi/.well-known/openid-configuration
  jitsi           {jitsi}  (TLS; trust its authority, or use curl -k)
  prosody         POST {base}/prosody/end-meeting?conference=ROOM@muc.meet.jitsi, GET {base}/prosody/room-size
  jicofo          GET  {base}/jicofo/about/health
  collector       POST {base}/v1/traces  (OTLP, protobuf)
  zoom            POST {base}/zoom/oauth/token, {base}/zoom/v2/users/me/meetings, {base}/zoom/v2/meetings/ID

How they behave: up, down (answers "status", 503 unless told), slow (answers well after "latencyMs", 10000 unless told),
wrong (answers 200 with something else). "latencyMs" works with each of them.
  curl -X PUT {base}/_control/fhir -d '{"mode":"down"}'
  curl -X PUT {base}/_control/fhir -d '{"mode":"down","status":500,"latencyMs":300}'
  curl -X PUT {base}/_control/jitsi -d '{"mode":"slow","latencyMs":5000}'
  curl -X PUT {base}/_control/consent -d '{"mode":"wrong"}'
  curl -X PUT {base}/_control/fhir -d '{"mode":"up"}'
  curl {base}/_control

What they were asked: the last thousand requests of each
  curl {base}/_control/fhir/requests
  curl -X DELETE {base}/_control/fhir/requests

Licences: active, suspended, expired, none. A tenant of whom nothing was said has an active one.
  curl -X PUT {base}/_control/licence/tenants/TENANT -d '{"status":"suspended"}'

Consents: what is left out is not granted. A patient of whom nothing was said has granted nothing.
  curl -X PUT {base}/_control/consent/providers/ACCOUNT -d '{"aiTranscription":true}'
  curl -X PUT {base}/_control/consent/patients/PATIENT -d '{"telehealth":true,"recording":true,"aiTranscription":true}'

Relations: who has a patient in their care, and who acts for a patient. There are none until it is said; null ends one.
  curl -X PUT {base}/_control/access/assigned/ACCOUNT/PATIENT -d '{"assigned":true}'
  curl -X PUT {base}/_control/access/proxies/ACCOUNT/PATIENT -d '{"relatedPersonId":"rp-1"}'
Its answers name the tenant that was asked about, or always that one:
  curl -X PUT {base}/_control/access/answers -d '{"tenantId":"another"}'

Encounters
  curl {base}/fhir/R4/Encounter
"#;
