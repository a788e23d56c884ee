//! `vcare-admin secret`: the only command that prints one.

use anyhow::Context;
use clap::Subcommand;
use vcare_domain::TenantId;

use crate::{scope, service};

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
    let service = service().await?;
    let shown = service.app.reveal_jitsi_secret(&scope(&service, TenantId::parse(tenant)?)?, false).await?;
    let (_, secret) = shown.context("the tenant brought its own secret, which is never shown")?;
    println!("{}", std::str::from_utf8(secret.expose())?);
    Ok(())
}
