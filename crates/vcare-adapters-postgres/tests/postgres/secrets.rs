//! Tenants' sealed secrets, and the versions of their derived keys.

use vcare_app::ports::{
    KeyPurpose, KeyVersions, PreparedSecret, SealedSecret, SealedSecrets, SecretName, StoreError, StoredSecrets,
};

use crate::support::{Bench, HERAT, KABUL, tenant};

const NAME: SecretName = SecretName::ZoomApiSecret;

fn secret(version: u32) -> PreparedSecret {
    let sealed = SealedSecret { key_id: "local:1".to_owned(), version, bytes: vec![version as u8; 40] };
    PreparedSecret { name: NAME, sealed }
}

impl Bench {
    async fn put(&self, tenant: &str, version: u32) -> Result<(), StoreError> {
        let mut tx = self.begin(tenant).await;
        let put = tx.tenant_secrets().put(&secret(version), self.now()).await;
        tx.commit().await.unwrap();
        put
    }

    async fn kept(&self, name: &str) -> StoredSecrets {
        self.store.secrets_of(&tenant(name)).await.unwrap()
    }

    async fn rotate(&self, name: &str, purpose: KeyPurpose) -> KeyVersions {
        let mut tx = self.begin(name).await;
        let versions = tx.tenant_secrets().rotate(purpose, self.now()).await.unwrap();
        tx.commit().await.unwrap();
        versions
    }

    async fn retire(&self, name: &str, purpose: KeyPurpose) -> KeyVersions {
        let mut tx = self.begin(name).await;
        let versions = tx.tenant_secrets().retire(purpose, self.now()).await.unwrap();
        tx.commit().await.unwrap();
        versions
    }
}

#[tokio::test]
async fn a_tenant_of_whom_nothing_is_kept_has_first_keys_and_no_secrets() {
    let bench = Bench::start().await;
    let kept = bench.kept(KABUL).await;
    assert!(!kept.configured && kept.sealed.is_empty() && kept.keys.is_empty());
    for purpose in KeyPurpose::ALL {
        assert_eq!(kept.versions(purpose), KeyVersions::FIRST);
    }
}

#[tokio::test]
async fn a_secret_is_kept_as_it_was_sealed_for_its_tenant_alone() {
    let bench = Bench::start().await;
    bench.put(KABUL, 1).await.unwrap();
    let kept = bench.kept(KABUL).await;
    let stored = kept.brought(NAME).unwrap();
    assert_eq!((&stored.sealed, stored.since), (&secret(1).sealed, bench.now()));
    assert!(kept.brought(SecretName::ZoomApiKey).is_none());
    assert!(bench.kept(HERAT).await.sealed.is_empty());
}

#[tokio::test]
async fn a_secret_follows_the_version_it_was_sealed_to_follow_and_no_other() {
    let bench = Bench::start().await;
    assert!(matches!(bench.put(KABUL, 2).await, Err(StoreError::Conflict)), "there is no version 1");
    bench.put(KABUL, 1).await.unwrap();
    for late in [1, 3, u32::MAX] {
        assert!(matches!(bench.put(KABUL, late).await, Err(StoreError::Conflict)), "{late}");
    }
    bench.put(KABUL, 2).await.unwrap();
    assert_eq!(bench.kept(KABUL).await.brought(NAME).unwrap().sealed, secret(2).sealed);
}

#[tokio::test]
async fn of_two_who_set_a_secret_at_once_one_wins_and_the_other_sees_it() {
    let bench = Bench::start().await;
    let mut first = bench.begin(KABUL).await;
    first.tenant_secrets().put(&secret(1), bench.now()).await.unwrap();
    let second = async {
        let mut tx = bench.begin(KABUL).await;
        let put = tx.tenant_secrets().put(&secret(1), bench.now()).await;
        tx.rollback().await.unwrap();
        put
    };
    let commit = async {
        bench.until_somebody_waits().await;
        first.commit().await.unwrap();
    };
    let (second, ()) = tokio::join!(second, commit);
    assert!(matches!(second, Err(StoreError::Conflict)), "{second:?}");
}

#[tokio::test]
async fn a_removed_secret_is_gone_and_may_begin_anew() {
    let bench = Bench::start().await;
    bench.put(KABUL, 1).await.unwrap();
    let mut tx = bench.begin(KABUL).await;
    assert!(tx.tenant_secrets().remove(NAME).await.unwrap());
    assert!(!tx.tenant_secrets().remove(NAME).await.unwrap(), "a second time there is nothing");
    tx.commit().await.unwrap();
    assert_eq!(bench.count("tenant_secret").await, 0);
    bench.put(KABUL, 1).await.unwrap();
}

#[tokio::test]
async fn nothing_of_a_secret_is_left_when_its_transaction_does_not_end_well() {
    let bench = Bench::start().await;
    let mut tx = bench.begin(KABUL).await;
    tx.tenant_secrets().put(&secret(1), bench.now()).await.unwrap();
    tx.tenant_secrets().rotate(KeyPurpose::JoinKey, bench.now()).await.unwrap();
    drop(tx);
    bench.until("SELECT NOT EXISTS (SELECT FROM tenant_secret) AND NOT EXISTS (SELECT FROM tenant_key)").await;
}

#[tokio::test]
async fn a_rotated_key_keeps_its_older_versions_until_they_are_retired() {
    let bench = Bench::start().await;
    let versions = |current, oldest| KeyVersions { current, oldest };
    assert_eq!(bench.rotate(KABUL, KeyPurpose::JoinKey).await, versions(2, 1));
    assert_eq!(bench.rotate(KABUL, KeyPurpose::JoinKey).await, versions(3, 1));
    assert_eq!(bench.kept(KABUL).await.versions(KeyPurpose::JoinKey), versions(3, 1));
    assert_eq!(bench.retire(KABUL, KeyPurpose::JoinKey).await, versions(3, 3));
    assert_eq!(bench.rotate(KABUL, KeyPurpose::JoinKey).await, versions(4, 3));
    assert_eq!(bench.kept(KABUL).await.versions(KeyPurpose::JitsiSecret), KeyVersions::FIRST, "each has its own");
    assert_eq!(bench.kept(HERAT).await.versions(KeyPurpose::JoinKey), KeyVersions::FIRST, "and each tenant");
    assert_eq!(bench.retire(HERAT, KeyPurpose::JoinKey).await, KeyVersions::FIRST);
    assert_eq!(bench.rotate(HERAT, KeyPurpose::JoinKey).await, versions(2, 1));
}

#[tokio::test]
async fn rows_that_make_no_sense_are_said_to_be_corrupt() {
    let bench = Bench::start().await;
    let odd = "ALTER TABLE tenant_secret DROP CONSTRAINT tenant_secret_name_check;
               INSERT INTO tenant_secret VALUES ('hosp-kabul', 'masterPassword', 1, 'local:1', 'x', now())";
    bench.database.client().await.unwrap().batch_execute(odd).await.unwrap();
    let read = bench.store.secrets_of(&tenant(KABUL)).await;
    assert!(matches!(read, Err(StoreError::Corrupt { table: "tenant_secret", column: "name" })), "{read:?}");
}
