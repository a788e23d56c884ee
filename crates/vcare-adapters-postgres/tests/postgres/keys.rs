//! Answers kept under idempotency keys.

use time::Duration;
use uuid::Uuid;
use vcare_app::ports::{Reads, Store, StoreError};
use vcare_app::{ActorRef, Answer, IdempotencyKey};
use vcare_domain::{SessionId, TenantConfig, TenantConfigDraft, Version};

use crate::support::{Bench, HERAT, KABUL, PROVIDER, scope_of, tenant, user};

fn key() -> IdempotencyKey {
    IdempotencyKey::parse("wish-1").unwrap()
}

/// A visit that has no key: nothing was written in it.
fn visit() -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(7))
}

fn answer(body: &str) -> Answer {
    Answer { status: 201, body: body.into() }
}

async fn keep(bench: &Bench, tenant: &str, fingerprint: [u8; 32], answer: &Answer) {
    let mut tx = bench.begin(tenant).await;
    tx.answers().keep(&key(), fingerprint, answer, visit(), bench.now()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn an_answer_reads_back_to_the_byte() {
    let bench = Bench::start().await;
    let body: Vec<u8> = (0..=255).collect();
    let kept = Answer { status: 201, body };
    keep(&bench, KABUL, [9; 32], &kept).await;
    let mut tx = bench.begin(KABUL).await;
    assert_eq!(tx.answers().find(&key()).await.unwrap(), Some(([9; 32], kept.clone())));
    assert_eq!(tx.answers().find(&IdempotencyKey::parse("wish-2").unwrap()).await.unwrap(), None);
    tx.rollback().await.unwrap();
    let config = TenantConfigDraft::new("https://meet.example", "kabul");
    let config = TenantConfig::check(tenant(KABUL), Version::FIRST, config).unwrap();
    let mut tx = bench.begin(KABUL).await;
    tx.tenant_configs().put(&config, &["jitsiServerUrl"]).await.unwrap();
    tx.commit().await.unwrap();
    let me = ActorRef::User(user(PROVIDER));
    let found = bench.store.config_and_answer(&tenant(KABUL), &me, &key()).await.unwrap().unwrap();
    assert_eq!(found, (config.clone(), Some(([9; 32], kept))));
    let other = ActorRef::User(user("somebody-else"));
    let found = bench.store.config_and_answer(&tenant(KABUL), &other, &key()).await.unwrap().unwrap();
    assert_eq!(found, (config, None));
}

#[tokio::test]
async fn of_two_who_take_a_key_at_once_one_is_told_of_a_conflict() {
    let bench = Bench::start().await;
    let mut first = bench.begin(KABUL).await;
    first.answers().keep(&key(), [1; 32], &answer("first"), visit(), bench.now()).await.unwrap();
    let (mut second, now) = (bench.begin(KABUL).await, bench.now());
    let waiting = tokio::spawn(async move {
        let kept = second.answers().keep(&key(), [1; 32], &answer("second"), visit(), now).await;
        second.rollback().await.unwrap();
        kept
    });
    bench.until_somebody_waits().await;
    first.commit().await.unwrap();
    assert!(matches!(waiting.await.unwrap(), Err(StoreError::Conflict)));
    let mut tx = bench.begin(KABUL).await;
    assert_eq!(tx.answers().find(&key()).await.unwrap().unwrap().1, answer("first"));
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn a_key_whose_taker_gave_up_is_free() {
    let bench = Bench::start().await;
    let mut first = bench.begin(KABUL).await;
    first.answers().keep(&key(), [1; 32], &answer("first"), visit(), bench.now()).await.unwrap();
    let (mut second, now) = (bench.begin(KABUL).await, bench.now());
    let waiting = tokio::spawn(async move {
        second.answers().keep(&key(), [1; 32], &answer("second"), visit(), now).await.unwrap();
        second.commit().await.unwrap();
    });
    bench.until_somebody_waits().await;
    first.rollback().await.unwrap();
    waiting.await.unwrap();
    assert_eq!(bench.count("idempotency_key").await, 1);
}

#[tokio::test]
async fn a_key_is_an_actors_own_in_their_own_tenant() {
    let bench = Bench::start().await;
    keep(&bench, KABUL, [1; 32], &answer("kabul")).await;
    keep(&bench, HERAT, [2; 32], &answer("herat")).await;
    let other = scope_of(KABUL, ActorRef::User(user("somebody-else")));
    let mut tx = bench.store.begin("test", &other).await.unwrap();
    assert_eq!(tx.answers().find(&key()).await.unwrap(), None);
    tx.answers().keep(&key(), [3; 32], &answer("else"), visit(), bench.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(bench.count("idempotency_key").await, 3);
}

#[tokio::test]
async fn what_the_version_before_writes_in_plain_is_found_and_cannot_be_written_beside_a_hash() {
    let bench = Bench::start().await;
    let by_the_version_before = format!(
        "INSERT INTO idempotency_key (tenant_id, actor, key, fingerprint, status, body, created_at)
         VALUES ('{KABUL}', '{PROVIDER}', $1, sha256(''), 201, 'before', now())"
    );
    bench.run(&by_the_version_before, &[&"\"wish-1\""]).await;
    let mut tx = bench.begin(KABUL).await;
    assert_eq!(tx.answers().find(&key()).await.unwrap().unwrap().1, answer("before"));
    let taken = tx.answers().keep(&key(), [1; 32], &answer("now"), visit(), bench.now()).await;
    assert!(matches!(taken, Err(StoreError::Conflict)));
    tx.rollback().await.unwrap();
    let me = ActorRef::User(user(PROVIDER));
    assert!(bench.store.answer(&tenant(KABUL), &me, &key()).await.unwrap().is_some());
    assert_eq!(bench.count("idempotency_key").await, 1);
}

#[tokio::test]
async fn answers_are_forgotten_by_their_age_across_tenants() {
    let bench = Bench::start().await;
    keep(&bench, KABUL, [1; 32], &answer("old")).await;
    keep(&bench, HERAT, [1; 32], &answer("old")).await;
    bench.clock.advance(Duration::HOUR);
    let young = IdempotencyKey::parse("wish-2").unwrap();
    let mut tx = bench.begin(KABUL).await;
    tx.answers().keep(&young, [1; 32], &answer("young"), visit(), bench.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(bench.jobs().forget_answers(bench.now()).await.unwrap(), 2);
    assert_eq!(bench.jobs().forget_answers(bench.now()).await.unwrap(), 0);
    let mut tx = bench.begin(KABUL).await;
    assert!(tx.answers().find(&young).await.unwrap().is_some());
    tx.rollback().await.unwrap();
}
