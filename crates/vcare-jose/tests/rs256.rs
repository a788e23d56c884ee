//! Access tokens: only RS256, only with a published signing key.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use serde::Deserialize;
use serde_json::{Value, json};
use support::{RsaKey, b64, hmac_token};
use vcare_jose::rs256::{KeySet, verify};
use vcare_jose::{Fault, MAX_TOKEN_BYTES};

#[derive(Debug, PartialEq, Deserialize)]
struct Claims {
    sub: String,
}

fn somebody() -> Claims {
    Claims { sub: "somebody".to_owned() }
}

fn keys(jwks: &[Value]) -> KeySet {
    KeySet::from_json(json!({ "keys": jwks }).to_string().as_bytes()).unwrap()
}

fn header(changes: Value) -> Value {
    let mut header = json!({"alg": "RS256", "typ": "JWT", "kid": "k1"});
    for (name, value) in changes.as_object().unwrap() {
        header[name] = value.clone();
    }
    header
}

#[test]
fn a_token_of_a_published_key_passes_whatever_its_typ_is_spelled_like() {
    let key = RsaKey::get();
    let keys = keys(&[key.jwk("k1")]);
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT"] {
        let token = key.token(&header(json!({ "typ": typ })), &json!({"sub": "somebody", "exp": 1}));
        assert_eq!(verify(&token, &keys), Ok(somebody()), "{typ}");
    }
}

#[test]
fn every_other_token_is_refused() {
    let key = RsaKey::get();
    let set = keys(&[key.jwk("k1")]);
    let claims = json!({"sub": "somebody"});
    let good = key.token(&header(json!({})), &claims);
    let parts: Vec<&str> = good.split('.').collect();
    let signed = |changes: Value| key.token(&header(changes), &claims);
    let headed = |header: &str| format!("{}.{}.{}", b64(header), parts[1], parts[2]);
    let mut flipped = good.clone().into_bytes();
    let at = good.len() - 100;
    flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
    let confused = r#"{"alg":"HS256","typ":"JWT","kid":"k1"}"#;
    let table = [
        ("alg none, unsigned", format!("{}.{}.", b64(r#"{"alg":"none","kid":"k1"}"#), parts[1]), Fault::WrongAlgorithm),
        ("alg none", headed(r#"{"alg":"none","typ":"JWT","kid":"k1"}"#), Fault::WrongAlgorithm),
        ("HS256 with the modulus as key", hmac_token(&key.n, confused, &claims.to_string()), Fault::WrongAlgorithm),
        (
            "HS256 with the JWK as key",
            hmac_token(key.jwk("k1").to_string().as_bytes(), confused, &claims.to_string()),
            Fault::WrongAlgorithm,
        ),
        (
            "RS256 by header, HMAC by signature",
            hmac_token(&key.n, r#"{"alg":"RS256","typ":"JWT","kid":"k1"}"#, &claims.to_string()),
            Fault::BadSignature,
        ),
        ("RS512", signed(json!({"alg": "RS512"})), Fault::WrongAlgorithm),
        ("PS256", signed(json!({"alg": "PS256"})), Fault::WrongAlgorithm),
        ("an unknown key", signed(json!({"kid": "k2"})), Fault::UnknownKey { kid: "k2".to_owned() }),
        ("no key", key.token(&json!({"alg": "RS256", "typ": "JWT"}), &claims), Fault::Malformed),
        ("no typ", key.token(&json!({"alg": "RS256", "kid": "k1"}), &claims), Fault::WrongType),
        ("a logout token", signed(json!({"typ": "logout+jwt"})), Fault::WrongType),
        ("crit", signed(json!({"crit": ["exp"]})), Fault::Malformed),
        ("a flipped bit", String::from_utf8(flipped).unwrap(), Fault::BadSignature),
        ("a signature cut short", good[..good.len() - 6].to_owned(), Fault::BadSignature),
        ("a padded signature", format!("{good}=="), Fault::Malformed),
        ("other claims", format!("{}.{}.{}", parts[0], b64(r#"{"sub":"admin"}"#), parts[2]), Fault::BadSignature),
        ("claims of another shape", key.token(&header(json!({})), &json!({"sub": 7})), Fault::Malformed),
        ("a double dot", good.replacen('.', "..", 1), Fault::Malformed),
        ("huge", "a".repeat(MAX_TOKEN_BYTES + 1), Fault::Malformed),
        ("empty", String::new(), Fault::Malformed),
    ];
    for (name, token, expected) in table {
        assert_eq!(verify::<Claims>(&token, &set), Err(expected), "{name}");
    }
}

#[test]
fn keys_that_are_not_for_rs256_signatures_are_passed_over() {
    let key = RsaKey::get();
    let good = key.jwk("k1");
    let with = |name: &str, value: Value| {
        let mut jwk = good.clone();
        jwk[name] = value;
        jwk
    };
    let without = |name: &str| {
        let mut jwk = good.clone();
        jwk.as_object_mut().unwrap().remove(name);
        jwk
    };
    let table = [
        ("as published", good.clone(), true),
        ("no use", without("use"), true),
        ("no alg", without("alg"), true),
        ("a sign byte in front", with("n", json!(b64([&[0], &key.n[..]].concat()))), true),
        ("for encryption", with("use", json!("enc")), false),
        ("RSA-OAEP", with("alg", json!("RSA-OAEP")), false),
        ("RS512", with("alg", json!("RS512")), false),
        ("another type", with("kty", json!("EC")), false),
        ("no id", without("kid"), false),
        ("an empty id", with("kid", json!("")), false),
        ("no modulus", without("n"), false),
        ("no exponent", without("e"), false),
        ("a short modulus", with("n", json!(b64(&key.n[..128]))), false),
        ("2047 bits", with("n", json!(b64([&[0x7f], &key.n[1..]].concat()))), false),
        ("a modulus of zeros", with("n", json!(b64([0; 256]))), false),
        ("no base64", with("n", json!("***")), false),
        ("a number for an id", with("kid", json!(7)), false),
        ("not a key", json!("hello"), false),
    ];
    for (name, jwk, usable) in table {
        assert_eq!(keys(&[jwk]).contains("k1"), usable, "{name}");
    }
}

#[test]
fn one_bad_key_does_not_spoil_the_others() {
    let set = keys(&[json!({"kty": "oct", "k": "AAAA", "kid": "k0"}), RsaKey::get().jwk("k1"), json!(null)]);
    assert_eq!((set.len(), set.contains("k1"), set.is_empty()), (1, true, false));
    assert_eq!(format!("{set:?}"), r#"["k1"]"#);
}

#[test]
fn two_keys_of_one_id_are_both_tried() {
    let key = RsaKey::get();
    let mut other = key.jwk("k1");
    let mut n = key.n.clone();
    n[100] ^= 0x55;
    other["n"] = json!(b64(n));
    let token = key.token(&header(json!({})), &json!({"sub": "somebody"}));
    assert_eq!(verify(&token, &keys(&[other, key.jwk("k1")])), Ok(somebody()));
}

#[test]
fn what_is_no_key_set_is_refused() {
    for text in ["", "{}", "[]", r#"{"keys":{}}"#, "<html>"] {
        assert_eq!(KeySet::from_json(text.as_bytes()).err(), Some(Fault::Malformed), "{text}");
    }
}
