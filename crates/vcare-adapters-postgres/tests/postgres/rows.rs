//! What is stored is what was meant.

use time::{Duration, OffsetDateTime};
use vcare_app::ports::{Logo, Reads, StoredLogo};
use vcare_domain::{
    AppointmentId, Change, EncounterId, EncounterRecord, Fallback, LinkLevel, LinkState, LinkUse, Locale, MediaMode,
    MediaType, NodeId, Outcome, ParticipantStatus, PatientId, Profile, Reason, RecordingRef, SealedName, SegmentCause,
    SessionState, SessionStatus, TenantConfig, TenantConfigDraft, ThreadId, ThreadRecord, Version, VideoBackend,
    VirtualSession,
};

use crate::support::{Bench, HERAT, KABUL, PATIENCE, PROVIDER, applied, patient_of, tenant, user};

async fn reads_back(bench: &Bench, visit: &VirtualSession, what: &str) {
    let read = bench.read(visit).await.unwrap().unwrap();
    assert_eq!(read.parts(), visit.parts(), "{what}");
    let mut tx = bench.begin(visit.parts().tenant_id.as_str()).await;
    let locked = tx.sessions().find(visit.parts().id).await.unwrap().unwrap();
    assert_eq!(locked.parts(), visit.parts(), "{what}");
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn a_visit_in_any_state_reads_back_as_it_was_written() {
    let bench = Bench::start().await;
    for status in SessionStatus::ALL {
        let visit = bench.saved(KABUL, status).await;
        assert_eq!(visit.status(), status);
        reads_back(&bench, &visit, status.as_str()).await;
    }
}

#[tokio::test]
async fn a_visit_reads_back_after_each_step_of_its_life() {
    let bench = Bench::start().await;
    let mut visit = bench.saved(KABUL, SessionStatus::Active).await;
    let patient = patient_of(&visit);
    let at = |minutes: i64| bench.now() + Duration::minutes(minutes);
    let by = |minutes: i64| Change { by: user(PROVIDER), at: at(minutes), expected: None };
    let mut steps = 0;
    let mut step = async |visit: &mut VirtualSession, what: &str, outcome: Result<Outcome, _>| {
        applied(outcome);
        bench.save(KABUL, visit).await;
        reads_back(&bench, visit, what).await;
        steps += 1;
    };
    let outcome = visit.change_media_mode(MediaMode::Audio, SegmentCause::LinkDegraded, at(3));
    step(&mut visit, "audio", outcome).await;
    let outcome = visit.disconnect(patient, at(4), Duration::MINUTE);
    step(&mut visit, "disconnected", outcome).await;
    let outcome = visit.join(patient, 1, PATIENCE.resume, at(5));
    step(&mut visit, "back", outcome).await;
    let outcome = visit.change_media_mode(MediaMode::Message, SegmentCause::Chosen, at(6));
    step(&mut visit, "messages", outcome).await;
    let outcome = visit.disconnect(patient, at(7), Duration::MINUTE);
    step(&mut visit, "lost", outcome).await;
    let outcome = visit.fail(Duration::MINUTE, at(8));
    step(&mut visit, "failed", outcome).await;
    let outcome = visit.end(None, &by(9));
    step(&mut visit, "ended after failing", outcome).await;
    let outcome = visit.park_encounter(at(10));
    step(&mut visit, "parked", outcome).await;
    let outcome = visit.repoint_encounter(PatientId::parse("pat-stayed").unwrap(), at(10));
    step(&mut visit, "repointed", outcome).await;
    let outcome = visit.record_encounter(EncounterId::parse("enc-1").unwrap(), at(11));
    step(&mut visit, "recorded", outcome).await;
    assert_eq!(steps, 10);
    assert_eq!(visit.parts().state.encounter(), Some(&EncounterRecord::Created(EncounterId::parse("enc-1").unwrap())));
}

#[tokio::test]
async fn every_field_reads_back_whether_it_is_there_or_not() {
    let bench = Bench::start().await;
    let full = {
        let mut parts = bench.visit(KABUL, SessionStatus::Ended).parts().clone();
        parts.node_id = Some(NodeId::parse("ward-3").unwrap());
        parts.appointment_id = Some(AppointmentId::parse("appt-9").unwrap());
        parts
    };
    // Written once and never changed: by the first save only.
    let new = vcare_domain::NewSession {
        id: full.id,
        tenant_id: full.tenant_id,
        node_id: full.node_id,
        patient_id: full.patient_id,
        patient_participant_id: full.participants[0].id,
        appointment_id: full.appointment_id,
        provider: None,
        initiator_id: full.initiator_id,
        video_backend: full.video_backend,
        room: full.room,
        schedule: full.schedule,
        recording_enabled: true,
    };
    let mut visit = VirtualSession::create(new, bench.now());
    bench.save(KABUL, &mut visit).await;
    reads_back(&bench, &visit, "a node and an appointment, and no provider").await;

    let mut parts = visit.parts().clone();
    parts.recordings = ["tenant/rec-1.mp4", "tenant/rec-2.mp4"].map(|key| RecordingRef::parse(key).unwrap()).to_vec();
    let thread = ThreadRecord::Created(ThreadId::parse("thr-1").unwrap());
    parts.fallback =
        Some(Fallback { requested_by: user(PROVIDER), reason: Some(crate::support::prose("a bad line")), thread });
    parts.participants[0].link = Some(LinkUse { mode: MediaMode::Audio, cap_kbps: 30 });
    (parts.recording_enabled, parts.recording_withdrawn_at) = (false, Some(bench.now()));
    parts.provider_id = Some(user("dr-amiri|local:7@kabul"));
    let mut visit = VirtualSession::restore(parts);
    bench.save(KABUL, &mut visit).await;
    reads_back(&bench, &visit, "recordings, a withdrawn consent, a thread, and a provider").await;

    let mut parts = visit.parts().clone();
    (parts.recording_withdrawn_at, parts.fallback, parts.provider_id) = (None, None, None);
    parts.participants[0].link = None;
    parts.recordings.clear();
    let mut visit = VirtualSession::restore(parts);
    bench.save(KABUL, &mut visit).await;
    reads_back(&bench, &visit, "none of them any more").await;
}

#[tokio::test]
async fn every_state_of_a_person_and_an_ended_visit_without_encounter_read_back() {
    let bench = Bench::start().await;
    let visit = bench.saved(KABUL, SessionStatus::Waiting).await;
    let at = bench.now() + Duration::milliseconds(7);
    let reason = Reason::noted(crate::support::prose("ژبه\tand a tab"));
    use vcare_domain::ParticipantState as State;
    let states = [
        State::Invited,
        State::Waiting { since: at },
        State::Admitted { at },
        State::Active { since: at },
        State::Disconnected { at },
        State::Removed { at, reason },
    ];
    assert_eq!(states.len(), ParticipantStatus::ALL.len());
    for state in states {
        let mut parts = bench.read(&visit).await.unwrap().unwrap().parts().clone();
        let person = &mut parts.participants[0];
        (person.state, person.joined_at, person.left_at) = (state, Some(at), Some(at));
        (person.user_id, person.token_version) = (Some(user("pat@kabul")), u32::MAX);
        let mut changed = VirtualSession::restore(parts);
        bench.save(KABUL, &mut changed).await;
        reads_back(&bench, &changed, changed.parts().participants[0].state.status().as_str()).await;
    }
    let mut visit = bench.saved(KABUL, SessionStatus::Waiting).await;
    applied(visit.end(None, &Change { by: user(PROVIDER), at, expected: None }));
    bench.save(KABUL, &mut visit).await;
    reads_back(&bench, &visit, "ended without Encounter").await;
    assert!(matches!(
        visit.parts().state,
        SessionState::Ended { started_at: None, encounter: EncounterRecord::NotRequired, .. }
    ));
}

#[tokio::test]
async fn an_instant_keeps_its_moment_and_is_shown_in_utc() {
    let bench = Bench::start().await;
    let visit = bench.saved(KABUL, SessionStatus::Active).await;
    let name = bench.database.name();
    bench.run(&format!("ALTER DATABASE {name} SET TimeZone = 'Asia/Kabul'"), &[]).await;
    let visit = VirtualSession::restore(visit.parts().clone());
    let bench = bench.anew();
    let read = bench.read(&visit).await.unwrap().unwrap();
    let started: OffsetDateTime = read.parts().state.started_at().unwrap();
    assert!(started.offset().is_utc());
    assert_eq!(read.parts(), visit.parts());
}

#[tokio::test]
async fn a_tenants_settings_read_back_and_are_replaced_whole() {
    let bench = Bench::start().await;
    assert!(bench.store.tenant_config(&tenant(KABUL)).await.unwrap().is_none());
    let full = TenantConfigDraft {
        video_backend: VideoBackend::Zoom,
        jitsi_tenant: Some("kabul".to_owned()),
        jicofo_health_url: Some("http://jicofo:8888/about/health".to_owned()),
        prosody_url: Some("http://prosody:5280".to_owned()),
        zoom_account_id: Some("Zm9vYmFy".to_owned()),
        zoom_host_user: "clinic@kabul.example".to_owned(),
        branding_logo_url: Some("https://kabul.example/logo.svg".to_owned()),
        branding_primary_color: Some("#1A73E8".to_owned()),
        clinic_name: Some("کلینیک کابل".to_owned()),
        clinic_phone: Some("+93799123456".to_owned()),
        max_participants: 20,
        time_zone: "Asia/Kabul".to_owned(),
        ..TenantConfigDraft::new("https://meet.example/video", "kabul")
    };
    let plain = TenantConfigDraft::new("https://meet.example", "kbl");
    for (version, draft) in [(1, full), (2, plain)] {
        let config = TenantConfig::check(tenant(KABUL), Version::new(version), draft).unwrap();
        let mut tx = bench.begin(KABUL).await;
        tx.tenant_configs().put(&config, &["jitsiServerUrl"]).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(bench.store.tenant_config(&tenant(KABUL)).await.unwrap(), Some(config));
    }
    assert!(bench.store.tenant_config(&tenant(HERAT)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_visit_comes_with_its_tenants_settings_in_one_read() {
    let bench = Bench::start().await;
    let visit = bench.saved(KABUL, SessionStatus::Waiting).await;
    let (id, kabul) = (visit.parts().id, tenant(KABUL));
    let (read, config) = bench.store.session_and_config(&kabul, id).await.unwrap().unwrap();
    assert_eq!((read.parts(), config), (visit.parts(), None));
    let config =
        TenantConfig::check(kabul.clone(), Version::FIRST, TenantConfigDraft::new("https://meet.example", "kbl"))
            .unwrap();
    let mut tx = bench.begin(KABUL).await;
    tx.tenant_configs().put(&config, &["jitsiServerUrl"]).await.unwrap();
    tx.commit().await.unwrap();
    let (read, found) = bench.store.session_and_config(&kabul, id).await.unwrap().unwrap();
    assert_eq!((read.parts(), found), (visit.parts(), Some(config)));
    assert!(bench.store.session_and_config(&tenant(HERAT), id).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_known_of_a_link_reads_back_and_is_its_tenants() {
    let bench = Bench::start().await;
    let visit = bench.saved(KABUL, SessionStatus::Waiting).await;
    let (id, patient) = (visit.parts().id, patient_of(&visit));
    let mut link = LinkState {
        level: LinkLevel::Audio,
        better: Some(LinkLevel::Reduced),
        prefer: Some(MediaMode::Video),
        counted_since: bench.now(),
        changes: 3,
    };
    for _ in 0..2 {
        let mut tx = bench.begin(KABUL).await;
        tx.links().put(id, patient, &link).await.unwrap();
        assert_eq!(tx.links().find(id, patient).await.unwrap(), Some(link));
        tx.commit().await.unwrap();
        let (read, _, links) = bench.store.session_and_links(&tenant(KABUL), id).await.unwrap().unwrap();
        assert_eq!((read.parts(), &links[..]), (visit.parts(), &[(patient, link)][..]));
        (link.level, link.better, link.prefer, link.changes) = (LinkLevel::Message, None, None, 255);
    }
    assert!(bench.store.session_and_links(&tenant(HERAT), id).await.unwrap().is_none());
    let mut tx = bench.begin(HERAT).await;
    assert_eq!(tx.links().find(id, patient).await.unwrap(), None);
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn names_and_languages_read_back_and_a_version_that_knows_none_leaves_them() {
    let bench = Bench::start().await;
    let visit = bench.saved(KABUL, SessionStatus::Waiting).await;
    let (id, patient) = (visit.parts().id, patient_of(&visit));
    let profile =
        Profile { name: Some(SealedName { key_version: 3, bytes: vec![0, 255, 7] }), language: Some(Locale::Ps) };
    let mut tx = bench.begin(KABUL).await;
    let mut changed = tx.sessions().find(id).await.unwrap().unwrap();
    let change = Change { by: user(PROVIDER), at: bench.now(), expected: None };
    applied(changed.issue_join_token(patient, None, 6, &change));
    changed.describe(patient, &profile).unwrap();
    tx.sessions().save(&mut changed).await.unwrap();
    tx.commit().await.unwrap();
    let read = bench.store.session(&tenant(KABUL), id).await.unwrap().unwrap();
    assert_eq!(read.parts(), changed.parts());
    let one = read.parts().participant(patient).unwrap();
    assert_eq!((&one.name, one.language), (&profile.name, profile.language));
    // As a version before this one writes it: every column but the one that it does not know.
    let older = "UPDATE virtual_session SET participants = participants, version = version + 1 WHERE id = $1";
    assert_eq!(bench.database.execute(older, &[id.as_uuid()]).await.unwrap(), 1);
    let read = bench.store.session(&tenant(KABUL), id).await.unwrap().unwrap();
    assert_eq!(read.parts().participant(patient).unwrap().name, profile.name);
}

#[tokio::test]
async fn a_logo_is_its_tenants_and_of_the_address_in_its_settings() {
    let bench = Bench::start().await;
    let url = "https://kabul.example/logo.png";
    let mut draft = TenantConfigDraft::new("https://meet.example", "kbl");
    draft.branding_logo_url = Some(url.to_owned());
    let config = TenantConfig::check(tenant(KABUL), Version::FIRST, draft).unwrap();
    let logo = Logo { media_type: MediaType::Png, bytes: vec![1; 2048] };
    let mut tx = bench.begin(KABUL).await;
    tx.tenant_configs().put(&config, &["brandingLogoUrl"]).await.unwrap();
    assert_eq!(tx.tenant_logos().find().await.unwrap(), None);
    for source_url in ["https://older.example/logo.png", url] {
        let stored = StoredLogo { source_url: source_url.to_owned(), logo: logo.clone() };
        tx.tenant_logos().put(&stored).await.unwrap();
        assert_eq!(tx.tenant_logos().find().await.unwrap(), Some(stored));
    }
    tx.commit().await.unwrap();
    assert_eq!(bench.store.clinic(&tenant(KABUL)).await.unwrap(), Some((config, Some(logo.clone()))));
    assert_eq!(bench.store.clinic(&tenant(HERAT)).await.unwrap(), None);
    let mut tx = bench.begin(HERAT).await;
    assert_eq!(tx.tenant_logos().find().await.unwrap(), None);
    let long = StoredLogo { source_url: url.to_owned(), logo: Logo { bytes: vec![1; 2049], ..logo } };
    assert!(tx.tenant_logos().put(&long).await.is_err(), "a copy is short");
}
