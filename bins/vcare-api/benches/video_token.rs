//! What a video token costs. One is signed on every admission and on every reload of a page.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark fails by panicking")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vcare_adapters_http::{AddressPolicy, ClientConfig, HttpClient, JitsiVideo};
use vcare_adapters_kms::{LocalKeyring, Vault, VaultConfig};
use vcare_app::TraceContext;
use vcare_app::ports::{Clock, Ids, VideoGrant, VideoProvider};
use vcare_boot::{SystemClock, SystemIds};
use vcare_domain::{
    HttpsUrl, ParticipantId, ParticipantRole, Room, RoomName, TenantConfig, TenantConfigDraft, TenantId, Version,
};
use vcare_testkit::SecretShelf;
use zeroize::Zeroizing;

fn video_token(criterion: &mut Criterion) {
    let (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>) = (Arc::new(SystemClock), Arc::new(SystemIds::default()));
    let client = ClientConfig::new(AddressPolicy::PUBLIC);
    let client = HttpClient::new(&client, Arc::clone(&clock), Arc::clone(&ids)).unwrap();
    let keyring = LocalKeyring::from_master(&Zeroizing::new([7; 32])).unwrap();
    let rows = Arc::new(SecretShelf::default());
    let vault = Vault::new(Arc::new(keyring), Arc::clone(&rows) as _, rows, Arc::clone(&clock), VaultConfig::default());
    let video = JitsiVideo::new(client.clone(), client, Arc::new(vault), Arc::clone(&clock));
    let draft = TenantConfigDraft::new("https://meet.example", "kabul");
    let config = TenantConfig::check(TenantId::parse("kabul").unwrap(), Version::FIRST, draft).unwrap();
    let room = Room {
        name: RoomName::parse("kabul-k3j9x2qa").unwrap(),
        url: HttpsUrl::parse("https://meet.example/kabul-k3j9x2qa").unwrap(),
    };
    let now: OffsetDateTime = clock.now();
    let trace = TraceContext::begin(&*ids);
    let grant = VideoGrant {
        room: &room,
        participant_id: ParticipantId::from_uuid(Uuid::from_u128(7)),
        role: ParticipantRole::Patient,
        name: None,
        recording_enabled: false,
        link: None,
        issued_at: now,
        expires_at: now + Duration::HOUR,
        trace: &trace,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    criterion.bench_function("video token", |bencher| {
        bencher.to_async(&runtime).iter(|| async { black_box(video.join_url(&config, &grant).await.unwrap()) });
    });
}

criterion_group!(benches, video_token);
criterion_main!(benches);
