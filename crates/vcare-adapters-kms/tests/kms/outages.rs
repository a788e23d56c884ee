//! A KMS that stops in the middle: what is in use goes on, and nothing else is pretended.

use std::sync::Arc;
use std::time::Duration as Patience;

use time::Duration;
use vcare_adapters_kms::{AwsKmsConfig, Hs256JoinTokens, KeyKeeper, Vault, VaultConfig};
use vcare_app::ports::{Clock, JoinTokens, KeyPurpose, Secret, SecretName, SecretStore, TenantSecrets};
use vcare_testkit::{HandClock, KmsKind, KmsServer, SecretShelf};

use crate::contract::{aws_on, client};
use crate::support::{BROUGHT, claims, tenant, told};

#[tokio::test]
async fn tenants_in_use_go_on_while_kms_is_down_and_others_are_told_so() {
    let mut server = KmsServer::start(KmsKind::Ministack).await.unwrap();
    let (_, config) = aws_on(&server).await;
    let patience = Patience::from_millis(500);
    let config = AwsKmsConfig { deadline: patience, attempt_deadline: patience, ..config };
    let (shelf, clock) = (Arc::new(SecretShelf::default()), HandClock::new());
    let keeper = Arc::new(client(&config).await);
    let (rows, tenants) = (Arc::clone(&shelf) as _, Arc::clone(&shelf) as _);
    let now = Arc::clone(&clock) as _;
    let vault = Arc::new(Vault::new(Arc::clone(&keeper) as _, rows, tenants, now, VaultConfig::default()));
    let tokens = Hs256JoinTokens::new(Arc::clone(&vault));
    let kabul = tenant("hosp-kabul");
    // The server's first answer may take longer than we wait here.
    let asked = async || keeper.derive(KeyPurpose::JitsiSecret, 1, &kabul).await.is_ok();
    while !asked().await {}
    let token = tokens.sign(&claims("hosp-kabul", clock.now())).await.unwrap();
    let secret = vault.jitsi_secret(&kabul).await.unwrap();

    for outage in ["it hangs", "it is gone"] {
        if outage == "it hangs" {
            server.signal("-STOP").unwrap();
        } else {
            server.signal("-CONT").unwrap();
            server.kill();
        }
        clock.advance(Duration::minutes(6));
        assert!(tokens.verify(&token).await.is_ok(), "{outage}");
        assert_eq!(vault.jitsi_secret(&kabul).await.unwrap().expose(), secret.expose(), "{outage}");
        let other = vault.jitsi_secret(&tenant("hosp-herat")).await.unwrap_err();
        assert_eq!(other.to_string(), "the key store is unavailable");
        let value = Secret::new(BROUGHT);
        let sealed = vault.seal(&kabul, SecretName::JitsiJwtSecret, 1, &value).await.unwrap_err();
        assert!(!told(&sealed).contains(BROUGHT) && !told(&sealed).contains("arn:"), "{}", told(&sealed));
    }
}
