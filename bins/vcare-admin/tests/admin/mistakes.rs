//! What is said to somebody who made a mistake.

use crate::{Settings, admin};

#[test]
fn a_mistake_is_told_in_a_line_and_without_a_backtrace() {
    let settings = Settings::with("mistakes", "postgres://vcare@127.0.0.1:1/virtual_care", "");
    let file = settings.0.to_str().unwrap();
    for arguments in [
        &["tenant", "show", "hosp-kabul"][..],
        &["tenant", "apply", "--file", "/nowhere/tenants.toml"],
        &["jobs", "show", "job_01JBR0T000E008000000000002"],
        &["secret", "set", "hosp-kabul", "zoomApiKey", "--from-file", "/nowhere"],
        &["migrate", "--dry-run"],
    ] {
        let run = admin(arguments, &[("VCARE_CONFIG_FILE", file), ("RUST_BACKTRACE", "1")]);
        assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
        assert!(run.err.starts_with("vcare-admin: ") && run.err.lines().count() == 1, "{run:?}");
        for word in ["Error", "Caused by", "backtrace", "{"] {
            assert!(!run.err.contains(word), "{word}: {run:?}");
        }
    }
    for wrong in [&["tenant", "shew"][..], &["jobs", "list", "--limit", "many"]] {
        let run = admin(wrong, &[("VCARE_CONFIG_FILE", file), ("RUST_BACKTRACE", "1")]);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
    }
}

#[test]
fn where_a_missing_setting_was_looked_for_is_said() {
    let run = admin(&["doctor"], &[("RUST_BACKTRACE", "1")]);
    let told = "vcare-admin: links: is missing\nlooked for links in no file, as VCARE_CONFIG_FILE is not set, and for \
                VCARE_LINKS__…";
    assert_eq!((run.code, run.err.trim()), (1, told), "{run:?}");
    let settings = Settings::whole("half", "links = { public_base_url = \"https://care.example\" }");
    let run = settings.run(&["doctor"]);
    let file = settings.0.display();
    assert!(
        run.err.contains(&format!("database: is missing\nlooked for database in {file}, and for VCARE_DATABASE__…")),
        "{run:?}"
    );
}
