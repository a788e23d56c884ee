//! What an access token must say to let somebody in, and who it lets in.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use support::{HandClock, Reply, Stub, answer, client_of};
use time::Duration;
use url::Url;
use vcare_adapters_http::{
    AccessTokenConfig, AddressPolicy, ClientConfig, JwksConfig, JwksLocation, JwksSource, OidcAccessTokens,
};
use vcare_app::Role;
use vcare_app::ports::{AccessTokenFault, AccessTokens, Clock, SignedIn};
use vcare_testkit::{Flaw, Issuer, SigningKey, TokenSpec};

const ISSUER: &str = "https://id.example/realms/ghasi";
const AUDIENCE: &str = "virtual-care-service";

/// Claims that a token has besides the usual ones, or in their place.
type Claims<'a> = &'a [(&'a str, Value)];

/// An issuer, and a verifier who trusts it.
struct Door {
    issuer: Issuer,
    clock: Arc<HandClock>,
    tokens: OidcAccessTokens,
    _keys: Stub,
}

impl Door {
    async fn new(change: impl FnOnce(&mut AccessTokenConfig)) -> Self {
        // Drawing a key takes a while: all tests share one.
        let key = Path::new(env!("CARGO_TARGET_TMPDIR")).join("issuer.pem");
        let issuer = Issuer::new(ISSUER, SigningKey::load_or_draw(&key).unwrap());
        let jwks = issuer.jwks().to_string();
        let keys = Stub::answering(move |_, _| support::json("200 OK", &jwks)).await;
        Self::asking(issuer, keys, change)
    }

    fn asking(issuer: Issuer, keys: Stub, change: impl FnOnce(&mut AccessTokenConfig)) -> Self {
        let clock = HandClock::new();
        let location = JwksLocation::Url(Url::parse(&format!("{}/keys", keys.url())).unwrap());
        let client = client_of(&ClientConfig::new(AddressPolicy::PRIVATE), Arc::clone(&clock));
        let source = JwksSource::new(client, JwksConfig::new(ISSUER, location));
        let mut config = AccessTokenConfig::new(AUDIENCE);
        change(&mut config);
        let tokens = OidcAccessTokens::new(source, config, Arc::clone(&clock) as Arc<dyn Clock>);
        Self { issuer, clock, tokens, _keys: keys }
    }

    fn account(&self) -> TokenSpec {
        TokenSpec::new("dr-amiri", "hosp-kabul", &["clinician"]).issued_at(self.clock.now())
    }

    /// Whom an account with these claims, too, is taken for.
    async fn sees(&self, claims: Claims<'_>) -> Result<SignedIn, AccessTokenFault> {
        let account = claims.iter().fold(self.account(), |spec, (name, value)| spec.claim(*name, value.clone()));
        self.tokens.verify(&self.issuer.token(&account)).await
    }
}

fn tenant(seen: Result<SignedIn, AccessTokenFault>) -> Result<String, AccessTokenFault> {
    seen.map(|seen| seen.tenant_id.to_string())
}

#[tokio::test]
async fn the_first_tenant_claim_that_is_there_counts_and_is_one_text() {
    let door = Door::new(|_| {}).await;
    let invalid = Err(AccessTokenFault::Invalid("tenant"));
    let none = || ("tenantId", Value::Null);
    let table: [(Claims<'_>, Result<&str, AccessTokenFault>); 14] = [
        (&[], Ok("hosp-kabul")),
        (&[none(), ("tenant_id", json!("a"))], Ok("a")),
        (&[none(), ("tid", json!("b"))], Ok("b")),
        (&[none(), ("tenant_id", json!("a")), ("tid", json!("b"))], Ok("a")),
        (&[("tenant_id", json!("a")), ("tid", json!("b"))], Ok("hosp-kabul")),
        // One that is there and wrong is not made up for by the next.
        (&[("tenantId", json!(["hosp-kabul"])), ("tid", json!("b"))], invalid),
        (&[("tenantId", json!("")), ("tenant_id", json!("a"))], invalid),
        (&[("tenantId", json!(["a", "b"]))], invalid),
        (&[("tenantId", json!([]))], invalid),
        (&[("tenantId", json!({"id": "a"}))], invalid),
        (&[("tenantId", json!(7))], invalid),
        (&[("tenantId", json!("hosp kabul"))], invalid),
        (&[("tenantId", json!("x".repeat(65)))], invalid),
        (&[none(), ("tenant", json!("a")), ("TenantId", json!("a"))], invalid),
    ];
    for (claims, expected) in table {
        assert_eq!(tenant(door.sees(claims).await), expected.map(ToOwned::to_owned), "{claims:?}");
    }
}

#[tokio::test]
async fn a_deployment_may_name_the_claims_of_tenant_and_roles() {
    let door = Door::new(|config| {
        config.tenant_claims = vec!["https://ghasi.example/tenant".to_owned()];
        config.role_claims = vec!["resource_access.virtual-care.roles".to_owned()];
    })
    .await;
    let access = json!({"virtual-care": {"roles": ["scheduler"]}});
    let own = ("https://ghasi.example/tenant", json!("hosp-herat"));
    let seen = door.sees(&[own, ("resource_access", access)]).await.unwrap();
    assert_eq!((seen.tenant_id.as_str(), seen.roles), ("hosp-herat", vec![Role::Scheduler]));
    assert_eq!(tenant(door.sees(&[]).await), Err(AccessTokenFault::Invalid("tenant")));
}

#[tokio::test]
async fn roles_of_both_places_count_and_unknown_ones_give_no_right() {
    let door = Door::new(|_| {}).await;
    let realm = |roles: Value| ("realm_access", json!({ "roles": roles }));
    use Role::{Admin, Clinician, Patient};
    let table: [(Claims<'_>, &[Role]); 12] = [
        (&[], &[Clinician]),
        (&[("roles", json!(["admin"]))], &[Clinician, Admin]),
        (&[("realm_access", Value::Null), ("roles", json!(["patient"]))], &[Patient]),
        (&[("realm_access", Value::Null)], &[]),
        (&[realm(json!([]))], &[]),
        (&[realm(json!(["offline_access", "clinician", "uma_authorization"]))], &[Clinician]),
        (&[realm(json!(["Clinician", "CLINICIAN", "clinician ", "clinicia"]))], &[]),
        (&[realm(json!("clinician"))], &[]),
        (&[realm(json!({"clinician": true}))], &[]),
        (&[realm(json!([["clinician"], {"name": "clinician"}, 7, null]))], &[]),
        (&[("realm_access", json!(["clinician"]))], &[]),
        (&[("realm_access", Value::Null), ("realm_access.roles", json!(["clinician"]))], &[]),
    ];
    for (claims, expected) in table {
        assert_eq!(door.sees(claims).await.unwrap().roles, expected, "{claims:?}");
    }
}

#[tokio::test]
async fn the_audience_is_us_alone_or_among_others() {
    let door = Door::new(|_| {}).await;
    let table = [
        (json!(AUDIENCE), true),
        (json!([AUDIENCE]), true),
        (json!(["account", AUDIENCE]), true),
        (Value::Null, false),
        (json!([]), false),
        (json!(""), false),
        (json!("account"), false),
        (json!(["account", "virtual-care-service-2"]), false),
        (json!("account virtual-care-service"), false),
        (json!("VIRTUAL-CARE-SERVICE"), false),
        (json!([[AUDIENCE]]), false),
        (json!({ AUDIENCE: true }), false),
    ];
    for (audience, passes) in table {
        let seen = door.sees(&[("aud", audience.clone())]).await;
        assert_eq!(seen.as_ref().err(), (!passes).then_some(&AccessTokenFault::Invalid("audience")), "{audience}");
    }
}

#[tokio::test]
async fn the_issuer_is_exactly_ours() {
    let door = Door::new(|_| {}).await;
    let slash = format!("{ISSUER}/");
    for issuer in [
        json!(slash),
        json!(ISSUER.to_uppercase()),
        json!("http://id.example/realms/ghasi"),
        json!([ISSUER]),
        Value::Null,
    ] {
        let seen = door.sees(&[("iss", issuer.clone())]).await;
        assert_eq!(seen.err(), Some(AccessTokenFault::Invalid("issuer")), "{issuer}");
    }
}

#[tokio::test]
async fn a_token_is_good_from_thirty_seconds_before_it_begins_until_thirty_after_it_ends() {
    let door = Door::new(|_| {}).await;
    let now = door.clock.now().unix_timestamp();
    let expired = || Err(AccessTokenFault::Expired);
    let invalid = |what| Err(AccessTokenFault::Invalid(what));
    let table: [(&str, Value, Result<(), AccessTokenFault>); 14] = [
        ("exp", json!(now + 1), Ok(())),
        ("exp", json!(now - 29), Ok(())),
        ("exp", json!(now - 30), expired()),
        ("exp", json!(0), expired()),
        ("exp", json!(-1), expired()),
        ("exp", json!(now as f64 - 29.5), expired()),
        ("exp", json!(now as f64 + 0.5), Ok(())),
        ("exp", Value::Null, invalid("exp")),
        ("exp", json!("2099-01-01T00:00:00Z"), invalid("exp")),
        ("exp", json!(1e30), invalid("exp")),
        ("nbf", json!(now + 30), Ok(())),
        ("nbf", json!(now + 31), invalid("not valid yet")),
        ("nbf", Value::Null, Ok(())),
        ("nbf", json!("now"), invalid("nbf")),
    ];
    for (claim, value, expected) in table {
        assert_eq!(door.sees(&[(claim, value.clone())]).await.map(drop), expected, "{claim} {value}");
    }
    let strict = Door::new(|config| config.leeway_seconds = 0).await;
    assert_eq!(strict.sees(&[("exp", json!(now))]).await.map(drop), expired());
    assert_eq!(strict.sees(&[("exp", json!(now + 1))]).await.map(drop), Ok(()));
    assert_eq!(strict.sees(&[("nbf", json!(now + 1))]).await.map(drop), invalid("not valid yet"));
}

#[tokio::test]
async fn a_token_ends_by_the_services_clock() {
    let door = Door::new(|_| {}).await;
    let token = door.issuer.token(&door.account().lifetime(Duration::minutes(5)));
    for _ in 0..5 {
        door.tokens.verify(&token).await.unwrap();
        door.clock.advance(Duration::MINUTE);
    }
    door.clock.advance(Duration::seconds(29));
    door.tokens.verify(&token).await.unwrap();
    door.clock.advance(Duration::SECOND);
    assert_eq!(door.tokens.verify(&token).await.map(drop), Err(AccessTokenFault::Expired));
}

#[tokio::test]
async fn a_token_says_what_it_is_for_and_whose_it_is() {
    let door = Door::new(|_| {}).await;
    let invalid = |what| Err(AccessTokenFault::Invalid(what));
    let table: [(&str, Value, Result<(), AccessTokenFault>); 11] = [
        ("typ", json!("Bearer"), Ok(())),
        ("typ", Value::Null, Ok(())),
        ("typ", json!("ID"), invalid("type")),
        ("typ", json!("Refresh"), invalid("type")),
        ("typ", json!("bearer"), invalid("type")),
        ("typ", json!(["Bearer"]), invalid("type")),
        ("sub", json!("google|118@x:y"), Ok(())),
        ("sub", Value::Null, invalid("sub")),
        ("sub", json!(""), invalid("sub")),
        ("sub", json!("a b"), invalid("sub")),
        ("sub", json!(7), invalid("sub")),
    ];
    for (claim, value, expected) in table {
        assert_eq!(door.sees(&[(claim, value.clone())]).await.map(drop), expected, "{claim} {value}");
    }
}

#[tokio::test]
async fn facility_and_patient_are_read_where_they_are_and_dropped_where_they_make_no_sense() {
    let door = Door::new(|_| {}).await;
    let seen = door.sees(&[]).await.unwrap();
    assert!(seen.node_id.is_none() && seen.patient_id.is_none());
    let nodes = [("node_id", "ward-3"), ("context_node_id", "ward-3")];
    for (claim, node) in nodes {
        let seen = door.sees(&[(claim, json!(node))]).await.unwrap();
        assert_eq!(seen.node_id.unwrap().as_str(), node, "{claim}");
    }
    let both = door.sees(&[("context_node_id", json!("here")), ("node_id", json!("home"))]).await.unwrap();
    assert_eq!(both.node_id.unwrap().as_str(), "here");
    for claim in ["patient_id", "patientId"] {
        let seen = door.sees(&[(claim, json!("pat-7"))]).await.unwrap();
        assert_eq!(seen.patient_id.unwrap().as_str(), "pat-7", "{claim}");
        for wrong in [json!(7), json!("a b"), json!(["pat-7"]), json!("")] {
            let seen = door.sees(&[(claim, wrong.clone())]).await.unwrap();
            assert!(seen.patient_id.is_none(), "{claim} {wrong}");
        }
    }
}

#[tokio::test]
async fn no_flawed_token_passes_and_none_is_repeated() {
    let door = Door::new(|_| {}).await;
    for flaw in Flaw::ALL {
        let token = door.issuer.flawed_token(flaw, &door.account());
        let fault = door.tokens.verify(&token).await.map(drop).unwrap_err();
        assert!(!matches!(fault, AccessTokenFault::Unavailable(_)), "{flaw:?}: {fault:?}");
        for part in token.split('.').filter(|part| part.len() > 8) {
            assert!(!format!("{fault} {fault:?}").contains(part), "{flaw:?}");
        }
    }
    for garbage in ["", " ", ".", "..", "a.b.c", "{}", "a.b", "a.b.c.d", &"x".repeat(100_000)] {
        assert_eq!(
            door.tokens.verify(garbage).await.map(drop),
            Err(AccessTokenFault::Invalid("malformed")),
            "{garbage:.20}"
        );
    }
}

#[tokio::test]
async fn without_keys_nobody_is_let_in_and_nobody_is_called_invalid() {
    let key = Path::new(env!("CARGO_TARGET_TMPDIR")).join("issuer.pem");
    let issuer = Issuer::new(ISSUER, SigningKey::load_or_draw(&key).unwrap());
    let down = Stub::replying(vec![answer("503 Service Unavailable", "")]).await;
    let door = Door::asking(issuer, down, |_| {});
    assert!(matches!(door.sees(&[]).await, Err(AccessTokenFault::Unavailable(_))));
    let empty = Stub::replying(vec![Reply::Close]).await;
    let door = Door::asking(door.issuer, empty, |_| {});
    assert!(matches!(door.sees(&[]).await, Err(AccessTokenFault::Unavailable(_))));
}
