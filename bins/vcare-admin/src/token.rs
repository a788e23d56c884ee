//! `vcare-admin token`: access tokens for the sandbox, signed as its identity provider would.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clap::{Args, Subcommand};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use serde_json::json;
use vcare_app::Role;
use vcare_app::ports::Clock;
use vcare_boot::{Config, IdentityConfig, Profile, SystemClock};
use vcare_domain::{PatientId, TenantId, UserId};

#[derive(Subcommand)]
pub enum TokenCommand {
    /// Print a new access token. Only where the identity provider is the sandbox's: on this machine, for development.
    Mint(Mint),
}

#[derive(Args)]
pub struct Mint {
    /// The tenant.
    #[arg(long)]
    tenant: String,
    /// The account.
    #[arg(long)]
    user: String,
    /// What the account may do; several times for several roles.
    #[arg(long = "role", required = true)]
    roles: Vec<String>,
    /// Whose account it is, for a patient's.
    #[arg(long)]
    patient: Option<String>,
    /// For how many hours it is good.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=8760))]
    hours: u16,
    /// The identity provider's key: PKCS#8, PEM. Default: `issuer.pem` beside the configuration file, where the sandbox has
    /// it.
    #[arg(long)]
    key: Option<PathBuf>,
}

pub fn mint(wish: Mint) -> anyhow::Result<()> {
    let config = Config::load()?;
    // A key that signs for patients is in nobody's hands but the provider's; this is no way around it.
    ensure!(
        config.profile == Profile::Development && config.identity.is_on_this_machine(),
        "only the sandbox's tokens can be minted: profile = \"development\" and an identity provider on this machine"
    );
    let key = Key::read(&wish.key.clone().map_or_else(beside_the_configuration, Ok)?)?;
    println!("{}", key.sign(&claims(&wish, &config.identity)?)?);
    Ok(())
}

fn beside_the_configuration() -> anyhow::Result<PathBuf> {
    let file = Config::file().context("--key: is needed without VCARE_CONFIG_FILE")?;
    Ok(file.with_file_name("issuer.pem"))
}

fn claims(wish: &Mint, identity: &IdentityConfig) -> anyhow::Result<serde_json::Value> {
    let tenant = TenantId::parse(wish.tenant.as_str()).context("--tenant")?;
    let user = UserId::parse(wish.user.as_str()).context("--user")?;
    let patient = wish.patient.as_deref().map(PatientId::parse).transpose().context("--patient")?;
    for role in &wish.roles {
        let known = Role::ALL.map(Role::as_str);
        ensure!(known.contains(&role.as_str()), "--role: expected one of {}", known.join(", "));
    }
    let now = SystemClock.now().unix_timestamp();
    let mut claims = json!({
        "iss": identity.issuer,
        "aud": identity.audience,
        "sub": user.as_str(),
        "typ": "Bearer",
        "iat": now,
        "exp": now + i64::from(wish.hours) * 3600,
        "realm_access": {"roles": wish.roles},
        "tenantId": tenant.as_str(),
    });
    if let Some(patient) = patient {
        claims["patient_id"] = json!(patient.as_str());
    }
    Ok(claims)
}

/// An RSA key; its id is its thumbprint (RFC 7638).
struct Key {
    pair: RsaKeyPair,
    id: String,
}

impl Key {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let pem = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let pair = STANDARD.decode(base64).ok().and_then(|der| RsaKeyPair::from_pkcs8(&der).ok());
        let pair = pair.with_context(|| format!("{} holds no RSA key", path.display()))?;
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
        let (e, n) = (encode(public.e), encode(public.n));
        let id = encode(digest(&SHA256, format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#).as_bytes()));
        Ok(Self { pair, id })
    }

    fn sign(&self, claims: &serde_json::Value) -> anyhow::Result<String> {
        let header = json!({"alg": "RS256", "kid": self.id, "typ": "JWT"});
        let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let signed = self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature);
        signed.map_err(|_| anyhow!("this machine has no randomness"))?;
        Ok(format!("{message}.{}", encode(signature)))
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
