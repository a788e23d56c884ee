//! Join tokens against everything that must not open a visit.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_adapters_kms::{
    DerivedKey, Hs256JoinTokens, KeeperFault, KeyKeeper, LocalKeyring, SealContext, Sealed, Vault, VaultConfig,
};
use vcare_app::ports::{JoinTokenClaims, JoinTokens, KeyPurpose, TenantSecrets};
use vcare_app::{AppError, JoinTokenFault};
use vcare_domain::{ParticipantId, ParticipantRole, SessionId, TenantId};
use vcare_jose::hs256;
use vcare_testkit::{HandClock, SecretShelf};
use zeroize::Zeroizing;

const ISSUED: i64 = 1_800_000_000;

fn keyring() -> LocalKeyring {
    LocalKeyring::from_master(&Zeroizing::new([7; 32])).unwrap()
}

fn vault_over(keeper: impl KeyKeeper + 'static) -> Arc<Vault> {
    let rows = Arc::new(SecretShelf::default());
    Arc::new(Vault::new(Arc::new(keeper), Arc::clone(&rows) as _, rows, HandClock::new(), VaultConfig::default()))
}

fn vault() -> Arc<Vault> {
    vault_over(keyring())
}

fn tokens() -> Hs256JoinTokens {
    Hs256JoinTokens::new(vault())
}

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap()
}

fn claims() -> JoinTokenClaims {
    JoinTokenClaims {
        tenant_id: tenant("kabul"),
        session_id: SessionId::from_uuid(Uuid::from_u128(1)),
        participant_id: ParticipantId::from_uuid(Uuid::from_u128(2)),
        role: ParticipantRole::Patient,
        version: 3,
        issued_at: at(ISSUED),
        expires_at: at(ISSUED + 3600),
    }
}

fn wire(claims: &JoinTokenClaims) -> Value {
    json!({
        "aud": "vcare-join", "tenantId": claims.tenant_id.as_str(), "sessionId": claims.session_id.to_string(),
        "participantId": claims.participant_id.to_string(), "role": claims.role.as_str(), "ver": claims.version,
        "iat": claims.issued_at.unix_timestamp(), "exp": claims.expires_at.unix_timestamp(),
    })
}

async fn fault(token: &str) -> Option<JoinTokenFault> {
    match tokens().verify(token).await {
        Ok(_) => None,
        Err(AppError::JoinToken(fault)) => Some(fault),
        Err(other) => panic!("{other}"),
    }
}

async fn join_key(tenant: &TenantId) -> DerivedKey {
    keyring().derive(KeyPurpose::JoinKey, 1, tenant).await.unwrap()
}

#[tokio::test]
async fn a_token_says_what_was_signed_whatever_the_role() {
    for role in ParticipantRole::ALL {
        let claims = JoinTokenClaims { role, ..claims() };
        let token = tokens().sign(&claims).await.unwrap();
        assert_eq!(tokens().verify(&token).await.unwrap(), claims);
        assert!(token.len() < 600, "a text message must carry it: {}", token.len());
    }
}

#[tokio::test]
async fn the_same_claims_give_the_same_token_and_others_another() {
    let token = tokens().sign(&claims()).await.unwrap();
    assert_eq!(tokens().sign(&claims()).await.unwrap(), token);
    let newer = JoinTokenClaims { version: 4, ..claims() };
    assert_ne!(tokens().sign(&newer).await.unwrap(), token);
}

#[tokio::test]
async fn the_claims_are_named_as_the_platform_names_them() {
    let token = tokens().sign(&claims()).await.unwrap();
    let signed: Value = vcare_jose::peek_unverified_claims(&token).unwrap();
    assert_eq!(signed, wire(&claims()));
}

#[tokio::test]
async fn a_token_says_until_when_it_opens_and_leaves_the_decision_to_the_visit() {
    let long_ago = JoinTokenClaims { expires_at: at(ISSUED), ..claims() };
    let token = tokens().sign(&long_ago).await.unwrap();
    assert_eq!(tokens().verify(&token).await.unwrap().expires_at, at(ISSUED));
}

#[tokio::test]
async fn a_forged_token_is_invalid() {
    let forged = hs256::sign(&[9; 32], &wire(&claims())).unwrap();
    assert_eq!(fault(&forged).await, Some(JoinTokenFault::Invalid));
}

#[tokio::test]
async fn a_flipped_bit_at_any_place_of_the_signature_makes_it_invalid() {
    let token = tokens().sign(&claims()).await.unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        let changed = format!("{message}.{}", URL_SAFE_NO_PAD.encode(changed));
        assert_eq!(fault(&changed).await, Some(JoinTokenFault::Invalid), "byte {position}");
    }
}

#[tokio::test]
async fn claims_that_are_not_exactly_ours_are_invalid_even_with_a_right_signature() {
    let with = |name: &str, value: Value| {
        let mut claims = wire(&claims());
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = wire(&claims());
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let mut table = vec![
        with("aud", json!("vcare")),
        with("aud", json!(["vcare-join"])),
        with("role", json!("admin")),
        with("role", json!("Provider")),
        with("ver", json!(-1)),
        with("ver", json!("3")),
        with("ver", json!(u64::MAX)),
        with("exp", json!("soon")),
        with("exp", json!(ISSUED as f64 + 0.5)),
        with("exp", json!(i64::MAX)),
        with("sessionId", json!(claims().participant_id.to_string())),
        with("participantId", json!(claims().session_id.to_string())),
        with("sessionId", json!("1")),
        with("moderator", json!(true)),
    ];
    let names: Vec<String> = wire(&claims()).as_object().unwrap().keys().cloned().collect();
    table.extend(names.iter().map(|name| without(name)));
    let key = join_key(&tenant("kabul")).await;
    for claims in table {
        let token = hs256::sign(&key[..], &claims).unwrap();
        assert_eq!(fault(&token).await, Some(JoinTokenFault::Invalid), "{claims}");
    }
}

#[tokio::test]
async fn texts_that_are_no_token_are_invalid() {
    let token = tokens().sign(&claims()).await.unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"none"}"#);
    let long = URL_SAFE_NO_PAD.encode(json!({"tenantId": "kabul", "pad": "x".repeat(2048)}).to_string());
    let table = [
        String::new(),
        "..".to_owned(),
        "hello".to_owned(),
        token[..token.len() - 1].to_owned(),
        format!("{token}="),
        format!("{token}.x"),
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{long}.{}", parts[0], parts[2]),
    ];
    for text in table {
        assert_eq!(fault(&text).await, Some(JoinTokenFault::Invalid), "{text}");
    }
}

#[tokio::test]
async fn a_right_token_above_the_limit_is_invalid() {
    let mut claims = wire(&claims());
    claims["pad"] = json!("x".repeat(2048));
    let token = hs256::sign(&join_key(&tenant("kabul")).await[..], &claims).unwrap();
    assert_eq!(fault(&token).await, Some(JoinTokenFault::Invalid));
}

#[tokio::test]
async fn a_tenants_key_opens_no_other_tenants_visit() {
    let herat = join_key(&tenant("herat")).await;
    let token = hs256::sign(&herat[..], &wire(&claims())).unwrap();
    assert_eq!(fault(&token).await, Some(JoinTokenFault::Invalid));
}

#[tokio::test]
async fn a_video_token_is_no_join_token_and_a_join_token_no_video_token() {
    let secret = vault().jitsi_secret(&tenant("kabul")).await.unwrap();
    let video = json!({"iss": "vcare", "aud": "vcare", "sub": "kabul", "room": "kabul-1", "exp": ISSUED + 3600});
    let video = hs256::sign(secret.expose(), &video).unwrap();
    assert_eq!(fault(&video).await, Some(JoinTokenFault::Invalid));

    // Not even with all the claims of a join token.
    let dressed = hs256::sign(secret.expose(), &wire(&claims())).unwrap();
    assert_eq!(fault(&dressed).await, Some(JoinTokenFault::Invalid));

    let join = tokens().sign(&claims()).await.unwrap();
    assert_eq!(hs256::verify::<Value>(secret.expose(), &join), Err(vcare_jose::Fault::BadSignature));
}

#[tokio::test]
async fn the_jitsi_secret_is_printable_and_each_tenants_own() {
    let (kabul, herat) = (tenant("kabul"), tenant("herat"));
    let secret = vault().jitsi_secret(&kabul).await.unwrap();
    assert_eq!(secret.expose().len(), 43);
    assert!(secret.expose().iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
    assert_eq!(vault().jitsi_secret(&kabul).await.unwrap().expose(), secret.expose());
    assert_ne!(vault().jitsi_secret(&herat).await.unwrap().expose(), secret.expose());
    assert_ne!(URL_SAFE_NO_PAD.encode(&join_key(&kabul).await[..]).as_bytes(), secret.expose());
}

#[tokio::test]
async fn an_unreachable_key_store_is_said_to_be_that_and_not_a_bad_token() {
    struct Down;

    #[async_trait]
    impl KeyKeeper for Down {
        async fn derive(&self, _: KeyPurpose, _: u32, _: &TenantId) -> Result<DerivedKey, KeeperFault> {
            Err(KeeperFault::TimedOut)
        }

        async fn seal(&self, _: SealContext<'_>, _: &[u8]) -> Result<Sealed, KeeperFault> {
            Err(KeeperFault::TimedOut)
        }

        async fn open(&self, _: SealContext<'_>, _: &str, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeeperFault> {
            Err(KeeperFault::TimedOut)
        }
    }

    let token = tokens().sign(&claims()).await.unwrap();
    let down = Hs256JoinTokens::new(vault_over(Down));
    assert!(matches!(down.verify(&token).await, Err(AppError::Secrets(_))));
    assert!(down.sign(&claims()).await.is_err());
}
