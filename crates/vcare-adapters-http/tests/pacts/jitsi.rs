//! Jitsi's web server: whether a tenant's rooms can be opened.
//!
//! The login that tests a connection is XMPP that is carried over the same address: a conversation, which a pact cannot
//! tell. `tests/jitsi.rs` and the stand-in's own tests have it.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;
use vcare_adapters_http::{AddressPolicy, ClientConfig, JitsiVideo};
use vcare_app::ports::{NeighbourFault, Secret, SecretName, SecretsError, TenantSecrets, VideoError, VideoProvider};
use vcare_domain::{TenantConfig, TenantConfigDraft, TenantId, Version};
use vcare_testkit::pacts::{Interaction, Response};

use crate::contract::{Contract, traced};
use crate::kabul;
use crate::support::{HandClock, client_of, trace};
use crate::tls::Authority;

/// Nothing is signed to ask for health.
struct NoSecrets;

#[async_trait]
impl TenantSecrets for NoSecrets {
    async fn brought(&self, _: &TenantId, _: SecretName) -> Result<Option<Secret>, SecretsError> {
        Ok(None)
    }

    async fn jitsi_secret(&self, _: &TenantId) -> Result<Secret, SecretsError> {
        Err(SecretsError("none is needed".into()))
    }
}

async fn health(port: u16, authority: &Authority) -> Result<(), VideoError> {
    let trusting = ClientConfig::new(AddressPolicy::PRIVATE);
    let config = ClientConfig { extra_roots_pem: vec![authority.pem.clone()], ..trusting };
    let client = client_of(&config, HandClock::new());
    let jitsi = JitsiVideo::new(client.clone(), client, Arc::new(NoSecrets), HandClock::new());
    let draft = TenantConfigDraft::new(format!("https://localhost:{port}"), "kabul");
    let tenant = TenantConfig::check(kabul(), Version::FIRST, draft).unwrap();
    jitsi.health(&tenant, &trace()).await
}

#[tokio::test]
async fn the_contract_with_jitsi_tells_whether_rooms_open() {
    let authority = Authority::new();
    let mut contract = Contract::with("jitsi-web").over_tls(authority.server(&["localhost"]));
    let up = Interaction::new("whether rooms open", traced("GET", "/http-bind"), Response::new(200));
    let told = contract.says([up], async |port| health(port, &authority).await).await;
    assert!(told.is_ok(), "{told:?}");

    let down = Interaction::new("whether rooms open", traced("GET", "/http-bind"), Response::new(502))
        .given("Prosody is down", &json!({}));
    let told = contract.says([down], async |port| health(port, &authority).await).await;
    let Err(VideoError::Unavailable(error)) = told else { panic!("{told:?}") };
    assert_eq!(error.fault, NeighbourFault::Status(502));
    contract.must_be_committed();
}
