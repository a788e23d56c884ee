//! Tokens with a shared key: what passes, and everything that must not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use support::{b64, hmac_token};
use vcare_jose::{Fault, MAX_TOKEN_BYTES, hs256, peek_unverified_claims};

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";
const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
}

fn claims() -> Claims {
    Claims { sub: "somebody".to_owned(), exp: 1 }
}

#[test]
fn a_signed_token_reads_back_and_its_time_is_not_looked_at() {
    let token = hs256::sign(KEY, &claims()).unwrap();
    assert_eq!(hs256::verify(KEY, &token), Ok(claims()));
    assert_eq!(peek_unverified_claims(&token), Ok(claims()));
}

#[test]
fn the_header_is_what_prosody_asks_for_and_the_signature_is_plain_hmac() {
    let token = hs256::sign(KEY, &claims()).unwrap();
    assert_eq!(token, hmac_token(KEY, HEADER, r#"{"sub":"somebody","exp":1}"#));
    assert_eq!(token, hs256::sign(KEY, &claims()).unwrap());
}

#[test]
fn every_other_token_is_refused() {
    let good = hs256::sign(KEY, &claims()).unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    let body = r#"{"sub":"somebody","exp":1}"#;
    let none = b64(r#"{"typ":"JWT","alg":"none"}"#);
    let table = [
        ("empty", String::new(), Fault::Malformed),
        ("dots", "..".to_owned(), Fault::Malformed),
        ("one part", "abc".to_owned(), Fault::Malformed),
        ("no signature", format!("{}.{}", parts[0], parts[1]), Fault::Malformed),
        ("an empty signature", format!("{}.{}.", parts[0], parts[1]), Fault::Malformed),
        ("alg none, unsigned", format!("{none}.{}.", parts[1]), Fault::WrongAlgorithm),
        ("alg none, with our signature", format!("{none}.{}.{}", parts[1], parts[2]), Fault::WrongAlgorithm),
        ("alg none, signed", hmac_token(KEY, r#"{"typ":"JWT","alg":"none"}"#, body), Fault::WrongAlgorithm),
        ("alg HS512", hmac_token(KEY, r#"{"typ":"JWT","alg":"HS512"}"#, body), Fault::WrongAlgorithm),
        ("alg RS256", hmac_token(KEY, r#"{"typ":"JWT","alg":"RS256"}"#, body), Fault::WrongAlgorithm),
        ("alg in lower case", hmac_token(KEY, r#"{"typ":"JWT","alg":"hs256"}"#, body), Fault::WrongAlgorithm),
        ("no alg", hmac_token(KEY, r#"{"typ":"JWT"}"#, body), Fault::Malformed),
        ("two algs", hmac_token(KEY, r#"{"typ":"JWT","alg":"none","alg":"HS256"}"#, body), Fault::Malformed),
        ("no typ", hmac_token(KEY, r#"{"alg":"HS256"}"#, body), Fault::WrongType),
        ("typ in lower case", hmac_token(KEY, r#"{"typ":"jwt","alg":"HS256"}"#, body), Fault::WrongType),
        ("crit", hmac_token(KEY, r#"{"typ":"JWT","alg":"HS256","crit":["b64"]}"#, body), Fault::Malformed),
        ("header no JSON", hmac_token(KEY, "hello", body), Fault::Malformed),
        ("claims no JSON", hmac_token(KEY, HEADER, "hello"), Fault::Malformed),
        ("claims of another shape", hmac_token(KEY, HEADER, r#"{"sub":1}"#), Fault::Malformed),
        ("another key", hmac_token(b"another-key-of-thirty-two-bytes!", HEADER, body), Fault::BadSignature),
        ("a signature cut short", good[..good.len() - 3].to_owned(), Fault::BadSignature),
        ("a padded signature", format!("{good}="), Fault::Malformed),
        ("padded claims", format!("{}.{}==.{}", parts[0], parts[1], parts[2]), Fault::BadSignature),
        ("standard base64", format!("{}.{}.+/+/", parts[0], parts[1]), Fault::Malformed),
        ("a double dot", format!("{}..{}.{}", parts[0], parts[1], parts[2]), Fault::Malformed),
        ("a fourth part", format!("{good}.x"), Fault::Malformed),
        ("a leading dot", format!(".{good}"), Fault::Malformed),
        ("a trailing dot", format!("{good}."), Fault::Malformed),
        ("white space", format!(" {good}"), Fault::Malformed),
        ("a line break", format!("{good}\n"), Fault::Malformed),
        ("other claims", format!("{}.{}.{}", parts[0], b64(r#"{"sub":"x","exp":1}"#), parts[2]), Fault::BadSignature),
        ("huge", "a".repeat(MAX_TOKEN_BYTES + 1), Fault::Malformed),
    ];
    for (name, token, expected) in table {
        assert_eq!(hs256::verify::<Claims>(KEY, &token), Err(expected), "{name}");
    }
}

#[test]
fn a_right_token_is_taken_up_to_the_limit_and_not_above() {
    let overhead = hs256::sign(KEY, &serde_json::json!({"pad": ""})).unwrap().len();
    let of = |bytes: usize| {
        let pad = "x".repeat((bytes - overhead) * 3 / 4);
        hs256::sign(KEY, &serde_json::json!({"pad": pad})).unwrap()
    };
    let fits = of(MAX_TOKEN_BYTES - 8);
    assert!(fits.len() <= MAX_TOKEN_BYTES);
    assert!(hs256::verify::<Value>(KEY, &fits).is_ok());
    let above = of(MAX_TOKEN_BYTES + 8);
    assert_eq!(hs256::verify::<Value>(KEY, &above), Err(Fault::Malformed));
    assert_eq!(peek_unverified_claims::<Value>(&above), Err(Fault::Malformed));
}

#[test]
fn a_changed_character_anywhere_is_noticed() {
    let good = hs256::sign(KEY, &claims()).unwrap();
    for at in 0..good.len() {
        for replacement in [b'A', b'z', b'.', b'_'] {
            let mut bytes = good.clone().into_bytes();
            if bytes[at] == replacement {
                continue;
            }
            bytes[at] = replacement;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(hs256::verify::<Claims>(KEY, &changed).is_err(), "position {at}");
        }
    }
}

#[test]
fn a_key_shorter_than_the_hash_signs_and_verifies_nothing() {
    assert_eq!(hs256::sign(&KEY[..31], &claims()), Err(Fault::WeakKey));
    let token = hmac_token(b"", HEADER, r#"{"sub":"somebody","exp":1}"#);
    assert_eq!(hs256::verify::<Claims>(b"", &token), Err(Fault::WeakKey));
}

#[test]
fn a_fault_tells_nothing_of_the_token() {
    let fault = Fault::UnknownKey { kid: "from-outside".to_owned() };
    assert!(!fault.to_string().contains("outside"));
}

#[test]
fn installing_the_provider_again_changes_nothing() {
    vcare_jose::install();
    vcare_jose::install();
    assert!(hs256::sign(KEY, &claims()).is_ok());
}
