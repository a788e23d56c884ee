//! Join keys are rotated: new links are signed with the new version, old links open until it is retired.

use time::Duration;
use vcare_adapters_kms::Hs256JoinTokens;
use vcare_app::ports::{Clock, JoinTokens, KeyPurpose, KeyVersions, StoredKey};
use vcare_app::{AppError, JoinTokenFault};
use vcare_jose::{hs256, peek_unverified_claims, peek_unverified_kid};

use crate::support::{Bench, claims, tenant};

impl Bench {
    fn versions(&self, current: u32, oldest: u32) {
        let key = StoredKey {
            purpose: KeyPurpose::JoinKey,
            versions: KeyVersions { current, oldest },
            since: self.clock.now(),
        };
        self.shelf.change(&tenant("kabul"), |kept| kept.keys = vec![key]);
    }

    async fn sign(&self) -> String {
        self.tokens().sign(&claims("kabul", self.clock.now())).await.unwrap()
    }

    async fn opens(&self, token: &str) -> bool {
        opens(&self.tokens(), token).await
    }
}

async fn opens(tokens: &Hs256JoinTokens, token: &str) -> bool {
    match tokens.verify(token).await {
        Ok(_) => true,
        Err(AppError::JoinToken(JoinTokenFault::Invalid)) => false,
        Err(error) => panic!("{error:?}"),
    }
}

fn kid(token: &str) -> Option<String> {
    peek_unverified_kid(token).unwrap()
}

#[tokio::test]
async fn old_links_open_after_a_rotation_until_the_old_key_is_retired() {
    let bench = Bench::new();
    let first = bench.sign().await;
    assert_eq!(kid(&first), None, "as before keys had versions");
    bench.versions(2, 1);
    assert_eq!(kid(&bench.sign().await), None, "the rotation is not seen yet");
    bench.clock.advance(Duration::seconds(30));
    let second = bench.sign().await;
    assert_eq!(kid(&second).as_deref(), Some("2"), "without a restart");
    assert!(bench.opens(&first).await && bench.opens(&second).await);
    bench.versions(3, 2);
    bench.clock.advance(Duration::seconds(30));
    assert!(!bench.opens(&first).await, "retired");
    assert!(bench.opens(&second).await && bench.opens(&bench.sign().await).await);
}

#[tokio::test]
async fn a_process_that_does_not_know_of_a_rotation_takes_a_link_of_the_new_key() {
    let bench = Bench::new();
    let other = Hs256JoinTokens::new(bench.elsewhere());
    assert!(opens(&other, &bench.sign().await).await);
    bench.versions(2, 1);
    bench.clock.advance(Duration::seconds(29));
    let here = Hs256JoinTokens::new(bench.elsewhere());
    let second = here.sign(&claims("kabul", bench.clock.now())).await.unwrap();
    assert_eq!(kid(&second).as_deref(), Some("2"));
    assert!(opens(&other, &second).await, "it looks again");
}

#[tokio::test]
async fn links_of_versions_that_never_were_make_nobody_look_more_than_once_a_second() {
    let bench = Bench::new();
    let tokens = bench.tokens();
    let good = bench.sign().await;
    assert!(opens(&tokens, &good).await);
    let (reads, asked) = (bench.shelf.reads(), bench.keeper.asked());
    let claims: serde_json::Value = peek_unverified_claims(&good).unwrap();
    for version in 2..30_u32 {
        let forged = hs256::sign_as(&[9; 32], Some(&version.to_string()), &claims).unwrap();
        assert!(!opens(&tokens, &forged).await);
    }
    assert_eq!(bench.shelf.reads(), reads + 1);
    assert_eq!(bench.keeper.asked(), asked, "no key is derived for them");
}

#[tokio::test]
async fn a_version_is_written_in_one_way_only() {
    let bench = Bench::new();
    bench.versions(2, 1);
    let good = bench.sign().await;
    let claims: serde_json::Value = peek_unverified_claims(&good).unwrap();
    let key = {
        use vcare_adapters_kms::KeyKeeper;
        bench.keeper.derive(KeyPurpose::JoinKey, 2, &tenant("kabul")).await.unwrap()
    };
    assert!(bench.opens(&hs256::sign_as(&key[..], Some("2"), &claims).unwrap()).await);
    for kid in ["02", "+2", " 2", "2 ", "1", "0", "-1", "", "two", "4294967298"] {
        assert!(!bench.opens(&hs256::sign_as(&key[..], Some(kid), &claims).unwrap()).await, "{kid:?}");
    }
}

#[tokio::test]
async fn a_link_of_one_version_does_not_open_as_another() {
    let bench = Bench::new();
    bench.versions(2, 1);
    let claims: serde_json::Value = peek_unverified_claims(&bench.sign().await).unwrap();
    let key = {
        use vcare_adapters_kms::KeyKeeper;
        bench.keeper.derive(KeyPurpose::JoinKey, 1, &tenant("kabul")).await.unwrap()
    };
    assert!(bench.opens(&hs256::sign_as(&key[..], None, &claims).unwrap()).await);
    assert!(!bench.opens(&hs256::sign_as(&key[..], Some("2"), &claims).unwrap()).await);
}

#[tokio::test]
async fn a_link_of_a_tenant_that_is_none_asks_for_no_key() {
    let bench = Bench::new();
    let good = bench.sign().await;
    let asked = bench.keeper.asked();
    let mut claims: serde_json::Value = peek_unverified_claims(&good).unwrap();
    for n in 0..20 {
        let nobody = format!("nobody-{n}");
        bench.shelf.change(&tenant(&nobody), |kept| kept.configured = false);
        claims["tenantId"] = nobody.into();
        assert!(!bench.opens(&hs256::sign(&[9; 32], &claims).unwrap()).await);
    }
    assert_eq!(bench.keeper.asked(), asked);
}
