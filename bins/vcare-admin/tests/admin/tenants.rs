//! `vcare-admin tenant`.

use std::path::PathBuf;

use vcare_testkit::TestDatabase;

use crate::{PASSWORD, Run, Settings, TENANT, forget_login, operators_settings, stuck_visit};

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
        let arguments = ["tenant", "set", tenant, "--create", "--jitsi-server-url", url, "--room-slug-prefix", prefix];
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
            run.code == 1 && run.err.starts_with("vcare-admin: ") || run.code == 2 && run.err.starts_with("error: "),
            "{run:?}"
        );
    }
    let rows: i64 = database.query_one("SELECT count(*) FROM tenant_config", &[]).await.unwrap().get(0);
    assert_eq!(rows, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_no_tenants_makes_none_unless_that_is_said() {
    let database = TestDatabase::create().await.unwrap();
    let login = format!("typist_{}", database.name());
    let settings = operators_settings(&database, &login).await;
    let set = |tenant, more: &[&str]| {
        settings.run(&[&["tenant", "set", tenant, "--jitsi-server-url", "https://meet.example"][..], more].concat())
    };
    let run = set("hosp-kabul", &[]);
    let told = "vcare-admin: there is no tenant hosp-kabul; --create makes it";
    assert_eq!((run.code, run.err.trim()), (1, told), "{run:?}");
    assert_eq!(set("hosp-kabul", &["--create"]).code, 0);
    assert_eq!(set("hosp-kabul", &["--max-participants", "7"]).code, 0);
    let run = set("hosp-kabool", &[]);
    let told = "vcare-admin: there is no tenant hosp-kabool (is hosp-kabul meant?); --create makes it";
    assert_eq!((run.code, run.err.trim()), (1, told), "{run:?}");
    let told = "vcare-admin: there is no tenant hosp-kabu (is hosp-kabul meant?)";
    for command in [
        &["tenant", "show", "hosp-kabu"][..],
        &["tenant", "test-connection", "hosp-kabu"],
        &["tenant", "delete", "hosp-kabu", "--yes"],
        &["jobs", "list", "--tenant", "hosp-kabu"],
        &["jobs", "requeue", "--state", "parked", "--tenant", "hosp-kabu", "--reason", "mended"],
        &["reconcile", "--tenant", "hosp-kabu"],
        &["access", "emergencies", "--since", "24h", "--tenant", "hosp-kabu"],
    ] {
        let run = settings.run(command);
        assert_eq!((run.code, run.out.as_str(), run.err.trim()), (1, "", told), "{command:?}");
    }
    for command in [&["jobs", "list", "--tenant", "hosp-kabul"][..], &["jobs", "list"]] {
        assert_eq!(settings.run(command).out.trim(), "none", "{command:?}");
    }
    let rows: i64 = database.query_one("SELECT count(*) FROM tenant_config", &[]).await.unwrap().get(0);
    assert_eq!(rows, 1);
    forget_login(&database, &login).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_without_visits_is_deleted_with_all_that_it_had_set() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::of(&database);
    assert_eq!(settings.run(&[&TENANT[..], &["kabul"]].concat()).code, 0);
    let secret = settings.fed(&["secret", "set", "hosp-kabul", "jitsiJwtSecret"], &[b's'; 40]);
    assert_eq!(secret.code, 0, "{secret:?}");
    assert_eq!(settings.run(&["secret", "rotate", "hosp-kabul", "join-key"]).code, 0);
    let logo =
        "INSERT INTO tenant_logo VALUES ('hosp-kabul', 'https://kabul.example/logo.png', 'image/png', 'x', now())";
    database.execute(logo, &[]).await.unwrap();
    let delete = |more: &[&str]| settings.run(&[&["tenant", "delete", "hosp-kabul"], more].concat());
    let run = delete(&[]);
    assert!(run.code == 1 && run.err.contains("--yes"), "nobody can be asked: {run:?}");

    stuck_visit(&database).await;
    let run = delete(&["--yes"]);
    assert!(run.code == 1 && run.err.contains("hosp-kabul stays: 1 visit and 0 uploads need its settings"), "{run:?}");
    let left = "SELECT (SELECT count(*) FROM tenant_config), (SELECT count(*) FROM tenant_secret),
                       (SELECT count(*) FROM tenant_logo), (SELECT count(*) FROM tenant_key)";
    let left = async || {
        let row = database.query_one(left, &[]).await.unwrap();
        [0, 1, 2, 3].map(|column| row.get::<_, i64>(column))
    };
    assert_eq!(left().await, [1, 1, 1, 1], "nothing of it went");

    database.execute("DELETE FROM virtual_session", &[]).await.unwrap();
    let run = delete(&["--yes"]);
    assert_eq!((run.code, run.out.trim()), (0, "hosp-kabul is deleted"), "{run:?}");
    assert_eq!(left().await, [0, 0, 0, 1], "a key that was retired must not come to life again");
    let audit = "SELECT convert_from(body, 'UTF8') FROM outbox WHERE subject = 'virtual_care.audit.recorded.v1'
                  ORDER BY position DESC LIMIT 1";
    let entry: String = database.query_one(audit, &[]).await.unwrap().get(0);
    assert!(entry.contains("CONFIG_DELETED") && entry.contains("operator:"), "{entry}");
    assert_eq!(delete(&["--yes"]).code, 1, "there is none any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_deletes_a_tenant_at_a_terminal_types_its_name() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::of(&database);
    assert_eq!(settings.run(&[&TENANT[..], &["kabul"]].concat()).code, 0);
    for (typed, code) in [("hosp-herat", 1), ("hosp-kabul", 0)] {
        // `script` is a terminal to what it runs.
        let command = format!("{} tenant delete hosp-kabul", env!("CARGO_BIN_EXE_vcare-admin"));
        let mut script = std::process::Command::new("script");
        script.args(["--quiet", "--return", "--command", &command, "/dev/null"]).env("VCARE_CONFIG_FILE", &settings.0);
        script.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut script = script.spawn().unwrap();
        std::io::Write::write_all(script.stdin.as_mut().unwrap(), format!("{typed}\n").as_bytes()).unwrap();
        let output = script.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{typed}: {text}");
        assert!(text.contains("Type its name"), "{text}");
        let rows: i64 = database.query_one("SELECT count(*) FROM tenant_config", &[]).await.unwrap().get(0);
        assert_eq!(rows, i64::from(code), "{typed}");
    }
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
    let bad = "[tenants.b]\nmaxParticipants = 1\nlocale = \"fr\"\ntimeZone = 3\n[tenants.c]\nnoShowMinutes = 1\n";
    let run = apply(&settings, &database, &format!("{good}{bad}"), &["apply"]).await;
    let lines: Vec<&str> = run.err.lines().skip(1).map(|line| line.trim().split(": ").next().unwrap()).collect();
    // What it lacks stands where its name stands.
    let places = ["line 3, column 10", "line 4, column 19", "line 5, column 10", "line 6, column 12"];
    assert_eq!((run.code, &lines[..4]), (1, &places[..]), "{run:?}");
    assert!(lines.contains(&"line 8, column 17"), "{run:?}");
    let rows: i64 = database.query_one("SELECT count(*) FROM tenant_config", &[]).await.unwrap().get(0);
    assert_eq!(rows, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_that_another_tenant_has_is_refused_by_its_name() {
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::of(&database);
    assert_eq!(settings.run(&[&TENANT[..], &["kabul"]].concat()).code, 0);
    let herat =
        ["tenant", "set", "hosp-herat", "--create", "--jitsi-server-url", "https://meet.example", "--room-slug-prefix"];
    let run = settings.run(&[&herat[..], &["kabul"]].concat());
    assert_eq!((run.code, run.err.trim()), (1, "vcare-admin: roomSlugPrefix belongs to another tenant"), "{run:?}");
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
