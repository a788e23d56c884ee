//! An operator carries out a patient's rights.

use vcare_testkit::TestDatabase;

use crate::{TENANT, forget_login, operators_settings, stuck_visit};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_holds_releases_restricts_and_erases_a_patient() {
    let database = TestDatabase::create().await.unwrap();
    let login = format!("officer_{}", database.name());
    let settings = operators_settings(&database, &login).await;
    settings.run(&[&TENANT[..], &["kabul"]].concat());
    stuck_visit(&database).await;
    let of = ["pat-1", "--tenant", "hosp-kabul"];
    let show = || settings.run(&[&["subject", "show"][..], &of, &["--output", "json"]].concat());
    let order = |what: &'static str| settings.run(&[&["subject", what][..], &of].concat());
    let erase = |confirm: &'static str| {
        settings.run(&[&["subject", "erase"][..], &of, &["--confirm", confirm, "--output", "json"]].concat())
    };

    let run = show();
    let seen: serde_json::Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{run:?}"));
    assert_eq!((&seen[0]["sessions"], &seen[0]["unfinished_visits"]), (&1.into(), &1.into()), "{seen}");
    let run = order("hold");
    assert!(run.code == 0 && run.out.contains("legal hold: 2") && run.out.contains("by operator:"), "{run:?}");
    let run = erase("pat-1");
    assert!(run.code == 1 && run.err.contains("legal hold"), "{run:?}");
    let run = order("release");
    assert!(run.code == 0 && run.out.contains("legal hold: no; restriction: no"), "{run:?}");
    let run = erase("pat-1");
    assert!(run.code == 1 && run.err.contains("1 visits of the patient are not over"), "{run:?}");

    database.execute("DELETE FROM retry_job", &[]).await.unwrap();
    let run = erase("pat-1");
    assert!(run.code == 3 && run.out.contains("clinical records must be kept until"), "{run:?}");
    let run = order("restrict");
    assert!(run.code == 0 && run.out.contains("restriction: 2"), "{run:?}");
    let long_ago =
        "UPDATE virtual_session SET started_at = now() - interval '11 years', ended_at = now() - interval '11 years'";
    database.execute(long_ago, &[]).await.unwrap();
    let run = erase("pat-2");
    assert!(run.code == 1 && run.err.contains("--confirm"), "{run:?}");
    let run = erase("pat-1");
    assert!(run.code == 0 && run.out.contains("virtual_care.subject.erased.v1"), "{run:?}");
    let run = erase("pat-1");
    assert!(run.code == 0 && run.out.contains("was erased before"), "{run:?}");
    let run = order("hold");
    assert!(run.code == 1 && run.err.contains("was erased"), "{run:?}");

    let audit = "SELECT count(*) FROM outbox WHERE subject = 'virtual_care.audit.recorded.v1'
                   AND convert_from(body, 'UTF8') LIKE '%SUBJECT_ERASED%operator:%'";
    let audit: i64 = database.query_one(audit, &[]).await.unwrap().get(0);
    let told = "SELECT count(*) FROM outbox WHERE subject = 'virtual_care.subject.erased.v1'";
    let told: i64 = database.query_one(told, &[]).await.unwrap().get(0);
    assert_eq!((audit, told), (1, 1));
    forget_login(&database, &login).await;
}
