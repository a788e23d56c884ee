//! What events, logs, spans and metrics tell of people, by field. A field of an event stands here once, whichever events have it.

use super::classes::Class::{self, Account, Audit, Care, LinkData, Nothing};

/// Class and the fields of events that have it, as paths in the JSON: `[]` is each item of a list, `.*` each value of a map.
pub const EVENT_FIELDS: [(Class, &str); 5] = [
    (
        Care,
        "data.actualEnd data.actualStart data.addedAt data.appointmentId data.asyncVisitId data.attachmentsExpected
         data.authoredAt data.claimedAt data.claimedUntil data.consentWithdrawnAt data.durationSeconds data.encounterId
         data.encounterStatus data.endCause data.endedAt data.erasedAt data.expectedAt data.facilityId data.followUp data.mediaMode
         data.messagingThreadId data.minutes data.occurredAt data.participantId data.participantIds[] data.participantStatus
         data.patientId data.previousEnd data.previousMode data.previousStart data.providers[].seconds data.reasonCode
         data.recordingEnabled data.recordingRef data.recordingRefs[] data.respondedAt data.role data.scheduledEnd
         data.scheduledStart data.secondsPerMode.audio data.secondsPerMode.message data.secondsPerMode.video data.sessionId
         data.sessionStatus data.startedAt data.status data.submittedAt data.timeZone data.visitId data.withdrawnAt time",
    ),
    (LinkData, "data.capKbps data.cause data.mode"),
    (
        Audit,
        "data.accessId data.action data.eventType data.expiresAt data.grantedAt data.metadata.* data.outcome data.resourceId
         data.resourceIds[] data.resourceType",
    ),
    (
        Account,
        "actorid data.actorId data.actorType data.initiatorId data.providerId data.providers[].id data.requestedBy
         data.submittedBy data.treatingProviderIds[]",
    ),
    (
        Nothing,
        "correlationid data.changedFields[] data.clientMutationId data.idempotencyKey data.number data.tokenVersion
         data.version data.videoBackend datacontenttype id source specversion subject tenantid traceparent type",
    ),
];

/// Class and the fields of log lines and spans that have it. A name with a dot is a span's alone.
pub const LOG_FIELDS: [(Class, &str); 3] = [
    // Ids of visits: they lead to a patient only who may read the database or ask the service.
    (Care, "session_id async_visit_id draft_id upload visit identifier"),
    // A hash: the same account in a tenant is always the same, and no account can be read from it.
    (Account, "actor_id_hash"),
    (
        Nothing,
        "address call.outcome closed code count db.system.name ended error events expired extra fault forgotten
         http.request.method http.response.status_code http.route job.attempts jobs key_id keys kind kms.operation log_schema_version lost
         message messaging.destination.name messaging.message.id messaging.system method name neighbour otel.kind
         otel.status_code outcome place purpose reason request_id route seconds secret sequence service severity signal status
         stream target tenant_id timestamp took_ms trace.own trace.parent trace_id transaction version visits what",
    ),
];

/// The labels of metrics. Their values are closed sets that stand in the code, so that none of them is of a person.
pub const METRIC_LABELS: [(Class, &str); 1] = [(
    Nothing,
    "cache check code event kind limit method mode name neighbour operation outcome reason route state status storage task",
)];
