//! Tokens for the sandbox, and for nobody else.

use std::path::PathBuf;

use vcare_boot::{Config, Overrides, compose};
use vcare_testkit::{SigningKey, Standins, StandinsConfig, TestDatabase};

use crate::{Run, Settings};

const MINT: [&str; 8] = ["token", "mint", "--tenant", "hosp-kabul", "--user", "dr-sahar", "--role", "clinician"];

/// A sandbox's identity provider, and its key in a file.
async fn provider(name: &str) -> (Standins, PathBuf) {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-issuer.pem"));
    let key = file.clone();
    let signing_key = tokio::task::spawn_blocking(move || SigningKey::load_or_draw(&key)).await.unwrap().unwrap();
    let config = StandinsConfig { signing_key: Some(signing_key), ..StandinsConfig::default() };
    (Standins::start(config).await.unwrap(), file)
}

fn configuration(database: &TestDatabase, issuer: &str) -> Settings {
    let settings = Settings::of(database);
    let text = std::fs::read_to_string(&settings.0).unwrap();
    std::fs::write(&settings.0, text.replace("https://id.example/realms/ghasi", issuer)).unwrap();
    settings
}

fn mint(settings: &Settings, key: &std::path::Path, more: &[&str]) -> Run {
    settings.run(&[&MINT[..], &["--key", key.to_str().unwrap()], more].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minted_token_is_good_for_its_account_and_no_longer_than_said() {
    let (standins, key) = provider("good").await;
    let database = TestDatabase::create().await.unwrap();
    let settings = configuration(&database, standins.issuer().url());
    let run = mint(&settings, &key, &["--hours", "2", "--role", "admin"]);
    assert_eq!(run.code, 0, "{run:?}");
    let service = compose(&Config::from_file(&settings.0).unwrap(), Overrides::default()).await.unwrap();
    let caller = service.access_tokens.verify(run.out.trim()).await.unwrap();
    assert_eq!((caller.tenant_id.as_str(), caller.user_id.as_str()), ("hosp-kabul", "dr-sahar"));
    let life = claims(run.out.trim());
    assert_eq!(life["exp"].as_i64().unwrap() - life["iat"].as_i64().unwrap(), 7200);
    std::fs::remove_file(key).unwrap();
}

fn claims(token: &str) -> serde_json::Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_minted_for_a_provider_that_is_not_the_sandboxs_nor_in_production() {
    let (standins, key) = provider("refused").await;
    let database = TestDatabase::create().await.unwrap();
    let elsewhere = Settings::of(&database);
    let run = mint(&elsewhere, &key, &[]);
    assert!(run.code == 1 && run.out.is_empty() && run.err.contains("only the sandbox's"), "{run:?}");

    let settings = configuration(&database, standins.issuer().url());
    let text = std::fs::read_to_string(&settings.0).unwrap();
    let text = text
        .replace("\"development\"", "\"production\"")
        .replace("create_if", "allow_local_in_production = true, create_if");
    let allowed =
        "scanner = { allow_none_in_production = true }\napi = { allow_no_client_address_in_production = true }";
    let text = format!("{allowed}\n{text}");
    std::fs::write(&settings.0, text).unwrap();
    let run = mint(&settings, &key, &[]);
    assert!(run.code == 1 && run.out.is_empty() && run.err.contains("only the sandbox's"), "{run:?}");
    std::fs::remove_file(key).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_minted_is_named() {
    let (standins, key) = provider("named").await;
    let database = TestDatabase::create().await.unwrap();
    let settings = configuration(&database, standins.issuer().url());
    for (more, expected) in [
        (&["--role", "surgeon"][..], "--role: expected one of clinician"),
        (&["--patient", "a b"], "--patient"),
        (&["--hours", "0"], "--hours"),
        (&["--hours", "9000"], "--hours"),
    ] {
        let run = mint(&settings, &key, more);
        assert!(run.code != 0 && run.out.is_empty() && run.err.contains(expected), "{run:?}");
    }
    std::fs::write(&key, "no key").unwrap();
    let run = mint(&settings, &key, &[]);
    assert!(run.code == 1 && run.err.contains("holds no RSA key"), "{run:?}");
    std::fs::remove_file(&key).unwrap();
    let run = mint(&settings, &key, &[]);
    assert!(run.code == 1 && run.err.contains("cannot be read"), "{run:?}");
}
