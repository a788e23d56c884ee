//! Internal tokens: each acts for its tenant alone, and a shared server's for those that it was given with.

use std::sync::Arc;

use time::Duration;
use vcare_adapters_kms::{HmacInternalTokens, Vault, VaultConfig};
use vcare_app::ports::{
    Clock, InternalTokens, KeyPurpose, KeyVersions, Secret, SecretStore, SecretsError, ServedTenants, StoredKey,
};
use vcare_testkit::{HandClock, SecretShelf};

use crate::support::{Bench, keyring, tenant, timed_out};

/// A tenant's name may hold whatever stands between the parts of a token.
const TENANTS: [&str; 4] = ["kabul", "Hosp.Herat", "hosp.herat.1", "vci_x"];

impl Bench {
    fn internal(&self) -> HmacInternalTokens {
        HmacInternalTokens::new(Arc::clone(&self.vault), [])
    }

    async fn token(&self, name: &str, version: u32) -> String {
        let token = self.vault.internal_token(&tenant(name), version).await.unwrap();
        String::from_utf8(token.expose().to_vec()).unwrap()
    }

    async fn acts_for(&self, token: &str) -> Option<ServedTenants> {
        self.internal().served(token).await.unwrap()
    }

    fn has_versions(&self, purpose: KeyPurpose, current: u32, oldest: u32) {
        let key = StoredKey { purpose, versions: KeyVersions { current, oldest }, since: self.clock.now() };
        self.shelf.change(&tenant("kabul"), |kept| kept.keys.push(key));
        self.clock.advance(Duration::seconds(30));
    }
}

#[tokio::test]
async fn a_token_acts_for_its_tenant_alone_whatever_that_is_called() {
    let bench = Bench::new();
    for name in TENANTS {
        bench.shelf.change(&tenant(name), |_| {});
    }
    for name in TENANTS {
        let token = bench.token(name, 1).await;
        assert!(token.starts_with(&format!("vci_{name}.1.")) && token.bytes().all(|byte| byte.is_ascii_graphic()));
        assert_eq!(bench.acts_for(&token).await, Some(ServedTenants::one(tenant(name))));
        assert_eq!(bench.token(name, 1).await, token, "the same each time");
        let (_, mac) = token.rsplit_once('.').unwrap();
        for other in TENANTS.into_iter().filter(|other| *other != name) {
            assert_eq!(bench.acts_for(&format!("vci_{other}.1.{mac}")).await, None, "{other}");
        }
    }
    let shelf = Arc::new(SecretShelf::default());
    let rows = Arc::clone(&shelf) as _;
    let elsewhere = Vault::new(Arc::new(keyring(8)), rows, shelf, HandClock::new(), VaultConfig::default());
    let other = elsewhere.internal_token(&tenant("kabul"), 1).await.unwrap();
    assert_eq!(bench.acts_for(std::str::from_utf8(other.expose()).unwrap()).await, None, "another deployment's");
}

#[tokio::test]
async fn a_token_with_any_character_changed_cut_off_or_added_is_nobodys() {
    let bench = Bench::new();
    let token = bench.token("kabul", 1).await;
    for at in 0..token.len() {
        for put in ["A", "B", ".", "1", "/", ""] {
            let changed = format!("{}{put}{}", &token[..at], &token[at + 1..]);
            assert!(changed == token || bench.acts_for(&changed).await.is_none(), "{changed}");
        }
        assert_eq!(bench.acts_for(&token[..at]).await, None);
    }
    for added in ["A", "=", ".", " "] {
        assert_eq!(bench.acts_for(&format!("{token}{added}")).await, None);
    }
}

#[tokio::test]
async fn a_token_is_good_while_its_version_is_in_use() {
    let bench = Bench::new();
    let (first, second, third) =
        (bench.token("kabul", 1).await, bench.token("kabul", 2).await, bench.token("kabul", 3).await);
    assert!(bench.acts_for(&first).await.is_some() && bench.acts_for(&second).await.is_none());
    // Another key's versions are none of its business.
    bench.has_versions(KeyPurpose::JitsiSecret, 3, 3);
    assert!(bench.acts_for(&first).await.is_some() && bench.acts_for(&second).await.is_none());
    bench.has_versions(KeyPurpose::InternalToken, 2, 1);
    assert!(bench.acts_for(&first).await.is_some() && bench.acts_for(&second).await.is_some());
    assert!(bench.acts_for(&third).await.is_none());
    bench.shelf.change(&tenant("kabul"), |kept| kept.keys.clear());
    bench.has_versions(KeyPurpose::InternalToken, 2, 2);
    assert!(bench.acts_for(&first).await.is_none() && bench.acts_for(&second).await.is_some());
}

#[tokio::test]
async fn what_is_no_token_of_a_tenant_with_settings_asks_for_no_key() {
    let bench = Bench::new();
    let good = bench.token("kabul", 1).await;
    let (_, mac) = good.rsplit_once('.').unwrap();
    bench.shelf.change(&tenant("stranger"), |kept| kept.configured = false);
    let (asked, read) = (bench.keeper.asked(), bench.shelf.reads());
    for junk in ["", "x", "vci_", "vci_kabul.1", "vci_kabul.1.", "vci_kabul.0.AAAA", "vci_ka bul.1.AAAA", "Bearer"] {
        assert_eq!(bench.acts_for(junk).await, None, "{junk}");
    }
    assert_eq!(bench.shelf.reads(), read, "nor for what is kept of anybody");
    for strange in [format!("vci_stranger.1.{mac}"), format!("vci_kabul.7.{mac}")] {
        assert_eq!(bench.acts_for(&strange).await, None, "{strange}");
    }
    assert_eq!(bench.keeper.asked(), asked);
}

#[tokio::test]
async fn a_shared_servers_token_acts_for_the_tenants_that_it_was_given_with() {
    let bench = Bench::new();
    let both = ServedTenants::these([tenant("kabul"), tenant("herat")]);
    let shared = [
        (Secret::new("of-both-0123456789-0123456789-0123"), both.clone()),
        (Secret::new("of-herat-0123456789-0123456789-012"), ServedTenants::one(tenant("herat"))),
    ];
    let tokens = HmacInternalTokens::new(Arc::clone(&bench.vault), shared);
    let served = async |token: &str| tokens.served(token).await.unwrap();
    assert_eq!(served("of-both-0123456789-0123456789-0123").await, Some(both));
    assert_eq!(served("of-herat-0123456789-0123456789-012").await, Some(ServedTenants::one(tenant("herat"))));
    for other in ["of-both-0123456789-0123456789-012", "of-both-0123456789-0123456789-01234", "OF-BOTH", ""] {
        assert_eq!(served(other).await, None, "{other}");
    }
    assert!(served(&bench.token("ghazni", 1).await).await.is_some(), "a tenant's own is taken beside them");
    assert_eq!(format!("{tokens:?}"), "HmacInternalTokens(2 of shared servers)");
    // They are good whether or not anybody can be asked.
    bench.shelf.be_down(true);
    bench.keeper.be(Some(timed_out()));
    assert!(served("of-both-0123456789-0123456789-0123").await.is_some());
}

#[tokio::test]
async fn a_jitsi_that_was_known_goes_on_while_the_key_store_is_down_and_a_new_one_is_told_that_it_is() {
    let bench = Bench::new();
    let (known, new) = (bench.token("kabul", 1).await, "vci_herat.1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    bench.keeper.be(Some(timed_out()));
    bench.clock.advance(Duration::minutes(59));
    assert!(bench.acts_for(&known).await.is_some());
    let down: Result<_, SecretsError> = bench.internal().served(new).await;
    assert!(down.is_err());
    bench.clock.advance(Duration::minutes(10));
    assert!(bench.internal().served(&known).await.is_err());
}
