//! `vcare-admin`: the operators' tool.

#![expect(clippy::print_stdout, reason = "its answers go to standard output")]

use clap::{Args, Parser, Subcommand};
use vcare_app::{ActorRef, Scope, TraceContext};
use vcare_boot::{Config, Overrides, compose, install_crypto, migrations};
use vcare_domain::{TenantConfigDraft, TenantId};

/// Runs the virtual care service: database, settings, tenants. Configured by the same `VCARE_…` variables as the service.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring the database up to date.
    Migrate(Migrate),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Tenants' settings.
    #[command(subcommand)]
    Tenant(TenantCommand),
}

#[derive(Args)]
struct Migrate {
    /// The database, as its owner; `VCARE_DATABASE__URL` when absent.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Only say what would be run; exit with 3 when there is something.
    #[arg(long)]
    dry_run: bool,
    /// Let this login run the service.
    #[arg(long, value_name = "LOGIN")]
    service_login: Option<String>,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Say what is wrong with it; exit with 1 when anything is.
    Check,
}

#[derive(Subcommand)]
enum TenantCommand {
    /// Write a tenant's settings; the rest is left at its default.
    Set(TenantSet),
}

#[derive(Args)]
struct TenantSet {
    /// The tenant, as the identity provider names it.
    tenant: String,
    /// Public address of its Jitsi, https.
    #[arg(long)]
    jitsi_server_url: String,
    /// First part of every room name.
    #[arg(long)]
    room_slug_prefix: String,
    /// Path segment in front of the room, when several tenants share the Jitsi.
    #[arg(long)]
    jitsi_tenant: Option<String>,
    /// The XMPP domain of the Jitsi deployment.
    #[arg(long, default_value = "meet.jitsi")]
    jitsi_xmpp_domain: String,
    /// The most people in a visit, 2 to 20.
    #[arg(long, default_value_t = 6)]
    max_participants: u32,
    /// The clinic's IANA time zone.
    #[arg(long, default_value = "Asia/Kabul")]
    time_zone: String,
}

/// There is something to do.
const PENDING: u8 = 3;

#[tokio::main(worker_threads = 1)]
async fn main() -> anyhow::Result<std::process::ExitCode> {
    install_crypto();
    match Arguments::parse().command {
        Command::Migrate(arguments) => return migrate(arguments).await,
        Command::Config(ConfigCommand::Check) => {
            Config::load()?;
            println!("the configuration is good");
        }
        Command::Tenant(TenantCommand::Set(arguments)) => set_tenant(arguments).await?,
    }
    Ok(std::process::ExitCode::SUCCESS)
}

async fn migrate(arguments: Migrate) -> anyhow::Result<std::process::ExitCode> {
    let url = match arguments.database_url {
        Some(url) => url,
        None => Config::load()?.database.url.expose().to_owned(),
    };
    if arguments.dry_run {
        let pending = migrations::pending_migrations(&url).await?;
        for name in &pending {
            println!("would run {name}");
        }
        if !pending.is_empty() {
            return Ok(PENDING.into());
        }
        println!("the database is up to date");
        return Ok(std::process::ExitCode::SUCCESS);
    }
    for name in migrations::migrate(&url).await? {
        println!("ran {name}");
    }
    if let Some(login) = arguments.service_login {
        migrations::allow_login(&url, &login).await?;
        println!("{login} may run the service");
    }
    println!("the database is up to date");
    Ok(std::process::ExitCode::SUCCESS)
}

async fn set_tenant(arguments: TenantSet) -> anyhow::Result<()> {
    let config = Config::load()?;
    let service = compose(&config, Overrides::default()).await?;
    let scope = Scope {
        tenant_id: TenantId::parse(arguments.tenant)?,
        actor: ActorRef::System("vcare-admin"),
        trace: TraceContext { correlation_id: service.ids.uuid().to_string(), traceparent: String::new() },
    };
    let draft = TenantConfigDraft {
        jitsi_tenant: arguments.jitsi_tenant,
        jitsi_xmpp_domain: arguments.jitsi_xmpp_domain,
        max_participants: arguments.max_participants,
        time_zone: arguments.time_zone,
        ..TenantConfigDraft::new(arguments.jitsi_server_url, arguments.room_slug_prefix)
    };
    let set = service.app.set_tenant_config(&scope, draft).await?;
    println!("{} is at version {}", set.tenant_id(), set.version());
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_defined() {
        Arguments::command().debug_assert();
    }
}
