//! `vcare-admin doctor`, `stream` and `completions`.

use std::time::Duration;

use vcare_testkit::standins::jitsi::EndMeeting;
use vcare_testkit::{
    Clamd, ClamdMood, FakeTime, Mode, Name, NatsServer, Standins, StandinsConfig, TestDatabase, create_stream_of_age,
};

use crate::{Run, Settings, TENANT, admin, stuck_visit, with_password};

/// What a doctor's finding says of one thing: status and message.
fn finding(run: &Run, check: &str) -> (String, String) {
    let found: Vec<serde_json::Value> = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{run:?}"));
    let one = found.iter().find(|finding| finding["check"] == check).unwrap_or_else(|| panic!("{check}: {run:?}"));
    let text = |field: &str| one[field].as_str().unwrap().to_owned();
    (text("status"), text("message"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_finds_all_well_where_all_is_well_and_names_what_is_not() {
    let database = TestDatabase::create().await.unwrap();
    let standins = Standins::start(StandinsConfig::default()).await.unwrap();
    let nats = NatsServer::start().await.unwrap();
    let clamd = Clamd::start().await.unwrap();
    let folder = env!("CARGO_TARGET_TMPDIR");
    let ca = format!("{folder}/{}-ca.pem", database.name());
    std::fs::write(&ca, standins.ca_pem()).unwrap();
    let text = format!(
        r#"
        profile = "development"
        links = {{ public_base_url = "https://care.example" }}
        database = {{ url = "{url}" }}
        nats = {{ servers = ["{nats}"] }}
        identity = {{ issuer = "{issuer}" }}
        licence = {{ base_url = "{base}" }}
        consent = {{ base_url = "{base}" }}
        fhir = {{ base_url = "{fhir}" }}
        communication = {{ base_url = "{base}" }}
        chart = {{ base_url = "{base}" }}
        ai = {{ base_url = "{base}" }}
        jitsi = {{ allow_private_addresses = true, ca_file = "{ca}" }}
        storage = {{ folder = "{folder}/{name}.attachments" }}
        scanner = {{ address = "{clamd}", deadline_ms = 1000 }}
        keyring = {{ file = "{folder}/master.key", create_if_missing = true }}
        "#,
        url = with_password(&database.admin_url()),
        nats = nats.url(),
        issuer = standins.issuer().url(),
        base = standins.base_url(),
        fhir = standins.fhir_url(),
        name = database.name(),
        clamd = clamd.address(),
    );
    let settings = Settings::whole(database.name(), &text);
    let doctor = || settings.run(&["doctor", "--output", "json"]);
    let run = settings.run(&["stream", "setup"]);
    assert_eq!((run.code, run.out.trim()), (0, "the stream is there"), "{run:?}");

    let run = doctor();
    assert_eq!(run.code, 0, "{run:?}");
    for check in [
        "configuration",
        "database",
        "migrations",
        "clock",
        "nats",
        "stream replicas",
        "stream age",
        "stream storage",
        "stream disk",
        "outbox",
        "parked work",
        "worker",
        "keys",
        "storage",
        "scanner",
        "identity provider",
        "licences",
        "consents",
        "FHIR gateway",
        "communication-service",
        "chart",
        "AI gateway",
        "encryption of database",
        "encryption of nats",
        "encryption of neighbours",
    ] {
        assert_eq!(finding(&run, check).0, "ok", "{check}: {run:?}");
    }
    assert_eq!(finding(&run, "tenants").1, "there is none yet: `vcare-admin tenant set --create`");
    assert!(finding(&run, "stream disk").1.contains("sync_interval"), "{run:?}");
    assert!(standins.encounters().is_empty() && standins.threads().is_empty() && standins.notes().is_empty());

    // A tenant whose Prosody has another secret than the one that is derived.
    let run = settings.run(&["tenant", "set", TENANT[2], "--create", "--jitsi-server-url", standins.jitsi_url()]);
    assert_eq!(run.code, 0, "{run:?}");
    let run = doctor();
    assert_eq!(run.code, 1);
    let (status, message) = finding(&run, "video of hosp-kabul");
    assert_eq!((status.as_str(), message.split(':').next()), ("problem", Some("jitsiJwtSecret")), "{message}");
    let secret = settings.run(&["secret", "reveal", TENANT[2]]);
    standins.jitsi().reconfigure(|jitsi| secret.out.trim().clone_into(&mut jitsi.app_secret));
    assert_eq!(finding(&doctor(), "video of hosp-kabul").0, "ok");
    let run = settings.run(&["tenant", "test-connection", TENANT[2]]);
    assert!(run.code == 0 && run.out.contains("login"), "{run:?}");

    // A Prosody whose module for ending rooms did not start.
    let prosody = standins.prosody_url();
    let run = settings.run(&["tenant", "set", TENANT[2], "--prosody-url", &prosody]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(finding(&doctor(), "video of hosp-kabul").0, "ok");
    standins.jitsi().reconfigure(|jitsi| jitsi.end_meeting = EndMeeting::Absent);
    let run = doctor();
    let (status, message) = finding(&run, "video of hosp-kabul");
    assert!(run.code == 1 && status == "problem", "{run:?}");
    assert!(message.starts_with("prosodyUrl: Prosody has no /end-meeting"), "{message}");
    standins.jitsi().reconfigure(|jitsi| jitsi.end_meeting = EndMeeting::HostSecret);

    standins.set_mode(Name::Consent, Mode::DOWN);
    let run = doctor();
    assert_eq!(finding(&run, "consents").0, "problem");
    assert!(finding(&run, "consents").1.contains("no visit can be created"), "{run:?}");
    standins.set_mode(Name::Consent, Mode::UP);
    for (name, check, mode, told) in [
        (Name::Fhir, "FHIR gateway", Mode::down_with(401), "[fhir], bearer_token"),
        (Name::Communication, "communication-service", Mode::DOWN, "answers 503: visits that fall back"),
        (Name::Chart, "chart", Mode::down_with(302), "[chart], base_url"),
        (Name::Ai, "AI gateway", Mode::down_with(500), "care goes on. See [ai]"),
    ] {
        standins.set_mode(name, mode);
        let run = doctor();
        let (status, message) = finding(&run, check);
        assert!(run.code == 1 && status == "problem" && message.contains(told), "{message}");
        standins.set_mode(name, Mode::UP);
    }
    standins.set_mode(Name::Fhir, Mode::down_with(403));
    let (status, message) = finding(&doctor(), "FHIR gateway");
    assert!(status == "warning" && message.contains("vcare-doctor"), "{message}");
    standins.set_mode(Name::Fhir, Mode::UP);
    clamd.be(ClamdMood::Wrong);
    let run = doctor();
    assert_eq!(finding(&run, "scanner").0, "problem");
    assert!(finding(&run, "scanner").1.contains("nobody sees them"), "{run:?}");
    std::fs::remove_dir_all(format!("{folder}/{}.attachments", database.name())).unwrap();
    std::fs::remove_file(ca).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_finds_a_stream_that_keeps_events_for_longer_or_shorter_than_the_setting() {
    let database = TestDatabase::create().await.unwrap();
    let nats = NatsServer::start().await.unwrap();
    create_stream_of_age(&nats.url(), Duration::ZERO).await.unwrap();
    let text = Settings::text(&with_password(&database.admin_url()), &nats.url(), "");
    let settings = Settings::whole(database.name(), &text);
    let doctor = || finding(&settings.run(&["doctor", "--output", "json"]), "stream age");
    let (status, message) = doctor();
    assert!(
        status == "problem" && message.starts_with("events are kept for ever, and should be for 30 days"),
        "{message}"
    );
    assert!(message.contains("`vcare-admin stream setup --shorten`"), "{message}");

    // Without being told to, nothing shortens it.
    let run = settings.run(&["stream", "setup"]);
    assert!(run.code == 0 && doctor().0 == "problem", "{run:?}");
    let run = settings.run(&["stream", "setup", "--shorten"]);
    assert!(run.out.contains("VIRTUAL_CARE keeps messages for 30 days"), "{run:?}");
    assert_eq!(doctor(), ("ok".to_owned(), "events are kept for 30 days, as configured".to_owned()));
    let run = settings.run(&["stream", "setup", "--shorten"]);
    assert!(run.out.contains("no stream keeps messages for longer than 30 days"), "{run:?}");

    let more = text.replace("nats = {", "nats = { manage_stream = false, stream_max_age_days = 60,");
    let settings = Settings::whole(&format!("{}-more", database.name()), &more);
    let (status, message) = finding(&settings.run(&["doctor", "--output", "json"]), "stream age");
    assert!(status == "problem" && message.starts_with("events are kept only for 30 days"), "{message}");
}

#[test]
fn a_doctor_who_finds_nothing_there_says_what_to_do_about_each() {
    let settings = Settings::with(
        "doctor-nowhere",
        "postgres://vcare@127.0.0.1:1/virtual_care",
        "storage = { folder = \"/dev/null/attachments\" }",
    );
    let run = settings.run(&["doctor", "--output", "json"]);
    assert_eq!(run.code, 1);
    assert!(finding(&run, "database").1.contains("vcare-admin migrate"), "{run:?}");
    let (status, message) = finding(&run, "nats");
    assert!(status == "warning" && message.contains("care goes on"), "{run:?}");
    assert_eq!(finding(&run, "storage").0, "problem");
    assert!(finding(&run, "scanner").1.starts_with("there is none"), "{run:?}");
    assert_eq!(finding(&run, "identity provider").0, "problem");
    let run = settings.run(&["stream", "setup"]);
    assert!(run.code == 1 && run.err.contains("nats.servers"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_tells_of_events_and_work_that_nobody_takes() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::of(&database);
    stuck_visit(&database).await;
    let doctor = || settings.run(&["doctor", "--output", "json"]);
    let run = doctor();
    assert_eq!(finding(&run, "worker").0, "ok", "the job is due in a minute: {run:?}");
    assert_eq!(finding(&run, "outbox").0, "ok", "{run:?}");
    assert_eq!(finding(&run, "parked work").0, "ok", "{run:?}");

    database.execute("UPDATE outbox SET created_at = now() - interval '6 minutes'", &[]).await.unwrap();
    database.execute("UPDATE retry_job SET due_at = now() - interval '3 minutes'", &[]).await.unwrap();
    let run = doctor();
    let (status, message) = finding(&run, "outbox");
    assert!(status == "warning" && message.starts_with("1 event waiting, the oldest for 6 min"), "{message}");
    let (status, message) = finding(&run, "worker");
    assert!(run.code == 1 && status == "problem", "{message}");
    assert!(message.starts_with("no worker takes due jobs: 1 create_encounter"), "{message}");

    // Another one of the kind, which was tried a moment ago.
    let tried = "INSERT INTO retry_job (tenant_id, session_id, kind, id, state, attempts, due_at, correlation_id, traceparent,
                     created_at)
                 SELECT tenant_id, gen_random_uuid(), kind, gen_random_uuid(), 'open', 2, now() + interval '30 seconds', 'c',
                     't', now() FROM retry_job";
    database.execute(tried, &[]).await.unwrap();
    let (status, message) = finding(&doctor(), "worker");
    assert!(status == "warning" && message.contains("a worker is at work"), "{message}");

    database.execute("UPDATE retry_job SET state = 'parked'", &[]).await.unwrap();
    let run = doctor();
    assert_eq!(finding(&run, "worker").0, "ok", "{run:?}");
    let (status, message) = finding(&run, "parked work");
    assert!(status == "problem" && message.starts_with("waits for a person: 2 create_encounter"), "{message}");
    assert!(message.contains("`vcare-admin jobs list --state parked`"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_on_a_machine_whose_clock_is_wrong_says_by_how_much_and_counts_ages_by_the_databases() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::with(database.name(), &with_password(&database.admin_url()), "");
    stuck_visit(&database).await;
    let time = FakeTime::new().unwrap();
    time.step(-600).unwrap();
    let environment = time.environment();
    let mut environment: Vec<_> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    environment.push(("VCARE_CONFIG_FILE", settings.0.to_str().unwrap()));
    let run = admin(&["doctor", "--output", "json"], &environment);
    let (status, message) = finding(&run, "clock");
    // The comparison itself takes a moment, which nobody can attribute to either clock.
    let said = ["599.9", "600.0", "600.1"].map(|seconds| format!("{seconds} s behind the database's"));
    let said = said.iter().any(|said| message.contains(said));
    assert!(run.code == 1 && status == "problem" && said, "{message}");
    database.execute("UPDATE outbox SET created_at = now() - interval '6 minutes'", &[]).await.unwrap();
    let run = admin(&["outbox", "status"], &environment);
    assert!(run.out.contains("6 min"), "{run:?}");
}

#[test]
fn every_shell_can_complete_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let run = admin(&["completions", shell], &[]);
        assert!(run.code == 0 && run.out.contains("test-connection"), "{shell}");
    }
}
