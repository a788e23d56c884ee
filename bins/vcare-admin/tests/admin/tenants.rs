//! `vcare-admin tenant`.

use std::path::PathBuf;

use vcare_testkit::TestDatabase;

use crate::{PASSWORD, Run, Settings, TENANT};

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_settings_are_written_and_written_again() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::of(&database);
    let set = |more: &[&str]| settings.run(&[&TENANT[..], more].concat());
    let run = set(&["kabul"]);
    let told = "hosp-kabul is at version 1: changed jitsiServerUrl, roomSlugPrefix";
    assert_eq!((run.code, run.out.trim()), (0, told), "{run:?}");
    let run = set(&["kbl", "--max-participants", "20", "--time-zone", "Asia/Tehran", "--jitsi-tenant", "kabul"]);
    let told = "hosp-kabul is at version 2: changed jitsiTenant, roomSlugPrefix, maxParticipants, timeZone";
    assert_eq!((run.code, run.out.trim()), (0, told), "{run:?}");
    let query =
        "SELECT tenant_id, version, jitsi_server_url, room_slug_prefix, max_participants, time_zone, jitsi_tenant
                 FROM tenant_config";
    let row = database.query_one(query, &[]).await.unwrap();
    assert_eq!((row.get(0), row.get::<_, i32>(1)), ("hosp-kabul", 2));
    assert_eq!((row.get(2), row.get(3)), ("https://meet.example", "kbl"));
    assert_eq!((row.get::<_, i32>(4), row.get(5), row.get(6)), (20, "Asia/Tehran", Some("kabul")));
    // What is not given stays; what is unset has its default again.
    let run = settings.run(&["tenant", "set", "hosp-kabul", "--unset", "jitsi-tenant", "--unset", "maxParticipants"]);
    let told = "hosp-kabul is at version 3: changed jitsiTenant, maxParticipants";
    assert_eq!((run.code, run.out.trim()), (0, told), "{run:?}");
    let again = settings.run(&["tenant", "set", "hosp-kabul", "--max-participants", "6"]);
    assert_eq!(again.out.trim(), "hosp-kabul is at version 3: nothing to change", "{again:?}");
    let run = settings.run(&["tenant", "set", "hosp-kabul", "--unset", "everything"]);
    assert!(run.code == 1 && run.err.contains("there is no such setting"), "{run:?}");
    let shown = settings.run(&["tenant", "show", "hosp-kabul"]);
    assert!(shown.out.contains("Asia/Tehran") && !shown.out.contains("****"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_are_refused_and_nothing_is_written() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::of(&database);
    let set = |tenant, url, prefix, more: &[&str]| {
        let arguments = ["tenant", "set", tenant, "--jitsi-server-url", url, "--room-slug-prefix", prefix];
        settings.run(&[&arguments[..], more].concat())
    };
    let url = "https://meet.example";
    for run in [
        set("hosp kabul", url, "kabul", &[]),
        set("", url, "kabul", &[]),
        set("hosp-kabul", "http://meet.example", "kabul", &[]),
        set("hosp-kabul", &format!("https://user:{PASSWORD}@meet.example"), "kabul", &[]),
        set("hosp-kabul", url, "Kabul Central", &[]),
        set("hosp-kabul", url, "kabul", &["--max-participants", "1"]),
        set("hosp-kabul", url, "kabul", &["--max-participants", "21"]),
        set("hosp-kabul", url, "kabul", &["--time-zone", ""]),
    ] {
        assert!(
            run.code == 1 && run.err.starts_with("Error: ") || run.code == 2 && run.err.starts_with("error: "),
            "{run:?}"
        );
    }
    let rows: i64 = database.query_one("SELECT count(*) FROM tenant_config", &[]).await.unwrap().get(0);
    assert_eq!(rows, 0);
}

/// Tenants as a file says.
async fn apply(settings: &Settings, database: &TestDatabase, text: &str, arguments: &[&str]) -> Run {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-tenants.toml", database.name()));
    std::fs::write(&file, text).unwrap();
    let run = settings.run(&[&["tenant"], arguments, &["--file", file.to_str().unwrap()]].concat());
    std::fs::remove_file(file).unwrap();
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_tenants_is_applied_once_and_its_difference_is_shown() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::of(&database);
    let file = r#"
        [tenants.hosp-kabul]
        jitsiServerUrl = "https://meet.kabul.example"
        maxParticipants = 8

        [tenants.hosp-herat]
        jitsiServerUrl = "https://meet.herat.example"
        locale = "fa-AF"
    "#;
    let diff = apply(&settings, &database, file, &["diff"]).await;
    assert!(diff.code == 3 && diff.out.contains("https://meet.herat.example"), "{diff:?}");
    let dry = apply(&settings, &database, file, &["apply", "--dry-run"]).await;
    assert_eq!((dry.code, &dry.out), (3, &diff.out));
    let rows = async || database.query_one("SELECT count(*) FROM tenant_config", &[]).await.unwrap().get::<_, i64>(0);
    assert_eq!(rows().await, 0, "nothing was written");
    let applied = apply(&settings, &database, file, &["apply"]).await;
    assert_eq!((applied.code, rows().await), (0, 2), "{applied:?}");
    let again = apply(&settings, &database, file, &["apply"]).await;
    assert_eq!((again.code, again.out.trim()), (0, "nothing to change"));
    let changed = file.replace("maxParticipants = 8", "maxParticipants = 9");
    let diff = apply(&settings, &database, &changed, &["diff"]).await;
    assert!(diff.code == 3 && diff.out.contains("maxParticipants") && !diff.out.contains("locale"), "{diff:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_a_file_of_tenants_is_told_with_its_place_and_nothing_is_written() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::of(&database);
    let good = "[tenants.a]\njitsiServerUrl = \"https://meet.example\"\n";
    for (bad, told) in [
        ("[tenants.b]\njitsiServrUrl = \"https://meet.example\"", "line 4, column 1"),
        ("[tenants.b]\nmaxParticipants = \"six\"", "line 4, column 19"),
        ("[tenants.b", "line 3, column 11"),
        ("[tenants.b]\njitsiServerUrl = \"http://meet.example\"", "[tenants.b]"),
        ("[tenants.\"a b\"]\nmaxParticipants = 3", "a b"),
        ("[tenants.b]\nzoomApiKey = \"very-secret\"", "vcare-admin secret set"),
        ("[tenant.b]\nmaxParticipants = 3", "line 3, column 2"),
    ] {
        let run = apply(&settings, &database, &format!("{good}{bad}"), &["apply"]).await;
        assert!(run.code == 1 && run.err.contains(told), "{bad}: {run:?}");
        assert!(!run.err.contains("very-secret"), "{run:?}");
    }
    let rows: i64 = database.query_one("SELECT count(*) FROM tenant_config", &[]).await.unwrap().get(0);
    assert_eq!(rows, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_that_another_tenant_has_is_refused_by_its_name() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::of(&database);
    assert_eq!(settings.run(&[&TENANT[..], &["kabul"]].concat()).code, 0);
    let herat = ["tenant", "set", "hosp-herat", "--jitsi-server-url", "https://meet.example", "--room-slug-prefix"];
    let run = settings.run(&[&herat[..], &["kabul"]].concat());
    assert_eq!((run.code, run.err.trim()), (1, "Error: roomSlugPrefix belongs to another tenant"), "{run:?}");
    let tenant = |name: &str, prefix: &str| {
        format!("[tenants.{name}]\njitsiServerUrl = \"https://meet.example\"\nroomSlugPrefix = \"{prefix}\"\n")
    };
    for (file, expected) in [
        (tenant("hosp-herat", "kabul"), "roomSlugPrefix belongs to another tenant"),
        (tenant("a", "new") + &tenant("b", "new"), "[tenants.b]: roomSlugPrefix is the one of [tenants.a]"),
    ] {
        for arguments in [&["diff"][..], &["apply"]] {
            let run = apply(&settings, &database, &file, arguments).await;
            assert!(run.code == 1 && run.err.contains(expected), "{run:?}");
        }
    }
    let rows: i64 = database.query_one("SELECT count(*) FROM tenant_config", &[]).await.unwrap().get(0);
    assert_eq!(rows, 1, "nothing of either file was written");
}

#[test]
fn a_tenant_cannot_be_set_without_a_database() {
    let address = format!("postgres://vcare:{PASSWORD}@127.0.0.1:1/virtual_care");
    let settings = Settings::with("tenant-nowhere", &address, "");
    let run = settings.run(&[&TENANT[..], &["kabul"]].concat());
    assert!(run.code == 1 && run.err.contains("the database is unavailable"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn long_work_is_drawn_for_people_and_never_for_programs() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::of(&database);
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-many.toml", database.name()));
    let tenant = |number| format!("[tenants.hosp-{number}]\njitsiServerUrl = \"https://{number}.example\"\n");
    std::fs::write(&file, (0..5).map(tenant).collect::<String>()).unwrap();
    let quiet = settings.run(&["tenant", "diff", "--file", file.to_str().unwrap()]);
    assert_eq!((quiet.code, quiet.err.as_str()), (3, ""));
    // `script` is a terminal to what it runs.
    let command = format!("{} tenant diff --file {}", env!("CARGO_BIN_EXE_vcare-admin"), file.display());
    let drawn = std::process::Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .env("VCARE_CONFIG_FILE", &settings.0)
        .env("TERM", "xterm")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&drawn.stdout);
    assert_eq!(drawn.status.code(), Some(3), "{text}");
    assert!(text.contains("looking at tenants") && text.contains("/5"), "{text}");
    std::fs::remove_file(file).unwrap();
}
