//! Tokens that verify, and tokens that must not.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use vcare_app::ports::Clock;
use vcare_jose::rs256::{self, KeySet};
use vcare_jose::{Fault, check_times};
use vcare_testkit::{Flaw, HandClock, Issuer, SigningKey, TokenSpec};

const URL: &str = "https://id.example/realms/ghasi";

fn issuer() -> Issuer {
    Issuer::new(URL, SigningKey::draw().unwrap())
}

fn keys(issuer: &Issuer) -> KeySet {
    KeySet::from_json(issuer.jwks().to_string().as_bytes()).unwrap()
}

fn spec(now: OffsetDateTime) -> TokenSpec {
    TokenSpec::new("dr-9", "tenant-a", &["clinician"]).issued_at(now)
}

#[test]
fn a_token_verifies_with_the_published_keys_and_says_what_it_was_told_to() {
    let (issuer, clock) = (issuer(), HandClock::new());
    let now = clock.now();
    let token = issuer.token(&spec(now).patient("pat-1").node("node-1").claim("azp", json!("portal")));
    let mut claims: Value = rs256::verify(&token, &keys(&issuer)).unwrap();
    assert!(claims.as_object_mut().unwrap().remove("jti").is_some());
    let at = now.unix_timestamp();
    assert_eq!(
        claims,
        json!({
            "iss": URL, "sub": "dr-9", "aud": "virtual-care-service", "typ": "Bearer", "azp": "portal",
            "iat": at, "nbf": at, "exp": at + 3600, "tenantId": "tenant-a", "patient_id": "pat-1",
            "node_id": "node-1", "realm_access": {"roles": ["clinician"]},
        })
    );
}

#[test]
fn a_rotated_issuer_signs_anew_and_publishes_the_old_key_until_it_is_retired() {
    let issuer = issuer();
    let spec = spec(HandClock::new().now());
    let (before, old_keys) = (issuer.token(&spec), keys(&issuer));
    issuer.rotate().unwrap();
    let after = issuer.token(&spec);
    for token in [&before, &after] {
        rs256::verify::<Value>(token, &keys(&issuer)).unwrap();
    }
    let kid = issuer.key().id().to_owned();
    assert_eq!(rs256::verify::<Value>(&after, &old_keys), Err(Fault::UnknownKey { kid }));
    issuer.retire_old_keys();
    assert!(rs256::verify::<Value>(&before, &keys(&issuer)).is_err());
    rs256::verify::<Value>(&after, &keys(&issuer)).unwrap();
}

#[test]
fn each_flawed_token_is_wrong_in_its_one_way() {
    let (issuer, now) = (issuer(), HandClock::new().now());
    let keys = keys(&issuer);
    for flaw in Flaw::ALL {
        let verified = rs256::verify::<Value>(&issuer.flawed_token(flaw, &spec(now)), &keys);
        let as_expected = match flaw {
            Flaw::AlgNone | Flaw::HmacWithPublicKey => verified == Err(Fault::WrongAlgorithm),
            Flaw::ForeignKey | Flaw::Altered => verified == Err(Fault::BadSignature),
            Flaw::UnknownKey => matches!(verified, Err(Fault::UnknownKey { .. })),
            _ => verified.is_ok(),
        };
        assert!(as_expected, "{flaw:?}: {verified:?}");
        // The others are signed well, and one claim is wrong.
        let Ok(claims) = verified else { continue };
        let times = check_times(claims["exp"].as_i64().unwrap(), claims["nbf"].as_i64(), now.unix_timestamp(), 60);
        let good = [
            times.is_ok(),
            claims["iss"] == URL,
            claims["aud"] == "virtual-care-service",
            claims["typ"] == "Bearer",
            claims["tenantId"].is_string(),
        ];
        assert_eq!(good.iter().filter(|good| !**good).count(), 1, "{flaw:?}: {claims}");
    }
}

#[test]
fn a_saved_key_is_the_same_key_and_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let path = std::env::temp_dir().join(format!("vcare-test-{}.pem", std::process::id()));
    let drawn = SigningKey::load_or_draw(&path).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let token = Issuer::new(URL, drawn).token(&spec(HandClock::new().now()).lifetime(Duration::DAY));
    let loaded = Issuer::new(URL, SigningKey::load_or_draw(&path).unwrap());
    rs256::verify::<Value>(&token, &keys(&loaded)).unwrap();
    std::fs::write(&path, "not a key").unwrap();
    assert!(SigningKey::load_or_draw(&path).is_err());
    std::fs::remove_file(path).unwrap();
}

#[test]
fn printing_a_key_shows_no_secret() {
    let key = SigningKey::draw().unwrap();
    assert_eq!(format!("{key:?}"), format!("SigningKey {{ id: {:?}, .. }}", key.id()));
}
