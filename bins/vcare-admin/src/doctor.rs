//! `vcare-admin doctor`: looks at everything that the service needs, and says what to do.

mod encryption;
mod neighbours;
mod stream;
mod work;

use std::process::ExitCode;

use serde::Serialize;
use vcare_app::TraceContext;
use vcare_app::ports::{AccessTokenFault, Agreement, Oversight};
use vcare_boot::{Config, Service, migrations, operators_oversight, with_causes};
use vcare_domain::{StorageKey, TenantId};

use crate::output::{self, Output};
use crate::progress::Progress;
use crate::service_of;

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    check: String,
    status: Status,
    message: String,
}

#[derive(Serialize, PartialEq, Eq, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    /// It could not be looked at with this login, or the service does without it for a while.
    Warning,
    Problem,
}

impl output::Row for Finding {
    const COLUMNS: &'static [&'static str] = &["check", "status", "message"];
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn note(&mut self, check: impl Into<String>, status: Status, message: impl Into<String>) {
        self.0.push(Finding { check: check.into(), status, message: message.into() });
    }

    fn ok(&mut self, check: impl Into<String>, message: impl Into<String>) {
        self.note(check, Status::Ok, message);
    }

    fn warning(&mut self, check: impl Into<String>, message: impl Into<String>) {
        self.note(check, Status::Warning, message);
    }

    fn problem(&mut self, check: impl Into<String>, message: impl Into<String>) {
        self.note(check, Status::Problem, message);
    }
}

pub async fn run(output: Output) -> anyhow::Result<ExitCode> {
    let config = Config::load()?;
    let mut found = Findings::default();
    found.ok("configuration", "is good");
    match service_of(&config).await {
        Ok(service) => look(&config, &service, &mut found).await,
        Err(error) => found.problem("this machine", format!("{error:#}")),
    }
    output.rows(&found.0)?;
    let ill = found.0.iter().any(|finding| finding.status == Status::Problem);
    Ok(if ill { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn look(config: &Config, service: &Service, found: &mut Findings) {
    let database = database(config, service, found).await;
    stream::look(config, service, found).await;
    if database {
        clock(service, found);
        work::look(service, found).await;
    }
    keys(service, found).await;
    attachments(config, service, found).await;
    identity(service, found).await;
    neighbours::look(service, found).await;
    encryption::look(config, service, found).await;
    if database {
        tenants(config, service, found).await;
    }
}

/// Answers whether it can be asked anything.
async fn database(config: &Config, service: &Service, found: &mut Findings) -> bool {
    match service.jobs.ping().await {
        Ok(()) => found.ok("database", "answers, and has our tables"),
        Err(error) => {
            let advice = "is it up, and was `vcare-admin migrate` run?";
            found.problem("database", format!("{}: {advice}", with_causes(&error)));
            return false;
        }
    }
    match migrations::pending_migrations(&config.postgres()).await {
        Ok(pending) if pending.is_empty() => found.ok("migrations", "all were run"),
        Ok(pending) => found.problem("migrations", format!("run `vcare-admin migrate`: {}", pending.join(", "))),
        Err(_) => {
            let advice = "this login cannot tell: run `vcare-admin migrate --dry-run` as the database's owner";
            found.warning("migrations", advice);
        }
    }
    true
}

fn clock(service: &Service, found: &mut Findings) {
    match service.clock.agreement() {
        Agreement::Agreed { difference } => {
            found.ok("clock", format!("within {} ms of the database's", difference.abs().whole_milliseconds().max(1)));
        }
        Agreement::Differs { difference } => {
            let how = if difference.is_positive() { "ahead of" } else { "behind" };
            let advice = "is NTP on, here and at the database? Processes whose clocks differ are not ready";
            let seconds = difference.as_seconds_f64().abs();
            found.problem("clock", format!("this machine's is {seconds:.1} s {how} the database's: {advice}"));
        }
        Agreement::NotCompared => found.warning("clock", "the database did not tell its time within 2 s"),
    }
}

async fn keys(service: &Service, found: &mut Findings) {
    // Of a tenant that nobody is: what is derived for it opens nothing.
    let Ok(nobody) = TenantId::parse("vcare-doctor") else { return };
    match service.app.secrets.managed_jitsi_secret(&nobody, 1).await {
        Ok(_) => found.ok("keys", "the key store derives keys"),
        Err(_) => found.problem("keys", "the key store does not answer, or refuses: see [keyring] and [kms]"),
    }
}

async fn attachments(config: &Config, service: &Service, found: &mut Findings) {
    let ports = &service.app.attachments;
    let mut name = [0; 16];
    service.ids.fill_random(&mut name);
    let name = StorageKey::from_random(name);
    let kept = async {
        ports.store.put(&name, &name, "vcare-doctor".into()).await?;
        ports.store.get(&name, &name).await?;
        ports.store.erase(&name, &name).await
    };
    match kept.await {
        Ok(()) => found.ok("storage", "takes, gives and erases"),
        Err(error) => found.problem("storage", format!("{error}: no attachment can come in. See [storage]")),
    }
    if config.scanner.address.is_none() {
        return found.warning("scanner", "there is none: attachments are shown that nobody has scanned");
    }
    match ports.scanner.scan(&"vcare-doctor".into()).await {
        Ok(_) => found.ok("scanner", "answers"),
        Err(error) => {
            found.problem("scanner", format!("{error}: attachments wait, and nobody sees them. See [scanner]"))
        }
    }
}

async fn identity(service: &Service, found: &mut Findings) {
    // A token of no key makes the keys be fetched.
    let nobodys = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InZjYXJlLWRvY3RvciJ9.e30.AAAA";
    match service.access_tokens.verify(nobodys).await {
        Err(AccessTokenFault::Unavailable(_)) => {
            found.problem("identity provider", "its keys cannot be fetched: nobody can sign in. See [identity]");
        }
        Ok(_) | Err(_) => found.ok("identity provider", "its keys can be fetched"),
    }
}

async fn tenants(config: &Config, service: &Service, found: &mut Findings) {
    let tenants = match operators_oversight(config).tenants().await {
        Ok(tenants) => tenants,
        Err(_) => {
            let advice = "this login may not list them: `vcare-admin migrate --operator-login`";
            return found.warning("tenants", advice);
        }
    };
    if tenants.is_empty() {
        found.warning("tenants", "there is none yet: `vcare-admin tenant set --create`");
    }
    let progress = Progress::of("looking at tenants", tenants.len());
    for tenant in tenants {
        let trace = TraceContext::begin(&*service.ids);
        let check = format!("video of {}", tenant.tenant_id);
        match service.app.try_connection(&tenant.tenant_id, &trace).await {
            Ok(report) => match report.checks.iter().find_map(|check| check.problem) {
                None => found.ok(check, format!("works, in {} ms", report.latency.whole_milliseconds())),
                Some(problem) => {
                    let setting = problem.setting.map_or_else(String::new, |setting| format!("{setting}: "));
                    found.problem(check, format!("{setting}{}", problem.message));
                }
            },
            Err(error) => found.problem(check, error.to_string()),
        }
        progress.step();
    }
}
