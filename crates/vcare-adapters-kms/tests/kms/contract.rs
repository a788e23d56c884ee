//! What every keeper of master keys does. Two servers that agree with the local keyring make it likely that AWS does, too.

use std::time::Duration;

use vcare_adapters_kms::{AwsIdentity, AwsKms, AwsKmsConfig, KeeperFault, KeyKeeper, SealContext, Sealed};
use vcare_app::ports::{KeyPurpose, Secret, SecretName};
use vcare_domain::TenantId;
use vcare_testkit::{KmsKey, KmsKind, KmsServer};

use crate::support::{keyring, tenant};

pub const REGION: &str = "eu-central-1";

/// A client of a server that stands in for AWS, with keys of its own.
pub async fn aws_on(server: &KmsServer) -> (AwsKms, AwsKmsConfig) {
    let sealing = server.create_key(REGION, KmsKey::Sealing).await.unwrap();
    let mac = server.create_key(REGION, KmsKey::Mac).await.unwrap();
    let config = AwsKmsConfig {
        endpoint_url: Some(server.url()),
        // These servers take their time for what they do first.
        deadline: Duration::from_secs(20),
        attempt_deadline: Duration::from_secs(10),
        ..AwsKmsConfig::new(sealing, mac, REGION)
    };
    (client(&config).await, config)
}

pub async fn client(config: &AwsKmsConfig) -> AwsKms {
    let identity = AwsIdentity::AccessKey { id: "test".to_owned(), secret: Secret::new("test") };
    AwsKms::new(config, identity).await.unwrap()
}

fn context<'a>(tenant: &'a TenantId, name: SecretName, version: u32) -> SealContext<'a> {
    SealContext { tenant, name: name.into(), version }
}

/// How a keeper seals.
#[derive(Clone, Copy, PartialEq)]
enum Seal {
    /// So that any change shows.
    Whole,
    /// ministack feigns it: behind 84 bytes, which it checks, the value is hidden and not protected.
    HeadOnly,
}

/// The whole contract.
async fn is_kept_by(keeper: &dyn KeyKeeper, seal: Seal) {
    derives(keeper).await;
    opens_what_it_sealed(keeper).await;
    opens_it_nowhere_else(keeper).await;
    opens_nothing_that_was_changed(keeper, seal).await;
}

async fn derives(keeper: &dyn KeyKeeper) {
    let (kabul, herat) = (tenant("hosp-kabul"), tenant("hosp-herat"));
    let key = async |purpose, version, tenant: &TenantId| *keeper.derive(purpose, version, tenant).await.unwrap();
    let keys = [
        key(KeyPurpose::JoinKey, 1, &kabul).await,
        key(KeyPurpose::JoinKey, 2, &kabul).await,
        key(KeyPurpose::JoinKey, 12, &kabul).await,
        key(KeyPurpose::JitsiSecret, 1, &kabul).await,
        key(KeyPurpose::JoinKey, 1, &herat).await,
    ];
    for (n, one) in keys.iter().enumerate() {
        assert!(keys[n + 1..].iter().all(|other| other != one), "key {n} is its own");
    }
    assert_eq!(key(KeyPurpose::JoinKey, 1, &kabul).await, keys[0], "the same question, the same answer");
}

async fn opens_what_it_sealed(keeper: &dyn KeyKeeper) {
    let kabul = tenant("hosp-kabul");
    for length in [1, 31, 32, 4096] {
        let value = "s".repeat(length);
        let context = context(&kabul, SecretName::JitsiJwtSecret, 1);
        let Sealed { key_id, bytes } = keeper.seal(context, value.as_bytes()).await.unwrap();
        assert!(!key_id.is_empty() && bytes.len() > length && bytes.len() <= 8192, "{length} bytes");
        assert!(length < 31 || !String::from_utf8_lossy(&bytes).contains(&value[..31]), "sealed is not readable");
        assert_eq!(*keeper.open(context, &key_id, &bytes).await.unwrap(), value.as_bytes());
        let again = keeper.seal(context, value.as_bytes()).await.unwrap();
        assert_ne!(again.bytes, bytes, "the same value is not known by its seal");
    }
    let too_long = keeper.seal(context(&kabul, SecretName::JitsiJwtSecret, 1), &[b's'; 4097]).await;
    assert!(matches!(too_long, Err(KeeperFault::Denied { .. })), "{too_long:?}");
}

async fn opens_it_nowhere_else(keeper: &dyn KeyKeeper) {
    let (kabul, herat) = (tenant("hosp-kabul"), tenant("hosp-herat"));
    let own = context(&kabul, SecretName::ZoomApiKey, 3);
    let sealed = keeper.seal(own, b"value-of-kabul").await.unwrap();
    for other in [
        context(&herat, SecretName::ZoomApiKey, 3),
        context(&kabul, SecretName::ZoomApiSecret, 3),
        context(&kabul, SecretName::ZoomApiKey, 2),
        context(&kabul, SecretName::ZoomApiKey, 33),
    ] {
        let opened = keeper.open(other, &sealed.key_id, &sealed.bytes).await;
        assert!(matches!(opened, Err(KeeperFault::NotOpenable)), "{other:?}: {opened:?}");
    }
    let theirs = context(&herat, SecretName::ZoomApiKey, 3);
    let other = keeper.seal(theirs, b"value-of-herat").await.unwrap();
    let swapped = keeper.open(own, &other.key_id, &other.bytes).await;
    assert!(matches!(swapped, Err(KeeperFault::NotOpenable)), "{swapped:?}");
    let foreign = keeper.open(own, "arn:aws:kms:eu-central-1:000000000000:key/none-of-ours", &sealed.bytes).await;
    assert!(foreign.is_err(), "under a key that is not there");
}

async fn opens_nothing_that_was_changed(keeper: &dyn KeyKeeper, seal: Seal) {
    let kabul = tenant("hosp-kabul");
    let context = context(&kabul, SecretName::ZoomApiSecret, 1);
    let Sealed { key_id, bytes } = keeper.seal(context, b"0123456789abcdef").await.unwrap();
    let flipped = |position: usize| {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        changed
    };
    let cut = |length: usize| bytes[..length].to_vec();
    let middle = bytes.len() / 2;
    let mut changed = vec![cut(0), cut(1), cut(12), flipped(middle), vec![0; 64], vec![0; 9000]];
    if seal == Seal::Whole {
        let last = bytes.len() - 1;
        changed.extend([cut(middle), cut(last), flipped(0), flipped(last), [&bytes[..], b"x"].concat()]);
    }
    for changed in changed {
        let opened = keeper.open(context, &key_id, &changed).await;
        assert!(opened.is_err(), "{} of {} bytes", changed.len(), bytes.len());
    }
}

#[tokio::test]
async fn the_local_keyring_keeps_the_contract() {
    is_kept_by(&keyring(7), Seal::Whole).await;
}

#[tokio::test]
async fn ministack_keeps_the_contract() {
    let server = KmsServer::start(KmsKind::Ministack).await.unwrap();
    let (aws, config) = aws_on(&server).await;
    is_kept_by(&aws, Seal::HeadOnly).await;
    says_no_when_it_must(&server, &config).await;
}

#[tokio::test]
async fn localstack_keeps_the_contract() {
    let server = KmsServer::start(KmsKind::LocalStack).await.unwrap();
    let (aws, config) = aws_on(&server).await;
    is_kept_by(&aws, Seal::Whole).await;
    says_no_when_it_must(&server, &config).await;
}

/// A no is told apart from an outage: what is remembered must not outlive it.
async fn says_no_when_it_must(server: &KmsServer, config: &AwsKmsConfig) {
    let kabul = tenant("hosp-kabul");
    let context = context(&kabul, SecretName::ZoomApiKey, 1);
    let elsewhere = client(&AwsKmsConfig { region: "me-south-1".to_owned(), ..config.clone() }).await;
    let here = client(config).await.seal(context, b"value").await.unwrap();
    let derived = elsewhere.derive(KeyPurpose::JoinKey, 1, &kabul).await;
    assert!(matches!(derived, Err(KeeperFault::Denied { .. })), "in another region: {derived:?}");
    assert!(elsewhere.seal(context, b"value").await.is_err(), "in another region");
    assert!(elsewhere.open(context, &here.key_id, &here.bytes).await.is_err(), "in another region");

    let crossed =
        AwsKmsConfig { key_id: config.mac_key_id.clone(), mac_key_id: config.key_id.clone(), ..config.clone() };
    let crossed = client(&crossed).await;
    let derived = crossed.derive(KeyPurpose::JoinKey, 1, &kabul).await;
    assert!(matches!(derived, Err(KeeperFault::Denied { .. })), "with the key that seals: {derived:?}");
    assert!(crossed.seal(context, b"value").await.is_err(), "with the key that derives");

    for key in [&config.key_id, &config.mac_key_id] {
        server.disable_key(REGION, key).await.unwrap();
    }
    let disabled = client(config).await;
    for fault in [
        disabled.derive(KeyPurpose::JoinKey, 1, &kabul).await.map(drop),
        disabled.seal(context, b"value").await.map(drop),
        disabled.open(context, &here.key_id, &here.bytes).await.map(drop),
    ] {
        assert!(matches!(fault, Err(KeeperFault::Denied { .. })), "switched off: {fault:?}");
    }
}
