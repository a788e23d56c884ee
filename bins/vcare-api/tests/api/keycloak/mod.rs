//! Signing in at Keycloak: with tokens from an OpenID provider that is not ours, got by the flows that apps and services use, and
//! made by the protocol mappers of `deploy/keycloak`.

mod realm;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration as Patience;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::support::{CONSENTED, TestApp};

const CLINICIAN: &str = "dr-amin";
const PATIENT: &str = "ahmad";
/// A clinician of another hospital.
const STRANGER: &str = "dr-zahra";
/// Has a role at our client, and none in the realm.
const NURSE: &str = "nurse-laila";

/// The realm that operators import.
fn realm_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/keycloak/virtual-care-realm.json")
}

fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/keycloak").join(name)
}

fn json_of(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// A provider that plays Keycloak, until it is dropped.
struct Keycloak {
    process: Child,
    /// What it says after that: a provider whose notices nobody takes ends.
    _notices: BufReader<ChildStdout>,
    issuer: String,
    secrets: Value,
}

/// What somebody got.
struct Tokens {
    access: String,
    id: Option<String>,
    claims: Value,
}

impl Keycloak {
    async fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "where the provider is, and no setting of the service")]
        let installed = std::env::var_os("VCARE_TEST_OIDC").is_some();
        assert!(installed, "VCARE_TEST_OIDC is set by deploy/local/test");
        let mut command = Command::new("node");
        command.arg(beside("provider.mjs")).arg(realm_file()).arg(beside("users.json"));
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = piped.kill_on_drop(true).spawn().unwrap();
        let mut told = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let told_something = tokio::time::timeout(Patience::from_secs(60), lines.read_line(&mut told));
        told_something.await.expect("it does not start").unwrap();
        let told: Value = serde_json::from_str(&told).unwrap();
        let issuer = told["issuer"].as_str().unwrap().to_owned();
        Self { process, _notices: lines, issuer, secrets: told["secrets"].clone() }
    }

    async fn ask(&self, arguments: &[&str]) -> Tokens {
        let asked = Command::new("node").arg(beside("sign_in.mjs")).args(arguments).kill_on_drop(true).output();
        let asked = tokio::time::timeout(Patience::from_secs(60), asked).await.expect("no token comes").unwrap();
        assert!(asked.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&asked.stderr));
        let told: Value = serde_json::from_slice(&asked.stdout).unwrap();
        let access = told["access_token"].as_str().unwrap().to_owned();
        let claims = URL_SAFE_NO_PAD.decode(access.split('.').nth(1).unwrap()).unwrap();
        let id = told["id_token"].as_str().map(ToOwned::to_owned);
        Tokens { access, id, claims: serde_json::from_slice(&claims).unwrap() }
    }

    /// Signs somebody in as an app does: authorization code with PKCE.
    async fn sign_in(&self, username: &str) -> Tokens {
        let users = json_of(&beside("users.json"));
        let user = users.as_array().unwrap().iter().find(|user| user["username"] == username).unwrap();
        let password = user["credentials"][0]["value"].as_str().unwrap();
        let redirect = "https://care.example/app/callback";
        self.ask(&["person", &self.issuer, "virtual-care-app", redirect, username, password]).await
    }

    /// What a service gets for itself: client credentials.
    async fn sign_service_in(&self, client: &str) -> Tokens {
        self.ask(&["service", &self.issuer, client, self.secrets[client].as_str().unwrap()]).await
    }

    /// A service that trusts it, at the time at which it gives its tokens.
    async fn trusted_by(&self, settings: &str) -> TestApp {
        assert!(self.process.id().is_some(), "it has ended");
        let app = TestApp::start_with(&format!("identity.issuer = \"{}\"\n{settings}", self.issuer)).await;
        let token = self.sign_in(CLINICIAN).await;
        app.clock.set(OffsetDateTime::from_unix_timestamp(token.claims["iat"].as_i64().unwrap()).unwrap());
        app
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signed_in_at_keycloak_has_the_tenant_the_roles_and_the_patient_of_its_mappers() {
    let keycloak = Keycloak::start().await;
    let app = keycloak.trusted_by("").await;
    let clinician = keycloak.sign_in(CLINICIAN).await;
    let account = clinician.claims["sub"].as_str().unwrap();
    app.standins.assign(account, CONSENTED);

    let created = app.post(&clinician.access, "/sessions", &app.wish()).await.expect(201);
    let session = format!("/sessions/{}", created.text("id"));
    let participants = created.body["participants"].as_array().unwrap();
    let provider = participants.iter().find(|participant| participant["role"] == "provider").unwrap();
    assert_eq!(provider["userId"], account);

    let patient = keycloak.sign_in(PATIENT).await;
    assert_eq!(app.get(&patient.access, &session).await.expect(200).body["audience"], "patient");
    let scheduling = keycloak.sign_service_in("scheduling-service-hosp-kabul").await;
    assert_eq!(app.get(&scheduling.access, &session).await.expect(200).body["audience"], "scheduler");
    let stranger = keycloak.sign_in(STRANGER).await;
    app.get(&stranger.access, &session).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_keycloak_that_are_not_for_the_api_name_no_tenant_or_are_over_open_nothing() {
    let keycloak = Keycloak::start().await;
    let app = keycloak.trusted_by("").await;
    let clinician = keycloak.sign_in(CLINICIAN).await;
    app.get(&clinician.access, "/sessions").await.expect(200);
    app.get(&clinician.id.unwrap(), "/sessions").await.expect(401);
    let nobody = keycloak.sign_in("without-a-hospital").await;
    app.get(&nobody.access, "/sessions").await.expect(401);
    // The realm's five minutes, and what clocks may differ by.
    app.clock.advance(Duration::minutes(5) + Duration::seconds(60));
    app.get(&clinician.access, "/sessions").await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_at_our_client_of_keycloak_count_where_the_setting_names_them() {
    let keycloak = Keycloak::start().await;
    let nurse = keycloak.sign_in(NURSE).await;
    let app = keycloak.trusted_by("").await;
    app.get(&nurse.access, "/sessions").await.expect(403);
    let roles = "identity.role_claims = [\"resource_access.virtual-care-service.roles\"]";
    let app = keycloak.trusted_by(roles).await;
    app.get(&nurse.access, "/sessions").await.expect(200);
}
