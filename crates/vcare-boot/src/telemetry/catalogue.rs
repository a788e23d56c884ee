//! Every metric: what it says of itself, and which series of it there are from the start.
//!
//! A counter that is born when it first counts has no increase then: an alert about its first event would never fire. So each
//! counter whose labels have few values shows all of them from the start, at 0.

use metrics::{Key, Label, Level, Metadata, with_recorder};

/// What a metric measures with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A label, and the values it has. Without any, they are too many to be shown from the start, though a closed set.
type Values = (&'static str, &'static [&'static str]);

/// A metric.
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) help: &'static str,
    pub(crate) labels: &'static [Values],
}

const fn counts(name: &'static str, help: &'static str, labels: &'static [Values]) -> Metric {
    Metric { name, kind: Kind::Counter, help, labels }
}

const fn shows(name: &'static str, help: &'static str, labels: &'static [Values]) -> Metric {
    Metric { name, kind: Kind::Gauge, help, labels }
}

const fn times(name: &'static str, help: &'static str, labels: &'static [Values]) -> Metric {
    Metric { name, kind: Kind::Histogram, help, labels }
}

const JOB_KINDS: &[&str] = &[
    "create_encounter",
    "create_async_encounter",
    "create_thread",
    "fail_lost_visit",
    "end_by_itself",
    "push_summary",
];
const NEIGHBOURS: &[&str] = &[
    "licence",
    "consent",
    "access",
    "fhir",
    "communication",
    "jitsi",
    "jicofo",
    "prosody",
    "zoom",
    "ai",
    "chart",
    "identity_provider",
    "collector",
    "logo",
];
const CALL_OUTCOMES: &[&str] = &[
    "ok",
    "unreachable",
    "timed_out",
    "malformed",
    "forbidden_address",
    "cut_short",
    "status_3xx",
    "status_4xx",
    "status_5xx",
    "status",
];

/// All of them, as docs/observability.md explains them.
pub(crate) const METRICS: &[Metric] = &[
    counts(
        "vcare_http_requests_total",
        "Requests answered by the API",
        &[("method", &[]), ("route", &[]), ("status", &[])],
    ),
    times("vcare_http_request_duration_seconds", "How long requests took", &[("method", &[]), ("route", &[])]),
    counts("vcare_http_refusals_total", "Requests refused, by the problem's code", &[("code", &[])]),
    counts(
        "vcare_gate_outcomes_total",
        "Gates asked before a visit, and before what a machine does in one",
        &[(
            "outcome",
            &[
                "passed",
                "not_licensed",
                "licence_unavailable",
                "consent_missing",
                "provider_consent_missing",
                "consent_unavailable",
                "recording_disabled",
                "video_unavailable",
                "video_quota_exceeded",
                "video_not_configured",
                "keys_unavailable",
            ],
        )],
    ),
    counts(
        "vcare_audit_entries_total",
        "Audit entries about reads and refusals",
        &[("outcome", &["success", "failure"])],
    ),
    counts(
        "vcare_request_ids_replaced_total",
        "Requests whose X-Request-Id was no UUID, ULID or trace id, and was replaced",
        &[],
    ),
    counts(
        "vcare_subject_erasures_total",
        "Orders to erase a patient, by what came of them",
        &[("outcome", &["erased", "already_erased", "restricted"])],
    ),
    counts(
        "vcare_encrypted_texts_unread_total",
        "Sessions that were read without their notes and names, because they could not be decrypted",
        &[],
    ),
    counts("vcare_emergency_accesses_total", "Emergency accesses that were opened", &[]),
    shows("vcare_backend_health_check_success", "1 when the video server asked last was up, 0 when not", &[]),
    counts(
        "vcare_neighbour_requests_total",
        "Calls to other services",
        &[("neighbour", NEIGHBOURS), ("outcome", CALL_OUTCOMES)],
    ),
    times("vcare_neighbour_request_duration_seconds", "How long calls to other services took", &[("neighbour", &[])]),
    counts(
        "vcare_kms_requests_total",
        "Requests to the keeper of the master keys",
        &[
            ("operation", &["derive", "seal", "open"]),
            ("outcome", &["ok", "denied", "throttled", "timed_out", "unavailable", "malformed", "not_openable"]),
        ],
    ),
    times(
        "vcare_kms_request_duration_seconds",
        "How long requests to the keeper of the master keys took",
        &[("operation", &[])],
    ),
    counts("vcare_kms_cache_total", "Looks into what is remembered of keys", &[("cache", &[]), ("outcome", &[])]),
    shows("vcare_waiting", "People whose long poll is open in this process", &[]),
    shows("vcare_connections_put_aside", "Connections that keep no buffers", &[("state", &[])]),
    counts(
        "vcare_long_polls_total",
        "Long polls by how they ended",
        &[("outcome", &["changed", "nothing", "full", "replaced", "stopping"])],
    ),
    counts("vcare_watch_failures_total", "Looks for other processes' changes that failed", &[]),
    counts("vcare_connections_lost_total", "People noted as disconnected because their device fell silent", &[]),
    counts(
        "vcare_rate_limited_total",
        "Requests refused because too many like them had failed",
        &[("limit", &["short_codes"])],
    ),
    counts("vcare_short_codes_unknown_total", "Short codes that opened nothing", &[]),
    counts(
        "vcare_room_reservations_total",
        "Prosody's questions whether a room may open",
        &[("outcome", &["opened", "refused"])],
    ),
    counts(
        "vcare_room_closes_total",
        "Rooms to be closed when their visit was over",
        &[("outcome", &["closed", "no_endpoint", "left_open", "failed"])],
    ),
    counts(
        "vcare_rooms_reaped_total",
        "Rooms at Zoom that belonged to no visit that goes on",
        &[("outcome", &["closed", "failed"])],
    ),
    counts("vcare_upload_bytes_total", "Bytes of uploads that were stored and counted", &[]),
    counts(
        "vcare_upload_checks_total",
        "Uploads that were checked, by what came of it",
        &[(
            "outcome",
            &[
                "ready",
                "unknown_type",
                "damaged",
                "too_many_pixels",
                "too_long",
                "not_a_picture",
                "active_content",
                "encrypted",
                "malware",
                "uncheckable",
                "lost",
                "scanner",
                "storage",
                "failed",
            ],
        )],
    ),
    shows("vcare_transfers", "Uploads and downloads going on in this process", &[("kind", &[])]),
    counts(
        "vcare_transfers_refused_total",
        "Uploads and downloads refused because too many went on",
        &[("kind", &["upload", "download"]), ("limit", &["account", "tenant", "all"])],
    ),
    counts("vcare_slow_readers_cut_total", "Connections cut because their client read too slowly", &[]),
    shows("vcare_uploads_unchecked", "Whole uploads that wait to be checked", &[]),
    shows("vcare_uploads_unchecked_oldest_age_seconds", "How long the oldest unchecked upload has waited", &[]),
    shows("vcare_failed_visits", "Failed visits that were neither resumed nor ended", &[]),
    shows("vcare_failed_visits_oldest_age_seconds", "How long ago the oldest of the failed visits failed", &[]),
    counts("vcare_uploads_forgotten_total", "Uploads given up or taken back whose bytes and row are gone", &[]),
    times(
        "vcare_storage_duration_seconds",
        "How long calls to the storage of attachments took",
        &[("storage", &[]), ("operation", &[]), ("outcome", &[])],
    ),
    times("vcare_scan_duration_seconds", "How long scans for malware took", &[("outcome", &[])]),
    counts(
        "vcare_display_names_missing_total",
        "People's names that were not stored or shown because the key store was down",
        &[("operation", &["seal", "open"])],
    ),
    counts(
        "vcare_tenant_logos_total",
        "Copies of tenants' logos, made when settings are changed",
        &[("outcome", &["ok", "not_fetched", "not_a_picture", "too_large"])],
    ),
    counts("vcare_connection_tests_total", "Connection tests", &[("outcome", &["healthy", "unhealthy"])]),
    counts(
        "vcare_encounter_attempts_total",
        "Recorded attempts to write an Encounter",
        &[("outcome", &["created", "later", "parked"])],
    ),
    counts(
        "vcare_ai_requests_total",
        "Requests to the AI gateway",
        &[
            ("task", &["transcribe", "summary"]),
            ("outcome", &["ok", "no_speech", "refused", "unavailable", "cut_short"]),
        ],
    ),
    counts(
        "vcare_ai_drafts_total",
        "What became of drafts",
        &[("event", &["drafted", "accepted", "declined", "expired", "delivered", "parked"])],
    ),
    counts("vcare_fhir_duplicate_encounters_total", "Visits of which the gateway had several Encounters", &[]),
    counts("vcare_fhir_merged_patients_total", "Encounters of patients whose record was merged into another one", &[]),
    shows("vcare_breaker_open", "1 while a dead neighbour is left alone", &[("neighbour", &[])]),
    counts("vcare_link_probes_total", "Links that were probed, by what was decided", &[("mode", &[]), ("reason", &[])]),
    counts(
        "vcare_job_attempts_total",
        "Attempts at durable work, those beside an answer included",
        &[("kind", JOB_KINDS), ("outcome", &["done", "later", "parked", "failed"])],
    ),
    shows("vcare_jobs_open", "Jobs that are open, of all tenants", &[("kind", JOB_KINDS)]),
    shows(
        "vcare_jobs_oldest_age_seconds",
        "For how long the oldest open job could have been done",
        &[("kind", JOB_KINDS)],
    ),
    shows("vcare_jobs_parked", "Jobs that are parked, of all tenants: somebody must decide", &[("kind", JOB_KINDS)]),
    shows(
        "vcare_jobs_parked_oldest_age_seconds",
        "How long ago the oldest parked job was stored",
        &[("kind", JOB_KINDS)],
    ),
    shows("vcare_outbox_leader", "1 in the process that publishes", &[]),
    shows("vcare_outbox_pending", "Events in the outbox; 0 in processes that do not lead", &[]),
    shows("vcare_outbox_oldest_age_seconds", "How long the oldest event in the outbox has waited", &[]),
    counts("vcare_outbox_published_total", "Events that the stream acknowledged", &[]),
    counts("vcare_outbox_publish_failures_total", "Attempts to publish that the stream did not acknowledge", &[]),
    counts(
        "vcare_outbox_put_back_total",
        "Events that the stream had acknowledged and lost, to be published again",
        &[],
    ),
    shows("vcare_nats_connected", "1 while there is a connection to NATS", &[]),
    counts("vcare_nats_disconnections_total", "Connections to NATS that were lost", &[]),
    counts("vcare_nats_errors_total", "Errors that the NATS server or client reported", &[]),
    times("vcare_nats_publish_duration_seconds", "How long a batch took to be published and acknowledged", &[]),
    counts(
        "vcare_messages_total",
        "Messages about threads that this worker received",
        &[(
            "outcome",
            &[
                "recorded",
                "repeated",
                "not_ours",
                "later",
                "set_aside",
                "set_aside_failed",
                "unknown_visit",
                "wrong_key",
                "wrong_patient",
                "not_initiated",
                "another_thread",
            ],
        )],
    ),
    shows("vcare_subscription_bound", "1 while this worker is subscribed to the communication-service's stream", &[]),
    times("vcare_transaction_duration_seconds", "How long transactions took", &[("name", &[]), ("outcome", &[])]),
    counts("vcare_transaction_retries_total", "Transactions run again after a lost race", &[("name", &[])]),
    times("vcare_pool_wait_seconds", "How long a database connection was waited for", &[]),
    counts("vcare_database_connect_errors_total", "Database connections that could not be made", &[]),
    shows("vcare_clock_difference_seconds", "How far this machine's clock is ahead of the database's", &[]),
    shows(
        "vcare_check_failed",
        "1 while what /health looks at is not well, as it was when that was asked last",
        &[("check", &["database", "nats", "clock", "storage"])],
    ),
    counts("vcare_traces_spans_total", "Finished spans", &[("outcome", &["sent", "lost", "dropped"])]),
];

/// Tells the process' recorder what all metrics mean, and shows each counter that can be shown from the start.
pub(super) fn begin() {
    const WHERE: Metadata<'_> = Metadata::new(module_path!(), Level::INFO, None);
    with_recorder(|recorder| {
        for metric in METRICS {
            let (name, help) = (metric.name.into(), metric.help.into());
            match metric.kind {
                Kind::Counter => recorder.describe_counter(name, None, help),
                Kind::Gauge => recorder.describe_gauge(name, None, help),
                Kind::Histogram => recorder.describe_histogram(name, None, help),
            }
            if metric.kind == Kind::Counter && metric.labels.iter().all(|(_, values)| !values.is_empty()) {
                for labels in combinations(metric.labels) {
                    let key = Key::from_parts(metric.name, labels);
                    recorder.register_counter(&key, &WHERE).absolute(0);
                }
            }
        }
    });
}

/// Each value of each label with each of the others.
fn combinations(labels: &[Values]) -> Vec<Vec<Label>> {
    labels.iter().fold(vec![Vec::new()], |begun, (name, values)| {
        let with = |one: &Vec<Label>, value: &'static str| {
            let mut one = one.clone();
            one.push(Label::from_static_parts(name, value));
            one
        };
        begun.iter().flat_map(|one| values.iter().map(move |value| with(one, value))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_a_label_comes_with_every_value_of_the_others() {
        let labels: &[Values] = &[("kind", &["a", "b"]), ("limit", &["x", "y", "z"])];
        assert_eq!(combinations(labels).len(), 6);
        assert_eq!(combinations(&[]), [Vec::new()]);
    }

    /// The page says in words what stands here: names, types, labels, and each value.
    #[test]
    fn the_page_tells_of_the_same_metrics() {
        let page = include_str!("../../../../docs/observability.md");
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `vcare_")).collect();
        assert_eq!(rows.len(), METRICS.len());
        for (row, metric) in rows.iter().zip(METRICS) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let labels: Vec<String> = metric.labels.iter().map(|(name, _)| format!("`{name}`")).collect();
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            assert_eq!(cells[1..4], [&format!("`{}`", metric.name), kind, &labels.join(", ")]);
            for value in metric.labels.iter().flat_map(|(_, values)| *values) {
                let told = rows.iter().any(|row| row.contains(&format!("`{value}`")));
                assert!(told, "{}: `{value}` is not on the page", metric.name);
            }
        }
    }
}
