//! `vcare-admin secret`, with keys in a file and in a server that speaks like AWS KMS.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;
use vcare_testkit::{KmsKey, KmsKind, KmsServer, TestDatabase};

use crate::{Run, Settings, program};

const BROUGHT: &str = "brought-by-kabul-0123456789-abcdefghij";

impl Settings {
    /// Runs it with a value on its standard input.
    pub fn fed(&self, arguments: &[&str], value: &[u8]) -> Run {
        let mut command = program(arguments);
        command.env("VCARE_CONFIG_FILE", &self.0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that ends before it reads closes its side.
        let _ = child.stdin.take().unwrap().write_all(value);
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let run = Run { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) };
        assert!(!run.out.contains(BROUGHT) && !run.err.contains(BROUGHT), "{run:?}");
        run
    }

    fn reveal(&self, arguments: &[&str]) -> String {
        let run = self.run(&[&["secret", "reveal"], arguments].concat());
        assert_eq!(run.code, 0, "{run:?}");
        run.out.trim().to_owned()
    }

    /// A row of the status, as JSON.
    fn status(&self, tenant: &str, name: &str) -> Value {
        let run = self.run(&["secret", "status", tenant, "--output", "json"]);
        assert_eq!(run.code, 0, "{run:?}");
        let rows: Vec<Value> = serde_json::from_str(&run.out).unwrap();
        rows.into_iter().find(|row| row["name"] == name).unwrap()
    }
}

/// The kinds of audit entries so far, oldest first, and what they say.
async fn audited(database: &TestDatabase) -> Vec<String> {
    let rows = database.rows("SELECT convert_from(body, 'UTF8') FROM outbox ORDER BY position", &[]).await.unwrap();
    rows.iter()
        .map(|row| {
            let event: Value = serde_json::from_str(row.get(0)).unwrap();
            assert_eq!(event["type"], "virtual_care.audit.recorded.v1");
            let data = &event["data"];
            let words = [&data["eventType"], &data["resourceId"], &data["metadata"]["version"]];
            words.map(|word| word.as_str().unwrap_or("-").to_owned()).join(" ")
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_jitsi_secret_is_the_same_each_time_and_another_tenants_is_another() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::of(&database);
    let kabul = settings.reveal(&["hosp-kabul"]);
    assert!(kabul.len() >= 43 && kabul.bytes().all(|b| b.is_ascii_graphic()), "printable");
    assert_eq!(settings.reveal(&["hosp-kabul"]), kabul);
    assert_ne!(settings.reveal(&["hosp-herat"]), kabul);
    assert_eq!(audited(&database).await, ["SECRET_REVEALED jitsiSecret 1"; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prosody_is_given_the_next_secret_before_it_is_valid() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::of(&database);
    let (first, next) = (settings.reveal(&["hosp-kabul"]), settings.reveal(&["hosp-kabul", "--next"]));
    assert_ne!(first, next);
    let run = settings.run(&["secret", "rotate", "hosp-kabul", "jitsi-secret"]);
    assert_eq!((run.code, run.out.trim()), (0, "jitsiSecret of hosp-kabul is at version 2"), "{run:?}");
    assert_eq!(settings.reveal(&["hosp-kabul"]), next);
    assert_eq!(settings.status("hosp-kabul", "jitsiJwtSecret")["version"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brought_secret_is_set_replaced_and_removed_and_never_shown() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::of(&database);
    let managed = settings.reveal(&["hosp-kabul"]);
    let set = ["secret", "set", "hosp-kabul", "jitsiJwtSecret"];
    let run = settings.fed(&set, format!("{BROUGHT}\n").as_bytes());
    assert_eq!((run.code, run.out.trim()), (0, "jitsiJwtSecret of hosp-kabul is at version 1"), "{run:?}");
    assert_eq!(settings.fed(&set, BROUGHT.as_bytes()).out.trim(), "jitsiJwtSecret of hosp-kabul is at version 2");
    let row = settings.status("hosp-kabul", "jitsiJwtSecret");
    assert_eq!((&row["mode"], &row["version"]), (&"brought".into(), &2.into()), "{row}");
    assert!(row["key_id"].as_str().unwrap().starts_with("local:"), "{row}");
    assert!(row["age"].is_string(), "{row}");

    let run = settings.run(&["secret", "reveal", "hosp-kabul"]);
    assert!(run.code == 1 && run.out.is_empty() && run.err.contains("never shown"), "{run:?}");
    assert_eq!(settings.reveal(&["hosp-kabul", "--next"]), managed, "what is valid once it is removed");
    let remove = ["secret", "remove", "hosp-kabul", "jitsiJwtSecret"];
    assert_eq!(settings.run(&remove).out.trim(), "hosp-kabul no longer has jitsiJwtSecret");
    assert_eq!(settings.run(&remove).out.trim(), "hosp-kabul has no jitsiJwtSecret");
    assert_eq!(settings.reveal(&["hosp-kabul"]), managed);
    assert_eq!(
        audited(&database).await,
        [
            "SECRET_REVEALED jitsiSecret 1",
            "SECRET_SET jitsiJwtSecret 1",
            "SECRET_SET jitsiJwtSecret 2",
            "SECRET_REVEALED jitsiSecret 1",
            "SECRET_REMOVED jitsiJwtSecret -",
            "SECRET_REVEALED jitsiSecret 1",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_comes_from_a_file_or_standard_input_and_never_as_an_argument() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::of(&database);
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.secret", database.name()));
    std::fs::write(&file, format!("{BROUGHT}\n")).unwrap();
    let set = ["secret", "set", "hosp-kabul", "zoomApiSecret"];
    let run = settings.run(&[&set[..], &["--from-file", file.to_str().unwrap()]].concat());
    std::fs::remove_file(&file).unwrap();
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(settings.status("hosp-kabul", "zoomApiSecret")["mode"], "brought");
    assert_eq!(settings.run(&[&set[..], &["a-value"]].concat()).code, 2);
    let run = settings.run(&[&set[..], &["--from-file", "/nowhere"]].concat());
    assert!(run.code == 1 && run.err.contains("--from-file"), "{run:?}");
    assert_eq!(settings.run(&["secret", "set", "hosp-kabul", "masterPassword"]).code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_cannot_be_are_refused_and_nothing_is_written() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::of(&database);
    let with_nul = format!("{BROUGHT}\0");
    let table: [(&str, Vec<u8>); 9] = [
        ("jitsiJwtSecret", Vec::new()),
        ("jitsiJwtSecret", b"\n".to_vec()),
        ("jitsiJwtSecret", b"0123456789".to_vec()),
        ("jitsiJwtSecret", vec![b's'; 65_536]),
        ("jitsiJwtSecret", with_nul.clone().into_bytes()),
        ("jitsiJwtSecret", format!("{BROUGHT}\n{BROUGHT}").into_bytes()),
        ("zoomApiKey", vec![b's'; 257]),
        ("zoomApiSecret", with_nul.into_bytes()),
        ("zoomApiSecret", vec![0xFF; 40]),
    ];
    for (name, value) in table {
        let run = settings.fed(&["secret", "set", "hosp-kabul", name], &value);
        assert!(run.code == 1 && run.out.is_empty(), "{name}, {} bytes: {run:?}", value.len());
        assert!(value.len() <= 1 || run.err.contains("printable ASCII"), "{run:?}");
    }
    let rows: i64 = database.query_one("SELECT count(*) FROM tenant_secret", &[]).await.unwrap().get(0);
    assert_eq!(rows, 0);
    assert!(audited(&database).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_key_is_rotated_and_its_older_versions_are_retired() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::of(&database);
    let status = || {
        let row = settings.status("hosp-kabul", "joinKey");
        (row["version"].as_u64().unwrap(), row["oldest"].as_u64().unwrap())
    };
    assert_eq!(status(), (1, 1));
    let run = settings.run(&["secret", "rotate", "hosp-kabul", "join-key"]);
    let told = "joinKey of hosp-kabul is at version 2; links of version 1 and newer open";
    assert_eq!((run.code, run.out.trim()), (0, told), "{run:?}");
    assert_eq!(status(), (2, 1));
    let run = settings.run(&["secret", "retire", "hosp-kabul", "join-key"]);
    assert_eq!((run.code, run.out.trim()), (0, "joinKey of hosp-kabul is at version 2"), "{run:?}");
    assert_eq!(status(), (2, 2));
    assert_eq!(audited(&database).await, ["SECRET_ROTATED joinKey 2", "SECRET_RETIRED joinKey 2"]);
    let run = settings.run(&["secret", "status", "hosp-kabul"]);
    for word in ["jitsiJwtSecret", "managed", "zoomApiKey", "none", "joinKey"] {
        assert!(run.out.contains(word), "{word}: {run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_a_tenants_jitsi_is_shown_rotated_and_retired() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::of(&database);
    let first = settings.reveal(&["hosp-kabul", "--internal"]);
    assert!(first.starts_with("vci_hosp-kabul.1.") && first.len() == "vci_hosp-kabul.1.".len() + 43, "{first}");
    assert_ne!(first, settings.reveal(&["hosp-kabul"]), "no other secret of the tenant's");
    assert!(settings.reveal(&["hosp-herat", "--internal"]).starts_with("vci_hosp-herat.1."));
    let next = settings.reveal(&["hosp-kabul", "--internal", "--next"]);
    let run = settings.run(&["secret", "rotate", "hosp-kabul", "internal-token"]);
    let expected = "internalToken of hosp-kabul is at version 2; tokens of version 1 and newer are taken";
    assert_eq!((run.code, run.out.trim()), (0, expected), "{run:?}");
    assert_eq!(settings.reveal(&["hosp-kabul", "--internal"]), next);
    let status = || {
        let row = settings.status("hosp-kabul", "internalToken");
        (row["mode"].clone(), row["version"].as_u64().unwrap(), row["oldest"].as_u64().unwrap())
    };
    assert_eq!(status(), ("managed".into(), 2, 1));
    let run = settings.run(&["secret", "retire", "hosp-kabul", "internal-token"]);
    assert_eq!((run.code, run.out.trim()), (0, "internalToken of hosp-kabul is at version 2"), "{run:?}");
    assert_eq!(status(), ("managed".into(), 2, 2));
    assert_eq!(
        audited(&database).await,
        [
            "SECRET_REVEALED internalToken 1",
            "SECRET_REVEALED jitsiSecret 1",
            "SECRET_REVEALED internalToken 1",
            "SECRET_REVEALED internalToken 2",
            "SECRET_ROTATED internalToken 2",
            "SECRET_REVEALED internalToken 2",
            "SECRET_RETIRED internalToken 2",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_keys_in_a_cloud_kms_it_is_the_same_and_says_so_when_that_is_down() {
    let mut kms = KmsServer::start(KmsKind::Ministack).await.unwrap();
    let key = kms.create_key("eu-central-1", KmsKey::Sealing).await.unwrap();
    let mac = kms.create_key("eu-central-1", KmsKey::Mac).await.unwrap();
    let database = TestDatabase::create().await.unwrap();
    let more = format!(
        r#"kms = {{ provider = "aws", region = "eu-central-1", key_id = "{key}", mac_key_id = "{mac}",
                    endpoint_url = "{}", access_key_id = "test", secret_access_key = "test",
                    deadline_ms = 20000, attempt_deadline_ms = 10000 }}"#,
        kms.url()
    );
    let more = more.replace('\n', " ");
    let settings = Settings::with(database.name(), &crate::with_password(&database.url()), &more);
    let managed = settings.reveal(&["hosp-kabul"]);
    assert_eq!((managed.len(), settings.reveal(&["hosp-kabul"])), (43, managed.clone()));
    let set = ["secret", "set", "hosp-kabul", "jitsiJwtSecret"];
    assert_eq!(settings.fed(&set, BROUGHT.as_bytes()).code, 0);
    assert_eq!(settings.status("hosp-kabul", "jitsiJwtSecret")["key_id"], key);

    kms.kill();
    for run in [settings.fed(&set, BROUGHT.as_bytes()), settings.run(&["secret", "reveal", "hosp-herat"])] {
        assert!(run.code == 1 && run.err.contains("the key store is unavailable"), "{run:?}");
    }
    let version = database.query_one("SELECT version FROM tenant_secret", &[]).await.unwrap();
    assert_eq!(version.get::<_, i32>(0), 1, "nothing is half-written");
    assert_eq!(settings.run(&["secret", "rotate", "hosp-kabul", "join-key"]).code, 0, "this needs no key");
}
