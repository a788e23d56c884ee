//! `vcare-admin`: the operators' tool.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its answers go to standard output, what is wrong beside it"
)]

mod access;
mod doctor;
mod jobs;
mod migrate;
mod named;
mod outbox;
mod output;
mod progress;
mod reconcile;
mod secret;
mod stream;
mod subject;
mod tenant;
mod token;
mod visit;

use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};
use vcare_app::{ActorRef, Scope, TraceContext};
use vcare_boot::{Config, Overrides, Service, compose, install_crypto, settings_reference};
use vcare_domain::{TenantId, UserId};

use crate::output::Output;

/// Runs the virtual care service: database, settings, tenants, durable work. Configured by the same `VCARE_…` variables as
/// the service.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// How answers are written.
    #[arg(long, global = true, value_enum, default_value_t)]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring the database up to date.
    Migrate(migrate::Migrate),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Tenants' settings.
    #[command(subcommand)]
    Tenant(tenant::TenantCommand),
    /// Tenants' secrets.
    #[command(subcommand)]
    Secret(secret::SecretCommand),
    /// Look at everything that the service needs, and say what to do; exit with 1 when something is wrong.
    Doctor,
    /// The event stream.
    #[command(subcommand)]
    Stream(stream::StreamCommand),
    /// Write what a shell needs to complete this tool's commands.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// What people were let see beyond their own patients.
    #[command(subcommand)]
    Access(access::AccessCommand),
    /// Durable work.
    #[command(subcommand)]
    Jobs(jobs::JobsCommand),
    /// Single visits.
    #[command(subcommand)]
    Visit(visit::VisitCommand),
    /// A patient's data, as the law asks for it.
    #[command(subcommand)]
    Subject(subject::SubjectCommand),
    /// Events that wait to be published.
    #[command(subcommand)]
    Outbox(outbox::OutboxCommand),
    /// Access tokens for the sandbox.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Say which visits lack their Encounter or charge; exit with 3 when any do.
    Reconcile(reconcile::Reconcile),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Say what is wrong with it; exit with 1 when anything is.
    Check,
    /// Say what can be set, in Markdown: every setting with its variable, default and meaning.
    Reference,
}

/// There is something to do.
const PENDING: u8 = 3;

#[tokio::main(worker_threads = 1)]
async fn main() -> ExitCode {
    install_crypto();
    match Box::pin(run(Arguments::parse())).await {
        Ok(code) => code,
        Err(error) => {
            // Its causes and no backtrace: it is for people, and mostly about what they did.
            eprintln!("vcare-admin: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Arguments { output, command }: Arguments) -> anyhow::Result<ExitCode> {
    match command {
        Command::Migrate(arguments) => return migrate::run(arguments).await,
        Command::Config(ConfigCommand::Check) => {
            Config::load()?;
            println!("the configuration is good");
        }
        Command::Config(ConfigCommand::Reference) => print!("{}", settings_reference()),
        Command::Tenant(command) => return Box::pin(tenant::run(command, output)).await,
        Command::Secret(command) => Box::pin(secret::run(command, output)).await?,
        Command::Doctor => return doctor::run(output).await,
        Command::Stream(command) => stream::run(command).await?,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "vcare-admin", &mut std::io::stdout());
        }
        Command::Access(command) => access::run(command, output).await?,
        Command::Jobs(command) => return jobs::run(command, output).await,
        Command::Visit(command) => return visit::run(command, output).await,
        Command::Subject(command) => return Box::pin(subject::run(command, output)).await,
        Command::Outbox(command) => outbox::run(command, output).await?,
        Command::Token(token::TokenCommand::Mint(arguments)) => token::mint(arguments)?,
        Command::Reconcile(arguments) => return reconcile::run(arguments, output).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// The service's own code, for what changes something.
async fn service() -> anyhow::Result<Service> {
    service_of(&Config::load()?).await
}

/// The same, as a configuration says that was looked at already.
async fn service_of(config: &Config) -> anyhow::Result<Service> {
    let service = compose(config, Overrides::default()).await?;
    service.clock_check.first().await;
    Ok(service)
}

/// What an operator's transactions run under.
fn scope(service: &Service, tenant_id: TenantId) -> anyhow::Result<Scope> {
    Ok(Scope { tenant_id, actor: ActorRef::User(operator()?), trace: TraceContext::begin(&*service.ids) })
}

/// Who is at the terminal, for events and audit entries: `VCARE_OPERATOR`, else the machine's user.
fn operator() -> anyhow::Result<UserId> {
    #[expect(clippy::disallowed_methods, reason = "who is at the terminal is no setting of the service")]
    let named = ["VCARE_OPERATOR", "SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    UserId::parse(format!("operator:{}", named.as_deref().unwrap_or("unknown"))).context("VCARE_OPERATOR")
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;
    use vcare_testkit::documents;

    use super::*;

    #[test]
    fn the_command_line_is_well_defined() {
        Arguments::command().debug_assert();
    }

    /// What stands for something else in a sentence.
    fn filled(word: &str) -> String {
        match word {
            "job_…" => "job_01KA8Z0Q3CJ9XW2V5T7N4B6M8R".to_owned(),
            "vsn_…" => "vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R".to_owned(),
            "…" | "<tenant>" => "hosp-kabul".to_owned(),
            word => word.to_owned(),
        }
    }

    /// The names of the commands that it goes through.
    fn path(words: &[String]) -> Vec<String> {
        let mut command = &Arguments::command();
        let mut path = Vec::new();
        for word in words {
            let Some(next) = command.find_subcommand(word) else { break };
            path.push(word.clone());
            command = next;
        }
        path
    }

    /// Whoever types what a page says is understood, and a test runs the same command.
    #[test]
    fn the_documented_commands_are_understood() {
        let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/admin");
        let tests =
            std::fs::read_dir(tests).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
        let tests: String = tests.collect();
        let mut count = 0;
        for command in documents::pages().unwrap().iter().flat_map(documents::Page::commands) {
            let words: Vec<String> = command.words().iter().map(|word| filled(word)).collect();
            let ours = words.first().is_some_and(|program| program.ends_with("vcare-admin"));
            let Some((_, rest)) = words.split_first().filter(|_| ours) else { continue };
            count += 1;
            // In the middle of a sentence a command may be named without what it needs.
            let tolerable = |kind: ErrorKind| {
                let lacks = matches!(
                    kind,
                    ErrorKind::MissingRequiredArgument | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                );
                kind == ErrorKind::DisplayHelp || (lacks && !command.whole)
            };
            if let Err(error) = Arguments::try_parse_from(&words) {
                assert!(tolerable(error.kind()), "{}: {error}", command.place);
            }
            let path = path(rest);
            assert!(!path.is_empty(), "{}: no command in {words:?}", command.place);
            let missing = path.iter().find(|word| !tests.contains(&format!("{word:?}")));
            assert_eq!(missing, None, "{}: no test runs {path:?}", command.place);
        }
        assert!(count > 30, "{count}");
    }

    /// The commands that do something, with the commands they belong to.
    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        for next in command.get_subcommands() {
            let path = format!("{path} {}", next.get_name());
            if next.has_subcommands() { leaves(next, &path, found) } else { found.push(path) }
        }
    }

    #[test]
    fn every_command_is_documented_for_operators() {
        let page = documents::page("docs/operating.md").unwrap();
        let typed: Vec<String> = page.commands().iter().map(|command| command.words().join(" ")).collect();
        let mut commands = Vec::new();
        leaves(&Arguments::command(), "vcare-admin", &mut commands);
        assert!(commands.len() > 15, "{commands:?}");
        let missing: Vec<_> =
            commands.iter().filter(|name| !typed.iter().any(|line| line.starts_with(*name))).collect();
        assert!(missing.is_empty(), "docs/operating.md does not say what these are for: {missing:?}");
    }
}
