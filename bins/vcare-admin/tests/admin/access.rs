//! Who took emergency access.

use serde_json::{Value, json};
use vcare_testkit::TestDatabase;

use crate::{Run, Settings, forget_login, operators_settings};

/// Two accesses: one of an hour ago in Herat, one of two days ago in Kabul.
async fn two_emergencies(database: &TestDatabase) {
    let statements = "
        INSERT INTO emergency_access (tenant_id, id, user_id, patient_id, reason, visit, granted_at, expires_at,
            reason_code) VALUES
        ('hosp-herat', '0192f00d-0000-7000-8000-000000000012', 'dr-2', 'pat-2', 'بیهوش رسید و تنها بود', NULL,
            date_trunc('milliseconds', now()) - interval '1 hour', now() - interval '30 minutes', NULL),
        ('hosp-kabul', '0192f00d-0000-7000-8000-000000000011', 'dr-1', 'pat-1', 'no pulse on arrival',
            'vsn_01JBR0T000E008000000000001', '2026-03-01T09:00:00Z', '2026-03-01T09:30:00Z', 'life_threatening');";
    database.client().await.unwrap().batch_execute(statements).await.unwrap();
}

fn patients(run: &Run) -> Vec<String> {
    let rows: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    rows.as_array().unwrap().iter().map(|row| row["patient"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_told_who_took_emergency_access_to_whom_when_and_why() {
    let database = TestDatabase::create().await.unwrap();
    let login = format!("watcher_{}", database.name());
    let settings = operators_settings(&database, &login).await;
    let emergencies = |more: &[&str]| settings.run(&[&["access", "emergencies"], more].concat());
    let json = |more: &[&str]| emergencies(&[&["--output", "json"], more].concat());
    let run = emergencies(&["--since", "24h"]);
    assert_eq!((run.code, run.out.trim()), (0, "none"), "{run:?}");

    two_emergencies(&database).await;
    let all = json(&["--since", "2026-03-01T09:00:00Z"]);
    assert_eq!(patients(&all), ["pat-1", "pat-2"], "oldest first, and that moment belongs to it");
    let rows: Value = serde_json::from_str(&all.out).unwrap();
    assert_eq!(
        rows[0],
        json!({
            "tenant": "hosp-kabul", "id": "vea_01JBR0T000E00800000000000H", "user": "dr-1", "patient": "pat-1",
            "granted_at": "2026-03-01T09:00:00Z", "expires_at": "2026-03-01T09:30:00Z",
            "visit": "vsn_01JBR0T000E008000000000001", "reason_code": "life_threatening",
            "reason": "no pulse on arrival",
        })
    );
    assert_eq!(rows[1]["reason_code"], "other", "the version before knew no codes");
    assert_eq!(patients(&json(&["--since", "2h"])), ["pat-2"]);
    assert_eq!(patients(&json(&["--since", "30m"])), [""; 0]);
    let of_kabul = ["--since", "2026-01-01T00:00:00+04:30", "--tenant", "hosp-kabul"];
    assert_eq!(patients(&json(&of_kabul)), ["pat-1"]);

    let table = emergencies(&["--since", "2026-03-01T00:00:00Z"]);
    for expected in ["dr-1", "pat-1", "no pulse on arrival", "vsn_01JBR0T000E008000000000001", "بیهوش رسید و تنها بود"]
    {
        assert!(table.code == 0 && table.out.contains(expected), "{expected}: {table:?}");
    }
    forget_login(&database, &login).await;
}

#[test]
fn who_does_not_say_since_when_is_told_how() {
    let settings = Settings::with("access-since", "postgres://vcare@127.0.0.1:1/virtual_care", "");
    for arguments in [&["access", "emergencies"][..], &["access", "emergencies", "--since", "yesterday"]] {
        let run = settings.run(arguments);
        assert!(run.code == 2 && run.err.contains("--since"), "{run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_services_own_login_is_not_told_of_emergencies() {
    let database = TestDatabase::create().await.unwrap();
    two_emergencies(&database).await;
    let run = Settings::of(&database).run(&["access", "emergencies", "--since", "2026-01-01T00:00:00Z"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
}
