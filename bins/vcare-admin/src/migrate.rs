//! `vcare-admin migrate`.

use std::process::ExitCode;

use clap::Args;
use vcare_boot::Config;
use vcare_boot::migrations::{self, LoginPurpose, PgConfig};

use crate::PENDING;
use crate::progress::Progress;

#[derive(Args)]
pub struct Migrate {
    /// The database, as its owner; `VCARE_DATABASE__URL` when absent.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Only say what would be run; exit with 3 when there is something.
    #[arg(long)]
    dry_run: bool,
    /// Let this login run the service.
    #[arg(long, value_name = "LOGIN")]
    service_login: Option<String>,
    /// Let this login run this tool.
    #[arg(long, value_name = "LOGIN")]
    operator_login: Option<String>,
}

pub async fn run(arguments: Migrate) -> anyhow::Result<ExitCode> {
    let database = match arguments.database_url {
        Some(url) => PgConfig::new(url),
        None => Config::load()?.postgres(),
    };
    if arguments.dry_run {
        let pending = migrations::pending_migrations(&database).await?;
        for name in &pending {
            println!("would run {name}");
        }
        if !pending.is_empty() {
            return Ok(PENDING.into());
        }
        println!("the database is up to date");
        return Ok(ExitCode::SUCCESS);
    }
    let running = Progress::unknown("running migrations");
    let ran = migrations::migrate(&database).await?;
    drop(running);
    for name in ran {
        println!("ran {name}");
    }
    let logins = [
        (arguments.service_login, LoginPurpose::Service, "the service"),
        (arguments.operator_login, LoginPurpose::Operator, "vcare-admin"),
    ];
    for (login, purpose, what) in logins {
        if let Some(login) = login {
            migrations::allow_login(&database, &login, purpose).await?;
            println!("{login} may run {what}");
        }
    }
    println!("the database is up to date");
    Ok(ExitCode::SUCCESS)
}
