//! The tables as the migrations make them; a test compares both.

diesel::table! {
    tenant_config (tenant_id) {
        tenant_id -> Text,
        version -> Int4,
        jitsi_server_url -> Nullable<Text>,
        jitsi_tenant -> Nullable<Text>,
        jitsi_xmpp_domain -> Text,
        jitsi_app_id -> Text,
        jitsi_audience -> Text,
        room_slug_prefix -> Text,
        max_participants -> Int4,
        session_grace_minutes_before -> Int4,
        session_grace_minutes_after -> Int4,
        time_zone -> Text,
        updated_at -> Timestamptz,
        video_backend -> Text,
        jicofo_health_url -> Nullable<Text>,
        prosody_url -> Nullable<Text>,
        zoom_account_id -> Nullable<Text>,
        zoom_host_user -> Text,
        branding_logo_url -> Nullable<Text>,
        branding_primary_color -> Nullable<Text>,
        locale -> Text,
        recording_policy -> Text,
        recording_retention_days -> Int4,
        link_video_min_kbps -> Int4,
        link_audio_min_kbps -> Int4,
        link_max_rtt_ms -> Int4,
        link_max_loss_percent -> Int4,
        shared_room_slug_prefix -> Nullable<Text>,
        clinic_name -> Nullable<Text>,
        clinic_phone -> Nullable<Text>,
        auto_end_minutes -> Int4,
        resume_minutes -> Int4,
        no_show_minutes -> Int4,
    }
}

diesel::table! {
    virtual_session (tenant_id, id) {
        tenant_id -> Text,
        id -> Uuid,
        node_id -> Nullable<Text>,
        patient_id -> Text,
        appointment_id -> Nullable<Text>,
        provider_id -> Nullable<Text>,
        initiator_id -> Text,
        video_backend -> Text,
        room_name -> Text,
        room_url -> Text,
        status -> Text,
        scheduled_start -> Timestamptz,
        scheduled_end -> Timestamptz,
        time_zone -> Text,
        recording_enabled -> Bool,
        recording_ref -> Nullable<Text>,
        messaging_thread_id -> Nullable<Text>,
        started_at -> Nullable<Timestamptz>,
        failed_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        cancelled_at -> Nullable<Timestamptz>,
        cancel_reason -> Nullable<Text>,
        encounter_status -> Nullable<Text>,
        encounter_id -> Nullable<Text>,
        participants -> Jsonb,
        segments -> Jsonb,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        charged_at -> Nullable<Timestamptz>,
        recording_withdrawn_at -> Nullable<Timestamptz>,
        further_recordings -> Array<Text>,
        links -> Jsonb,
        messaging_status -> Nullable<Text>,
        messaging_requested_by -> Nullable<Text>,
        related_persons -> Jsonb,
        encounter_patient_id -> Nullable<Text>,
        messaging_reason -> Nullable<Text>,
        people -> Jsonb,
        stays -> Jsonb,
        end_cause -> Nullable<Text>,
        end_reason -> Nullable<Text>,
        no_show_at -> Nullable<Timestamptz>,
        delay_minutes -> Nullable<Int2>,
        cancel_code -> Nullable<Text>,
        no_show_code -> Nullable<Text>,
        removals -> Jsonb,
        sealed -> Nullable<Bytea>,
        erased_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    async_visit (tenant_id, id) {
        tenant_id -> Text,
        id -> Uuid,
        client_mutation_id -> Uuid,
        content_hash -> Bytea,
        original_body -> Bytea,
        node_id -> Nullable<Text>,
        patient_id -> Text,
        appointment_id -> Nullable<Text>,
        session_id -> Nullable<Uuid>,
        submitted_by -> Text,
        chief_complaint -> Text,
        symptoms -> Array<Text>,
        locale -> Nullable<Text>,
        attachments_expected -> Int2,
        authored_at -> Timestamptz,
        submitted_at -> Timestamptz,
        status -> Text,
        provider_id -> Nullable<Text>,
        claimed_at -> Nullable<Timestamptz>,
        claimed_until -> Nullable<Timestamptz>,
        response_text -> Nullable<Text>,
        follow_up -> Nullable<Text>,
        responded_at -> Nullable<Timestamptz>,
        closed_at -> Nullable<Timestamptz>,
        encounter_status -> Nullable<Text>,
        encounter_id -> Nullable<Text>,
        charged_at -> Nullable<Timestamptz>,
        version -> Int4,
        updated_at -> Timestamptz,
        related_person_id -> Nullable<Text>,
        authored_at_missing -> Bool,
        complaint_code_system -> Nullable<Text>,
        complaint_code -> Nullable<Text>,
        complaint_code_display -> Nullable<Text>,
        addenda -> Jsonb,
        encounter_patient_id -> Nullable<Text>,
        sealed -> Nullable<Bytea>,
        original_sealed -> Nullable<Bytea>,
        erased_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    presence (tenant_id, session_id, occupant) {
        tenant_id -> Text,
        session_id -> Uuid,
        occupant -> Text,
        participant_id -> Uuid,
        joined_at -> Nullable<Timestamptz>,
        left_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    link_state (tenant_id, session_id, participant_id) {
        tenant_id -> Text,
        session_id -> Uuid,
        participant_id -> Uuid,
        level -> Text,
        better -> Nullable<Text>,
        prefer -> Nullable<Text>,
        counted_since -> Timestamptz,
        changes -> Int4,
    }
}

diesel::table! {
    presence_lease (tenant_id, session_id, participant_id) {
        tenant_id -> Text,
        session_id -> Uuid,
        participant_id -> Uuid,
        device -> Nullable<Text>,
        heard_at -> Timestamptz,
        expires_at -> Timestamptz,
        promised -> Bool,
    }
}

diesel::table! {
    short_link (tenant_id, code_hash) {
        tenant_id -> Text,
        code_hash -> Bytea,
        session_id -> Uuid,
        participant_id -> Uuid,
        token_version -> Int4,
        issued_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    idempotency_key (tenant_id, actor, key) {
        tenant_id -> Text,
        actor -> Text,
        key -> Text,
        fingerprint -> Bytea,
        status -> Int2,
        body -> Bytea,
        created_at -> Timestamptz,
        key_hash -> Nullable<Bytea>,
        record_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    kept_event (position) {
        position -> Int8,
        tenant_id -> Text,
        event_id -> Uuid,
        subject -> Text,
        ordering_key -> Text,
        body -> Bytea,
        created_at -> Timestamptz,
        stream_sequence -> Int8,
        acknowledged_at -> Timestamptz,
    }
}

diesel::table! {
    outbox (position) {
        position -> Int8,
        tenant_id -> Text,
        event_id -> Uuid,
        subject -> Text,
        ordering_key -> Text,
        body -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    retry_job (tenant_id, session_id, kind) {
        tenant_id -> Text,
        session_id -> Uuid,
        kind -> Text,
        id -> Uuid,
        state -> Text,
        attempts -> Int4,
        due_at -> Timestamptz,
        lease_token -> Nullable<Uuid>,
        last_error -> Nullable<Text>,
        correlation_id -> Text,
        traceparent -> Text,
        created_at -> Timestamptz,
        parked_at -> Nullable<Timestamptz>,
        parked_by -> Nullable<Text>,
        requeued_at -> Nullable<Timestamptz>,
        requeued_by -> Nullable<Text>,
    }
}

diesel::table! {
    ai_draft (tenant_id, id) {
        tenant_id -> Text,
        id -> Uuid,
        session_id -> Uuid,
        requested_by -> Text,
        model -> Text,
        template -> Text,
        transcript_hash -> Bytea,
        draft_hash -> Bytea,
        status -> Text,
        delivery -> Nullable<Text>,
        key_id -> Nullable<Text>,
        sealed -> Nullable<Bytea>,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamptz>,
        content_hash -> Nullable<Bytea>,
        human_edited -> Nullable<Bool>,
        note_id -> Nullable<Text>,
        delivered_at -> Nullable<Timestamptz>,
        version -> Int4,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    tenant_secret (tenant_id, name) {
        tenant_id -> Text,
        name -> Text,
        version -> Int4,
        key_id -> Text,
        sealed -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    tenant_logo (tenant_id) {
        tenant_id -> Text,
        source_url -> Text,
        media_type -> Text,
        bytes -> Bytea,
        fetched_at -> Timestamptz,
    }
}

diesel::table! {
    tenant_key (tenant_id, purpose) {
        tenant_id -> Text,
        purpose -> Text,
        current_version -> Int4,
        oldest_version -> Int4,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    async_upload (tenant_id, id) {
        tenant_id -> Text,
        id -> Uuid,
        owner_id -> Text,
        patient_id -> Text,
        client_mutation_id -> Uuid,
        attachment_index -> Int2,
        kind -> Text,
        length -> Int4,
        received -> Int4,
        folder -> Text,
        chunks -> Array<Text>,
        writer -> Nullable<Uuid>,
        state -> Text,
        reason -> Nullable<Text>,
        content_key -> Nullable<Text>,
        content_type -> Nullable<Text>,
        content_size -> Nullable<Int4>,
        discarded_at -> Nullable<Timestamptz>,
        expires_at -> Timestamptz,
        due_at -> Nullable<Timestamptz>,
        lease_token -> Nullable<Uuid>,
        checks -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        uploader -> Nullable<Text>,
    }
}

diesel::table! {
    ai_transcription (tenant_id, session_id, evidence, model) {
        tenant_id -> Text,
        session_id -> Uuid,
        evidence -> Int8,
        model -> Text,
        transcriptions -> Int4,
        untimed -> Int4,
        audio_ms -> Int8,
        reported -> Int4,
        first_at -> Timestamptz,
        last_at -> Timestamptz,
    }
}

diesel::table! {
    consent_evidence (tenant_id, id) {
        tenant_id -> Text,
        id -> Int8,
        visit -> Text,
        gate -> Text,
        holder_kind -> Text,
        holder_id -> Text,
        consent_id -> Nullable<Text>,
        consent_version -> Nullable<Text>,
        consented_at -> Nullable<Timestamptz>,
        relied_on_at -> Timestamptz,
    }
}

diesel::table! {
    emergency_access (tenant_id, id) {
        tenant_id -> Text,
        id -> Uuid,
        user_id -> Text,
        patient_id -> Text,
        reason -> Text,
        visit -> Nullable<Text>,
        granted_at -> Timestamptz,
        expires_at -> Timestamptz,
        reason_code -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    tenant_config,
    virtual_session,
    async_visit,
    presence_lease,
    idempotency_key,
    retry_job
);
