//! The operations that the API's description names: what is tried on every route is tried on the next one too.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use vcare_api::answer::BASE;

use crate::support::{INTERNAL_TOKEN, audio, draft};
use crate::uploads::attachment;

/// The id of a visit without a live link that nobody submitted.
pub const NO_ASYNC_VISIT: &str = "avs_01KA8Z0Q3CJ9XW2V5T7N4B6M8T";

/// One operation of the OpenAPI document.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its `operationId`.
    pub id: String,
    pub method: Method,
    /// As `TestApp::request` takes it, with `{sessionId}` and `{participantId}` still in it.
    pub template: String,
    /// It takes a JSON object.
    pub takes_body: bool,
    /// It takes a merge patch.
    pub takes_patch: bool,
    /// It takes audio.
    pub takes_audio: bool,
    /// It wants an access token, and nothing else will do.
    pub signed_in: bool,
    /// It is for the deployment's own servers.
    pub internal: bool,
    /// It takes a version, in `If-Match` and in its body.
    pub versioned: bool,
}

/// The OpenAPI document, with what its operations refer to in the place of the reference.
pub fn resolved_document() -> Value {
    let mut document = serde_json::to_value(vcare_api::openapi::document()).unwrap();
    let components = document["components"].clone();
    let resolve = |one: &mut Value| {
        if let Some(pointer) = one["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/components")) {
            *one = components.pointer(pointer).unwrap().clone();
        }
    };
    for item in document["paths"].as_object_mut().unwrap().values_mut() {
        for operation in item.as_object_mut().unwrap().values_mut() {
            operation["parameters"].as_array_mut().into_iter().flatten().for_each(resolve);
            operation["responses"].as_object_mut().unwrap().values_mut().for_each(resolve);
        }
    }
    document
}

/// All of them.
pub fn operations() -> Vec<Operation> {
    let document = resolved_document();
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap();
        methods.iter().map(move |(method, operation)| Operation::of(path, method, operation))
    });
    all.collect()
}

/// Those that want an access token.
pub fn signed_in() -> impl Iterator<Item = Operation> {
    operations().into_iter().filter(|operation| operation.signed_in)
}

impl Operation {
    fn of(path: &str, method: &str, operation: &Value) -> Self {
        let body = &operation["requestBody"];
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let security = operation["security"].as_array().map(Vec::as_slice).unwrap_or_default();
        Self {
            id: operation["operationId"].as_str().unwrap().to_owned(),
            method: method.to_uppercase().parse().unwrap(),
            template: path.strip_prefix(BASE).map_or_else(|| format!("/{path}"), str::to_owned),
            // In JSON; bytes are tried in `uploads`.
            takes_body: !body["content"]["application/json"].is_null(),
            takes_patch: !body["content"]["application/merge-patch+json"].is_null(),
            takes_audio: !body["content"]["audio/*"].is_null(),
            signed_in: !security.is_empty() && security.iter().all(|scheme| scheme.get("accessToken").is_some()),
            internal: security.iter().any(|scheme| scheme.get("internalToken").is_some()),
            versioned: parameters.iter().any(|parameter| parameter["name"] == "If-Match"),
        }
    }

    /// It is sent on poor links, and takes no body of more than a few hundred bytes.
    pub fn takes_only_short_bodies(&self) -> bool {
        matches!(self.id.as_str(), "submitLinkProbe" | "submitLinkProbeByToken")
    }

    /// It is about one visit.
    pub fn of_a_session(&self) -> bool {
        self.template.contains("{sessionId}")
    }

    /// It is about one person's part in a visit.
    pub fn of_a_participant(&self) -> bool {
        self.template.contains("{participantId}")
    }

    /// Its path for that visit and that person.
    pub fn path(&self, session: &str, participant: &str) -> String {
        self.template
            .replace("{sessionId}", session)
            .replace("{participantId}", participant)
            .replace("{asyncVisitId}", NO_ASYNC_VISIT)
            .replace("{conferenceId}", "nothing")
            .replace("{uploadId}", "upl_01KA8Z0Q3CJ9XW2V5T7N4B6M8R")
    }

    /// A token that opens it: the signed-in caller's, or the deployment's.
    pub fn opened_by<'t>(&self, token: &'t str) -> &'t str {
        if self.internal { INTERNAL_TOKEN } else { token }
    }

    /// It is about what machines make of a visit: there must be something to make it of.
    pub fn wants_a_begun_visit(&self) -> bool {
        self.template.contains("/ai/") || self.id == "startMessageFallback"
    }

    /// A request that it takes, as far as a request can tell.
    pub fn fill(&self, request: RequestBuilder, wish: &Value) -> RequestBuilder {
        let request = self.conditional(request);
        let bytes = |request: RequestBuilder| {
            request.header("Upload-Offset", "0").header("Content-Type", "application/offset+octet-stream").body("x")
        };
        match (self.id.as_str(), self.good_body_or_none(wish)) {
            ("createUpload", _) => {
                request.header("Upload-Length", "1").header("Upload-Metadata", attachment("0", "original"))
            }
            ("appendToUpload", _) => bytes(request),
            ("overrideUploadMethod", _) => bytes(request.header("X-HTTP-Method-Override", "PATCH")),
            (_, Some(body)) => request.header("Content-Type", self.json()).body(body.to_string()),
            (_, None) if self.takes_audio => request.header("Content-Type", "audio/webm").body(audio(200)),
            (_, None) => request,
        }
    }

    /// The request with the condition that it must have, if it must.
    pub fn conditional(&self, request: RequestBuilder) -> RequestBuilder {
        if matches!(self.id.as_str(), "updateConfig" | "patchConfig") {
            request.header("If-Match", "*")
        } else {
            request
        }
    }

    /// The media type of its body.
    pub fn json(&self) -> &'static str {
        if self.takes_patch { "application/merge-patch+json" } else { "application/json" }
    }

    /// A body that it takes, when it takes one.
    pub fn good_body_or_none(&self, wish: &Value) -> Option<Value> {
        (self.takes_body || self.takes_patch).then(|| self.good_body(wish))
    }

    /// A body that it takes; that of creating a visit is told by `wish`.
    pub fn good_body(&self, wish: &Value) -> Value {
        match self.id.as_str() {
            "createSession" => wish.clone(),
            "submitAsyncVisit" => draft(),
            "syncAsyncVisits" => json!({"drafts": [draft()]}),
            "continueSessionAsync" => {
                let mut draft = draft();
                for field in ["patientId", "appointmentId"] {
                    draft.as_object_mut().unwrap().remove(field);
                }
                draft
            }
            "claimAsyncVisit" | "releaseAsyncVisit" | "closeAsyncVisit" => json!({}),
            "addAddendum" => json!({"text": "no milk"}),
            "respondAsyncVisit" => json!({"responseText": "rest"}),
            "inviteParticipant" => json!({"role": "observer"}),
            "removeParticipant" | "cancelSession" => json!({"reason": "the patient asked for it"}),
            "joinSession" | "cancelSessionByToken" => json!({"token": "a.b.c"}),
            "announceDelayByToken" => json!({"token": "a.b.c", "minutes": 10}),
            "announceDelay" => json!({"minutes": 10}),
            "rescheduleSession" => {
                json!({"scheduledStart": wish["scheduledStart"], "timeZone": "Asia/Tehran", "allowOverlap": true})
            }
            "reportConnectionByToken" | "reportConnection" => json!({"state": "alive"}),
            "getClinic" => json!({"token": "a.b.c"}),
            "resolveShortLink" => json!({"code": "0123456789abcdefghijkl"}),
            "issueJoinToken"
            | "joinSessionAsProvider"
            | "admitParticipant"
            | "endSession"
            | "markNoShow"
            | "withdrawRecordingConsent"
            | "startMessageFallback" => json!({}),
            "submitLinkProbe" | "submitLinkProbeByToken" => {
                json!({"rttMs": 120, "lossPercent": 0.5, "upKbps": 300, "downKbps": 300})
            }
            "reportOccupantJoined" | "reportOccupantLeft" => {
                json!({"room_name": "kabul-nosuchrm", "occupant": {"occupant_jid": "a@b/c", "joined_at": 1, "left_at": 2}})
            }
            "reportRoomCreated" | "reportRoomDestroyed" => json!({"room_name": "kabul-nosuchrm"}),
            "reportRecording" => json!({"room": "kabul-nosuchrm", "files": []}),
            "reserveConference" => json!({}),
            "createSummaryDraft" => json!({"transcript": "The cough is better."}),
            "acceptSummary" => json!({"draftId": "drf_01KA8Z0Q3CJ9XW2V5T7N4B6M8T", "accepted": false}),
            "updateConfig" | "patchConfig" => json!({"maxParticipants": 7}),
            id => panic!("say here what {id} takes"),
        }
    }
}
