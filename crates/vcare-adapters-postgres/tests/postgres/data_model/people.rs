//! What each column tells of people. Every column stands here once: a new one is thought about before it is merged.

/// Nothing of a person.
const NOTHING: &str = "";
/// Whoever may ask the chart finds the patient by it.
const LEADS: &str = "leads to the patient";
const ACCOUNT: &str = "an account";
/// A number drawn for one visit, which nobody outside knows.
const PSEUDONYM: &str = "a person, by a number of this visit";
const TIMES: &str = "when the patient was cared for";
const HEALTH: &str = "**health**, in people's own words";

/// Table, what its columns tell, and which columns tell that.
#[rustfmt::skip]
pub const TOLD: [(&str, &str, &str); 75] = [
    ("ai_draft", ACCOUNT, "requested_by decided_by"),
    ("ai_draft", "**health**, sealed", "sealed"),
    ("ai_draft", LEADS, "note_id"),
    ("ai_draft", NOTHING, "tenant_id id session_id model template transcript_hash draft_hash status delivery key_id
        decided_at content_hash human_edited delivered_at version created_at expires_at"),
    ("ai_transcription", TIMES, "first_at last_at"),
    ("ai_transcription", NOTHING, "tenant_id session_id evidence model transcriptions untimed audio_ms reported"),
    ("async_upload", "the patient", "patient_id"),
    ("async_upload", ACCOUNT, "owner_id"),
    ("async_upload", "**health**: where the photo or the voice note is", "content_key"),
    ("async_upload", "where its bytes are until they were checked", "folder chunks"),
    ("async_upload", "whether it is a photo or a sound, and how long", "length received content_type content_size"),
    ("async_upload", TIMES, "created_at updated_at"),
    ("async_upload", NOTHING, "tenant_id id client_mutation_id attachment_index kind writer state reason discarded_at
        expires_at due_at lease_token checks uploader"),
    ("async_visit", "the patient", "patient_id"),
    ("async_visit", "the patient, by the record that Encounter and charge name", "encounter_patient_id"),
    ("async_visit", LEADS, "appointment_id encounter_id"),
    ("async_visit", ACCOUNT, "submitted_by provider_id"),
    ("async_visit", "who acts for the patient, in the chart", "related_person_id"),
    ("async_visit", HEALTH, "chief_complaint symptoms response_text original_body addenda"),
    ("async_visit", "**health**, as a code", "complaint_code_system complaint_code complaint_code_display"),
    ("async_visit", "**health**: what was advised", "follow_up"),
    ("async_visit", "the language the patient wrote in", "locale"),
    ("async_visit", TIMES, "authored_at submitted_at claimed_at responded_at closed_at"),
    ("async_visit", NOTHING, "tenant_id id client_mutation_id content_hash node_id session_id attachments_expected status
        claimed_until encounter_status charged_at version updated_at authored_at_missing"),
    ("consent_evidence", "the patient, or a provider's account", "holder_id"),
    ("consent_evidence", "when they consented, and to what", "gate consent_id consent_version consented_at relied_on_at"),
    ("consent_evidence", NOTHING, "tenant_id id visit holder_kind"),
    ("emergency_access", "the patient", "patient_id"),
    ("emergency_access", ACCOUNT, "user_id"),
    ("emergency_access", "**health**, in a clinician's words", "reason"),
    ("emergency_access", "why somebody had to know, as a code", "reason_code"),
    ("emergency_access", "when somebody had to know about the patient", "granted_at expires_at"),
    ("emergency_access", NOTHING, "tenant_id id visit"),
    ("idempotency_key", "an account, or a person by a number of a visit", "actor"),
    ("idempotency_key", "ids of people and notes of reasons, as in an answer; no token, no text of a draft", "body"),
    ("idempotency_key", NOTHING, "tenant_id key fingerprint status created_at key_hash"),
    ("link_state", PSEUDONYM, "participant_id"),
    ("link_state", "what their link carries", "level better prefer"),
    ("link_state", NOTHING, "tenant_id session_id counted_since changes"),
    ("kept_event", "ids of people, as in every event; no words", "body ordering_key"),
    ("kept_event", NOTHING, "position tenant_id event_id subject created_at stream_sequence acknowledged_at"),
    ("outbox", "ids of people, as in every event; no words", "body ordering_key"),
    ("outbox", NOTHING, "position tenant_id event_id subject created_at"),
    ("presence", PSEUDONYM, "occupant participant_id"),
    ("presence", "when they were in the room", "joined_at left_at"),
    ("presence", NOTHING, "tenant_id session_id"),
    ("presence_lease", PSEUDONYM, "participant_id"),
    ("presence_lease", "a name drawn for their device", "device"),
    ("presence_lease", "when they were last there", "heard_at expires_at"),
    ("presence_lease", NOTHING, "tenant_id session_id promised"),
    ("retry_job", ACCOUNT, "parked_by requeued_by"),
    ("retry_job", NOTHING, "tenant_id session_id kind id state attempts due_at lease_token last_error correlation_id
        traceparent created_at parked_at requeued_at"),
    ("short_link", PSEUDONYM, "participant_id"),
    ("short_link", NOTHING, "tenant_id code_hash session_id token_version issued_at expires_at"),
    ("tenant_config", "may be a host's mail address", "zoom_host_user"),
    ("tenant_config", NOTHING, "tenant_id version jitsi_server_url jitsi_tenant jitsi_xmpp_domain jitsi_app_id
        jitsi_audience room_slug_prefix max_participants session_grace_minutes_before session_grace_minutes_after
        auto_end_minutes resume_minutes no_show_minutes
        time_zone updated_at video_backend jicofo_health_url prosody_url zoom_account_id branding_logo_url
        branding_primary_color clinic_name clinic_phone locale recording_policy recording_retention_days link_video_min_kbps
        link_audio_min_kbps link_max_rtt_ms link_max_loss_percent shared_room_slug_prefix"),
    ("tenant_key", NOTHING, "tenant_id purpose current_version oldest_version updated_at"),
    ("tenant_logo", NOTHING, "tenant_id source_url media_type bytes fetched_at"),
    ("tenant_secret", "no person; a secret, sealed", "sealed"),
    ("tenant_secret", NOTHING, "tenant_id name version key_id created_at"),
    ("virtual_session", "who acts for the patient, in the chart", "related_persons"),
    ("virtual_session", "the patient", "patient_id"),
    ("virtual_session", "the patient, by the record that Encounter and charge name", "encounter_patient_id"),
    ("virtual_session", LEADS, "appointment_id encounter_id"),
    ("virtual_session", ACCOUNT, "provider_id initiator_id messaging_requested_by"),
    ("virtual_session", "accounts, roles and times of everybody; why somebody was put out", "participants"),
    ("virtual_session", "when everybody was in it", "stays"),
    ("virtual_session", "what each person is called, sealed; the language they read", "people"),
    ("virtual_session", "what each person's link carries", "links"),
    ("virtual_session", "why it did not take place and why somebody was put out, as codes", "cancel_code no_show_code removals"),
    ("virtual_session", "a clinician's words", "cancel_reason end_reason messaging_reason"),
    ("virtual_session", "leads to what was written", "messaging_thread_id"),
    ("virtual_session", "leads to what was recorded", "recording_ref further_recordings"),
    ("virtual_session", TIMES, "scheduled_start scheduled_end delay_minutes started_at failed_at ended_at
        cancelled_at no_show_at segments"),
    ("virtual_session", "the name of a room that opens for tokens only", "room_name room_url"),
    ("virtual_session", "consent to recording", "recording_enabled recording_withdrawn_at"),
    ("virtual_session", NOTHING, "tenant_id id node_id video_backend status time_zone encounter_status version created_at
        updated_at charged_at messaging_status end_cause"),
];
