//! The operators' tool, as an operator runs it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod access;
mod configuration;
mod doctor;
mod jobs;
mod mistakes;
mod secrets;
mod subject;
mod tenants;
mod token;
mod visit;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use vcare_testkit::TestDatabase;

/// Stands in addresses as a password; must stand in no answer.
const PASSWORD: &str = "hunter2";
const TENANT: [&str; 7] =
    ["tenant", "set", "hosp-kabul", "--create", "--jitsi-server-url", "https://meet.example", "--room-slug-prefix"];

/// What a run came to.
#[derive(Debug)]
struct Run {
    code: i32,
    out: String,
    err: String,
}

/// The program with those arguments, and with nothing of our environment but where it counts the lines it runs.
#[expect(clippy::disallowed_methods, reason = "no setting of ours: it is handed on")]
fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vcare-admin"));
    let counters = std::env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file));
    command.args(arguments).env_clear().envs(counters);
    command
}

/// Runs it with those arguments and those settings, and none of ours.
fn admin(arguments: &[&str], settings: &[(&str, &str)]) -> Run {
    let mut command = program(arguments);
    command.envs(settings.iter().copied()).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let run = Run { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) };
    assert!(!run.out.contains(PASSWORD) && !run.err.contains(PASSWORD), "{run:?}");
    run
}

/// The same address with a password, which a cluster that trusts everybody does not look at.
fn with_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (user, host) = rest.split_once('@').unwrap();
    let user = user.split(':').next().unwrap();
    format!("{scheme}://{user}:{PASSWORD}@{host}")
}

async fn empty_database() -> TestDatabase {
    let database = TestDatabase::create().await.unwrap();
    database
        .client()
        .await
        .unwrap()
        .batch_execute("DROP SCHEMA vcare_keys CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        .await
        .unwrap();
    database
}

/// A whole configuration for that database.
struct Settings(PathBuf);

impl Settings {
    fn of(database: &TestDatabase) -> Self {
        Self::with(database.name(), &with_password(&database.url()), "")
    }

    /// A configuration that is given as a whole.
    fn whole(name: &str, text: &str) -> Self {
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.toml"));
        std::fs::write(&file, text).unwrap();
        Self(file)
    }

    fn with(name: &str, url: &str, more: &str) -> Self {
        Self::whole(name, &Self::text(url, "nats://127.0.0.1:1", more))
    }

    /// With that database, and that server of NATS.
    fn text(url: &str, nats: &str, more: &str) -> String {
        let folder = env!("CARGO_TARGET_TMPDIR");
        format!(
            r#"
            profile = "development"
            links = {{ public_base_url = "https://care.example" }}
            database = {{ url = "{url}" }}
            nats = {{ servers = ["{nats}"] }}
            identity = {{ issuer = "https://id.example/realms/ghasi" }}
            licence = {{ base_url = "http://127.0.0.1:1" }}
            consent = {{ base_url = "http://127.0.0.1:1" }}
            fhir = {{ base_url = "http://127.0.0.1:1", bearer_token = "{PASSWORD}" }}
            communication = {{ base_url = "http://127.0.0.1:1" }}
            keyring = {{ file = "{folder}/master.key", create_if_missing = true }}
            {more}
            "#
        )
    }

    fn run(&self, arguments: &[&str]) -> Run {
        admin(arguments, &[("VCARE_CONFIG_FILE", self.0.to_str().unwrap())])
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_brings_an_empty_database_up_to_date_and_dry_run_only_says_so() {
    let database = empty_database().await;
    let address = with_password(&database.admin_url());
    let migrate = |more: &[&str]| admin(&[&["migrate"], more].concat(), &[("DATABASE_URL", &address)]);
    let dry = migrate(&["--dry-run"]);
    assert_eq!(dry.code, 3, "{dry:?}");
    assert!(dry.out.contains("would run 00000000000001_virtual_care"), "{dry:?}");
    let nothing = "SELECT to_regclass('virtual_session') IS NULL";
    assert!(database.query_one(nothing, &[]).await.unwrap().get::<_, bool>(0));

    let run = migrate(&[]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("ran 00000000000001_virtual_care"), "{run:?}");
    assert!(!database.query_one(nothing, &[]).await.unwrap().get::<_, bool>(0));
    for again in [migrate(&["--dry-run"]), migrate(&[])] {
        assert_eq!((again.code, again.out.trim()), (0, "the database is up to date"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_takes_the_address_from_the_command_line_or_the_configuration() {
    let database = empty_database().await;
    let settings = Settings::with(database.name(), &with_password(&database.admin_url()), "");
    assert_eq!(settings.run(&["migrate", "--dry-run"]).code, 3);
    let run = admin(&["migrate", "--database-url", &with_password(&database.admin_url())], &[]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(settings.run(&["migrate", "--dry-run"]).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_login_becomes_a_member_of_its_three_roles_and_of_nothing_else() {
    let database = empty_database().await;
    let login = format!("vcare_{}", database.name().trim_start_matches("vcare_test_"));
    database.client().await.unwrap().batch_execute(&format!("CREATE ROLE {login} LOGIN NOINHERIT")).await.unwrap();
    let run = admin(&["migrate", "--service-login", &login], &[("DATABASE_URL", &database.admin_url())]);
    let memberships = "SELECT ARRAY(SELECT roleid::regrole::text FROM pg_auth_members
                                    WHERE member = (SELECT oid FROM pg_roles WHERE rolname = $1) ORDER BY 1)";
    let memberships: Vec<String> = database.query_one(memberships, &[&login]).await.unwrap().get(0);
    database.client().await.unwrap().batch_execute(&format!("DROP ROLE {login}")).await.unwrap();
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains(&format!("{login} may run the service")), "{run:?}");
    assert_eq!(memberships, ["vcare_api", "vcare_eraser", "vcare_system"]);

    let nobody = admin(&["migrate", "--service-login", "nobody-here"], &[("DATABASE_URL", &database.admin_url())]);
    assert_eq!(nobody.code, 1, "{nobody:?}");
    assert!(nobody.err.contains("nobody-here"), "{nobody:?}");
}

#[test]
fn a_database_that_cannot_be_reached_is_an_error_without_its_address() {
    for address in [format!("postgres://vcare:{PASSWORD}@127.0.0.1:1/virtual_care"), PASSWORD.to_owned()] {
        for arguments in [&["migrate"][..], &["migrate", "--dry-run"]] {
            let run = admin(arguments, &[("DATABASE_URL", &address)]);
            assert_eq!(run.code, 1, "{run:?}");
            assert!(run.err.contains("cannot connect to the database"), "{run:?}");
            let causes: Vec<&str> = run.err.trim().split(": ").collect();
            assert!((1..causes.len()).all(|at| !causes[..at].contains(&causes[at])), "said twice: {run:?}");
        }
    }
}

#[test]
fn help_shows_no_setting() {
    let address = format!("postgres://vcare:{PASSWORD}@db/virtual_care");
    for arguments in [&["migrate", "--help"][..], &["--help"], &["tenant", "set", "--help"]] {
        let run = admin(arguments, &[("DATABASE_URL", &address), ("VCARE_DATABASE__URL", &address)]);
        assert_eq!(run.code, 0, "{run:?}");
    }
    assert_eq!(admin(&[], &[]).code, 2);
    assert_eq!(admin(&["migrate", "--surprise"], &[]).code, 2);
}

#[test]
fn config_check_names_everything_that_is_wrong_and_repeats_no_value() {
    let address = format!("postgres://vcare:{PASSWORD}@db/virtual_care");
    let good = Settings::with("config-good", &address, "");
    let run = good.run(&["config", "check"]);
    assert_eq!((run.code, run.out.trim()), (0, "the configuration is good"), "{run:?}");

    let bad = Settings::with("config-bad", &format!("mysql://{PASSWORD}@db"), "worker = { batch = 0 }");
    let run = bad.run(&["config", "check"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.err.contains("database.url:") && run.err.contains("worker.batch:"), "all at once: {run:?}");

    let file = good.0.to_str().unwrap();
    let table = [
        ("VCARE_FHIR__BASE_ULR", PASSWORD, "fhir.base_ulr: there is no such setting"),
        ("VCARE_SURPRISE", PASSWORD, "surprise: there is no such setting"),
        ("VCARE_DATABASE__MAX_CONNECTIONS", PASSWORD, "database.max_connections: expected"),
        ("VCARE_LINKS__PUBLIC_BASE_URL", "http://care.example", "links.public_base_url:"),
        ("VCARE_PROFILE", "production", "keyring.allow_local_in_production"),
    ];
    for (name, value, expected) in table {
        let run = admin(&["config", "check"], &[("VCARE_CONFIG_FILE", file), (name, value)]);
        assert_eq!(run.code, 1, "{name}: {run:?}");
        assert!(run.err.contains(expected), "{name}: {run:?}");
    }
    let run = admin(&["config", "check"], &[]);
    assert!(run.code == 1 && run.err.contains("is missing"), "{run:?}");
    let run = admin(&["config", "check"], &[("VCARE_CONFIG_FILE", "/nowhere/vcare.toml")]);
    assert!(run.code == 1 && run.err.contains("no such file"), "{run:?}");
}

/// A visit that ended two hours ago and whose Encounter is still to be written, with its job and an event that waits.
async fn stuck_visit(database: &TestDatabase) {
    let statements = "
        INSERT INTO virtual_session (tenant_id, id, patient_id, initiator_id, video_backend, room_name, room_url, status,
            scheduled_start, scheduled_end, time_zone, recording_enabled, started_at, ended_at, encounter_status,
            participants, segments, version, created_at, updated_at)
        VALUES ('hosp-kabul', '0192f00d-0000-7000-8000-000000000001', 'pat-1', 'dr-1', 'jitsi', 'kabul-abcdefgh',
            'https://meet.example/kabul-abcdefgh', 'ended', now() - interval '3 hours', now() - interval '2 hours', 'UTC',
            false, now() - interval '3 hours', now() - interval '2 hours', 'pending', '[]',
            '[{\"mode\":\"video\",\"from\":\"2026-03-01T09:00:00Z\",\"to\":\"2026-03-01T09:10:00Z\",\"cause\":\"started\"}]',
            7, now(), now());
        INSERT INTO retry_job (tenant_id, session_id, kind, id, state, attempts, due_at, last_error, correlation_id,
            traceparent, created_at)
        VALUES ('hosp-kabul', '0192f00d-0000-7000-8000-000000000001', 'create_encounter',
            '0192f00d-0000-7000-8000-000000000002', 'open', 9, now() + interval '1 minute', 'timed_out', 'c', 't',
            now() - interval '2 hours');
        INSERT INTO outbox (tenant_id, event_id, subject, ordering_key, body)
        VALUES ('hosp-kabul', '0192f00d-0000-7000-8000-000000000003', 'virtual_care.session.ended.v1', 'k', '{}');";
    database.client().await.unwrap().batch_execute(statements).await.unwrap();
}

/// The settings of an operator who has a login of their own in that database.
async fn operators_settings(database: &TestDatabase, login: &str) -> Settings {
    database.execute(&format!("CREATE ROLE {login} LOGIN NOINHERIT"), &[]).await.unwrap();
    let owner = database.admin_url();
    let run = admin(&["migrate", "--database-url", &owner, "--operator-login", login], &[]);
    assert!(run.code == 0 && run.out.contains(&format!("{login} may run vcare-admin")), "{run:?}");
    let (scheme, rest) = owner.split_once("://").unwrap();
    let (_, host) = rest.split_once('@').unwrap();
    Settings::with(database.name(), &with_password(&format!("{scheme}://{login}@{host}")), "")
}

/// Logins are the cluster's, not the database's.
async fn forget_login(database: &TestDatabase, login: &str) {
    let drop = format!("DROP OWNED BY {login}; DROP ROLE {login}");
    database.client().await.unwrap().batch_execute(&drop).await.unwrap();
}

const JOB: &str = "job_01JBR0T000E008000000000002";
const SESSION: &str = "vsn_01JBR0T000E008000000000001";

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_finds_what_is_stuck_and_takes_it_in_hand() {
    let database = TestDatabase::create().await.unwrap();
    let login = format!("operator_{}", database.name());
    let settings = operators_settings(&database, &login).await;
    let run = settings.run(&["reconcile"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(settings.run(&["tenant", "list"]).out.trim(), "none");
    settings.run(&[&TENANT[..], &["kabul"]].concat());
    let list = settings.run(&["tenant", "list", "--output", "json"]);
    assert!(list.out.contains("\"tenant\": \"hosp-kabul\"") && list.out.contains("\"version\": 1"), "{list:?}");
    database.execute("DELETE FROM outbox", &[]).await.unwrap();
    stuck_visit(&database).await;

    let run = settings.run(&["reconcile"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.out.contains(SESSION) && run.out.contains("2 h"), "{run:?}");
    let herat = ["tenant", "set", "hosp-herat", "--create", "--jitsi-server-url", "https://meet.herat.example"];
    assert_eq!(settings.run(&herat).code, 0);
    database.execute("DELETE FROM outbox WHERE tenant_id = 'hosp-herat'", &[]).await.unwrap();
    assert_eq!(settings.run(&["reconcile", "--tenant", "hosp-herat"]).code, 0, "another tenant's is not theirs");

    let run = settings.run(&["outbox", "status", "--output", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&rows[0]["subject"], &rows[0]["waiting"]), (&"virtual_care.session.ended.v1".into(), &1.into()));

    let keep =
        "INSERT INTO kept_event SELECT position + 100, tenant_id, gen_random_uuid(), subject, ordering_key, body,
                created_at, 7, now() - interval '5 minutes' FROM outbox";
    database.execute(keep, &[]).await.unwrap();
    for (since, events) in [("1m", 0), ("10m", 1), ("10m", 0)] {
        let run = settings.run(&["outbox", "republish", "--since", since]);
        assert_eq!((run.code, run.out.trim()), (0, &*format!("{events} events will be published again")), "{run:?}");
    }
    assert_eq!(settings.run(&["outbox", "republish", "--since", "yesterday"]).code, 2);
    let waiting: serde_json::Value =
        serde_json::from_str(&settings.run(&["outbox", "status", "--output", "json"]).out).unwrap();
    assert_eq!(waiting[0]["waiting"], 2);

    let state = || {
        let run = settings.run(&["jobs", "list", "--output", "json"]);
        let rows: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!(rows[0]["id"], JOB);
        rows[0]["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(), "open");
    let run = settings.run(&["jobs", "show", JOB]);
    assert!(run.code == 0 && run.out.contains("timed_out"), "{run:?}");
    assert_eq!(settings.run(&["jobs", "park", JOB]).code, 0);
    assert_eq!(state(), "parked");
    let parked = database.query_one("SELECT encounter_status FROM virtual_session", &[]).await.unwrap();
    assert_eq!(parked.get::<_, &str>(0), "parked", "the visit says so too");
    assert!(settings.run(&["jobs", "list", "--state", "open"]).out.contains("none"));
    assert_eq!(settings.run(&["jobs", "requeue", JOB]).code, 0);
    assert_eq!(state(), "open");
    let due = database.query_one("SELECT due_at <= now() FROM retry_job", &[]).await.unwrap();
    assert!(due.get::<_, bool>(0));

    let run = settings.run(&["jobs", "show", "job_01JBR0T000E008000000000009"]);
    assert!(run.code == 1 && run.err.contains("there is no job_"), "{run:?}");
    forget_login(&database, &login).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_services_own_login_cannot_look_into_all_tenants() {
    let database = TestDatabase::create().await.unwrap();
    stuck_visit(&database).await;
    let run = Settings::of(&database).run(&["reconcile"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
}
