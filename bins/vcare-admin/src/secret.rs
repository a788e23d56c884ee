//! `vcare-admin secret`: the only command that prints one.

use clap::Subcommand;
use vcare_domain::TenantId;

use crate::service;

#[derive(Subcommand)]
pub enum SecretCommand {
    /// Print the secret that a tenant's Prosody must be given as `JWT_APP_SECRET`.
    Reveal {
        /// The tenant, as the identity provider names it.
        tenant: String,
    },
}

pub async fn run(command: SecretCommand) -> anyhow::Result<()> {
    let SecretCommand::Reveal { tenant } = command;
    let secret = service().await?.tenant_secrets.jitsi_secret(&TenantId::parse(tenant)?).await?;
    println!("{}", std::str::from_utf8(secret.expose())?);
    Ok(())
}
