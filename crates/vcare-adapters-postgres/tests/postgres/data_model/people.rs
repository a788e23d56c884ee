//! What each column tells of people, of which class that is, and with which key it is sealed. Every column stands here once: a new
//! one is thought about before it is merged. Tables of another schema than `public` are named with it: `schema.table`.

use super::classes::Class::{
    self, Account, Attachment, Audit, Care, ClinicalText, LinkData, MachineText, Names, Nothing,
};
use super::classes::Class::{Passing, Repeats, Waiting};
use super::classes::Key::{self, Master, Patient, Plain, Tenant, TenantNames, Visit};

/// Nothing of a person.
const NOTHING: &str = "";
/// Whoever may ask the chart finds the patient by it.
const LEADS: &str = "leads to the patient";
const ACCOUNT: &str = "an account";
/// A number drawn for one visit, which nobody outside knows.
const PSEUDONYM: &str = "a person, by a number of this visit";
const TIMES: &str = "when the patient was cared for";
const HEALTH: &str = "**health**, in people's own words";

/// Table, what its columns tell, of which class, sealed with which key, and which columns these are.
#[rustfmt::skip]
pub const TOLD: [(&str, &str, Class, Key, &str); 88] = [
    ("ai_draft", ACCOUNT, Account, Plain, "requested_by decided_by"),
    ("ai_draft", "**health**, sealed twice", MachineText, Visit, "sealed"),
    ("ai_draft", LEADS, Care, Plain, "note_id"),
    ("ai_draft", NOTHING, Nothing, Plain, "tenant_id id session_id model template transcript_hash draft_hash status delivery key_id
        decided_at content_hash human_edited delivered_at version created_at expires_at"),
    ("ai_transcription", TIMES, Audit, Plain, "first_at last_at"),
    ("ai_transcription", NOTHING, Nothing, Plain, "tenant_id session_id evidence model transcriptions untimed audio_ms reported"),
    ("async_upload", "the patient", Care, Plain, "patient_id"),
    ("async_upload", ACCOUNT, Account, Plain, "owner_id"),
    ("async_upload", "**health**: where the photo or the voice note is", Attachment, Plain, "content_key"),
    ("async_upload", "where its bytes are until they were checked", Attachment, Plain, "folder chunks"),
    ("async_upload", "whether it is a photo or a sound, and how long", Attachment, Plain, "length received content_type content_size"),
    ("async_upload", TIMES, Care, Plain, "created_at updated_at"),
    ("async_upload", NOTHING, Nothing, Plain, "tenant_id id client_mutation_id attachment_index kind writer state reason discarded_at
        expires_at due_at lease_token checks uploader"),
    ("async_visit", "the patient", Care, Plain, "patient_id"),
    ("async_visit", "the patient, by the record that Encounter and charge name", Care, Plain, "encounter_patient_id"),
    ("async_visit", LEADS, Care, Plain, "appointment_id encounter_id"),
    ("async_visit", ACCOUNT, Account, Plain, "submitted_by provider_id"),
    ("async_visit", "who acts for the patient, in the chart", Care, Plain, "related_person_id"),
    ("async_visit", HEALTH, ClinicalText, Visit, "sealed original_sealed"),
    ("async_visit", "a placeholder; **health**, in people's own words, where the version before wrote it", ClinicalText, Plain,
        "chief_complaint symptoms response_text original_body addenda"),
    ("async_visit", "when it was erased", Care, Plain, "erased_at"),
    ("async_visit", "**health**, as a code", ClinicalText, Plain, "complaint_code_system complaint_code complaint_code_display"),
    ("async_visit", "**health**: what was advised", ClinicalText, Plain, "follow_up"),
    ("async_visit", "the language the patient wrote in", Care, Plain, "locale"),
    ("async_visit", TIMES, Care, Plain, "authored_at submitted_at claimed_at responded_at closed_at"),
    ("async_visit", NOTHING, Nothing, Plain, "tenant_id id client_mutation_id content_hash node_id session_id attachments_expected status
        claimed_until encounter_status charged_at version updated_at authored_at_missing"),
    ("consent_evidence", "the patient, or a provider's account", Audit, Plain, "holder_id"),
    ("consent_evidence", "when they consented, and to what", Audit, Plain, "gate consent_id consent_version consented_at relied_on_at"),
    ("consent_evidence", NOTHING, Nothing, Plain, "tenant_id id visit holder_kind"),
    ("emergency_access", "the patient", Audit, Plain, "patient_id"),
    ("emergency_access", ACCOUNT, Audit, Plain, "user_id"),
    ("emergency_access", "**health**, in a clinician's words", Audit, Plain, "reason"),
    ("emergency_access", "why somebody had to know, as a code", Audit, Plain, "reason_code"),
    ("emergency_access", "when somebody had to know about the patient", Audit, Plain, "granted_at expires_at"),
    ("emergency_access", NOTHING, Nothing, Plain, "tenant_id id visit"),
    ("idempotency_key", "an account, or a person by a number of a visit", Repeats, Plain, "actor"),
    ("idempotency_key", "ids of people and notes of reasons, as in an answer; no token, no text of a draft", Repeats, Visit, "body"),
    ("idempotency_key", NOTHING, Nothing, Plain, "tenant_id key fingerprint status created_at key_hash record_id"),
    ("link_state", PSEUDONYM, LinkData, Plain, "participant_id"),
    ("link_state", "what their link carries", LinkData, Plain, "level better prefer"),
    ("link_state", NOTHING, Nothing, Plain, "tenant_id session_id counted_since changes"),
    ("kept_event", "ids of people, as in every event; no words", Passing, Plain, "body ordering_key"),
    ("kept_event", NOTHING, Nothing, Plain, "position tenant_id event_id subject created_at stream_sequence acknowledged_at"),
    ("outbox", "ids of people, as in every event; no words", Passing, Plain, "body ordering_key"),
    ("outbox", NOTHING, Nothing, Plain, "position tenant_id event_id subject created_at"),
    ("presence", PSEUDONYM, LinkData, Plain, "occupant participant_id"),
    ("presence", "when they were in the room", LinkData, Plain, "joined_at left_at"),
    ("presence", NOTHING, Nothing, Plain, "tenant_id session_id"),
    ("presence_lease", PSEUDONYM, Waiting, Plain, "participant_id"),
    ("presence_lease", "a name drawn for their device", Waiting, Plain, "device"),
    ("presence_lease", "when they were last there", Waiting, Plain, "heard_at expires_at"),
    ("presence_lease", NOTHING, Nothing, Plain, "tenant_id session_id promised"),
    ("retry_job", ACCOUNT, Account, Plain, "parked_by requeued_by"),
    ("retry_job", NOTHING, Nothing, Plain, "tenant_id session_id kind id state attempts due_at lease_token last_error correlation_id
        traceparent created_at parked_at requeued_at"),
    ("short_link", PSEUDONYM, Waiting, Plain, "participant_id"),
    ("short_link", NOTHING, Nothing, Plain, "tenant_id code_hash session_id token_version issued_at expires_at"),
    ("tenant_config", "may be a host's mail address", Account, Plain, "zoom_host_user"),
    ("tenant_config", NOTHING, Nothing, Plain, "tenant_id version jitsi_server_url jitsi_tenant jitsi_xmpp_domain jitsi_app_id
        jitsi_audience room_slug_prefix max_participants session_grace_minutes_before session_grace_minutes_after
        auto_end_minutes resume_minutes no_show_minutes
        time_zone updated_at video_backend jicofo_health_url prosody_url zoom_account_id branding_logo_url
        branding_primary_color clinic_name clinic_phone locale recording_policy recording_retention_days link_video_min_kbps
        link_audio_min_kbps link_max_rtt_ms link_max_loss_percent shared_room_slug_prefix"),
    ("tenant_key", NOTHING, Nothing, Plain, "tenant_id purpose current_version oldest_version updated_at"),
    ("tenant_logo", NOTHING, Nothing, Plain, "tenant_id source_url media_type bytes fetched_at"),
    ("tenant_secret", "no person; a secret, sealed", Nothing, Master, "sealed"),
    ("tenant_secret", NOTHING, Nothing, Plain, "tenant_id name version key_id created_at"),
    ("virtual_session", "who acts for the patient, in the chart", Care, Plain, "related_persons"),
    ("virtual_session", "the patient", Care, Plain, "patient_id"),
    ("virtual_session", "the patient, by the record that Encounter and charge name", Care, Plain, "encounter_patient_id"),
    ("virtual_session", LEADS, Care, Plain, "appointment_id encounter_id"),
    ("virtual_session", ACCOUNT, Account, Plain, "provider_id initiator_id messaging_requested_by"),
    ("virtual_session", "accounts, roles and times of everybody; why somebody was put out", Care, Plain, "participants"),
    ("virtual_session", "when everybody was in it", Care, Plain, "stays"),
    ("virtual_session", "the language each person reads; what they are called, where the version before wrote it", Names, TenantNames, "people"),
    ("virtual_session", "what each person's link carries", LinkData, Plain, "links"),
    ("virtual_session", "why it did not take place and why somebody was put out, as codes", Care, Plain,
        "cancel_code no_show_code removals"),
    ("virtual_session", "a clinician's words, what each person is called", ClinicalText, Visit, "sealed"),
    ("virtual_session", "a placeholder; a clinician's words, where the version before wrote them", ClinicalText, Plain,
        "cancel_reason end_reason messaging_reason"),
    ("virtual_session", "when it was erased", Care, Plain, "erased_at"),
    ("virtual_session", "leads to what was written", Care, Plain, "messaging_thread_id"),
    ("virtual_session", "leads to what was recorded", Care, Plain, "recording_ref further_recordings"),
    ("virtual_session", TIMES, Care, Plain, "scheduled_start scheduled_end delay_minutes started_at failed_at ended_at
        cancelled_at no_show_at segments"),
    ("virtual_session", "the name of a room that opens for tokens only", Care, Plain, "room_name room_url"),
    ("virtual_session", "consent to recording", Care, Plain, "recording_enabled recording_withdrawn_at"),
    ("virtual_session", NOTHING, Nothing, Plain, "tenant_id id node_id video_backend status time_zone encounter_status version created_at
        updated_at charged_at messaging_status end_cause"),
    ("vcare_keys.record_key", "the patient", Care, Plain, "patient_id"),
    ("vcare_keys.record_key", "no person; a key, wrapped by the patient's", Nothing, Patient, "wrapped"),
    ("vcare_keys.record_key", NOTHING, Nothing, Plain, "tenant_id record_id created_at"),
    ("vcare_keys.subject", "the patient", Audit, Plain, "patient_id"),
    ("vcare_keys.subject", "no person; a key, wrapped by the tenant's", Nothing, Tenant, "wrapped"),
    ("vcare_keys.subject", ACCOUNT, Audit, Plain, "held_by restricted_by erased_by"),
    ("vcare_keys.subject", NOTHING, Nothing, Plain, "tenant_id key_version created_at held_at restricted_at erased_at"),
];
