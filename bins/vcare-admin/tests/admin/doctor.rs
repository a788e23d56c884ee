//! `vcare-admin doctor`, `stream` and `completions`.

use vcare_testkit::{Clamd, ClamdMood, Mode, Name, NatsServer, Standins, StandinsConfig, TestDatabase};

use crate::{Run, Settings, TENANT, admin, with_password};

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
        "nats",
        "keys",
        "storage",
        "scanner",
        "identity provider",
        "licences",
        "consents",
    ] {
        assert_eq!(finding(&run, check).0, "ok", "{check}: {run:?}");
    }
    assert_eq!(finding(&run, "tenants").1, "there is none yet: `vcare-admin tenant set`");

    // A tenant whose Prosody has another secret than the one that is derived.
    let run = settings.run(&["tenant", "set", TENANT[2], "--jitsi-server-url", standins.jitsi_url()]);
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

    standins.set_mode(Name::Consent, Mode::DOWN);
    let run = doctor();
    assert_eq!(finding(&run, "consents").0, "problem");
    assert!(finding(&run, "consents").1.contains("no visit can be created"), "{run:?}");
    clamd.be(ClamdMood::Wrong);
    let run = doctor();
    assert_eq!(finding(&run, "scanner").0, "problem");
    assert!(finding(&run, "scanner").1.contains("nobody sees them"), "{run:?}");
    std::fs::remove_dir_all(format!("{folder}/{}.attachments", database.name())).unwrap();
    std::fs::remove_file(ca).unwrap();
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

#[test]
fn every_shell_can_complete_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let run = admin(&["completions", shell], &[]);
        assert!(run.code == 0 && run.out.contains("test-connection"), "{shell}");
    }
}
