//! Trying an account: what is wrong with it is named.

use vcare_app::ports::{ConnectionReport, SecretName, VideoProvider};
use vcare_testkit::standins::zoom::Limit;
use vcare_testkit::{Mode, Name};

use super::support::trace;
use super::{Account, Hospital, config};

async fn report(account: &Account) -> ConnectionReport {
    account.video.test_connection(&account.config, &trace()).await
}

/// The check that failed, and the setting that it names.
async fn problem(account: &Account) -> (&'static str, Option<&'static str>, &'static str) {
    let report = report(account).await;
    assert!(!report.healthy());
    let failed = report.checks.last().unwrap();
    let problem = failed.problem.unwrap();
    assert!(
        report.checks.iter().rev().skip(1).all(|check| check.problem.is_none()),
        "the first that fails is the last"
    );
    (failed.check, problem.setting, problem.message)
}

#[tokio::test]
async fn an_account_that_works_is_healthy_and_nothing_is_left_in_it() {
    let hospital = Hospital::open().await;
    let report = report(&hospital).await;
    assert!(report.healthy(), "{report:?}");
    let checks: Vec<_> = report.checks.iter().map(|check| check.check).collect();
    assert_eq!(checks, ["login", "host", "meeting"]);
    assert_eq!(hospital.asked("POST", "/v2/users/me/meetings").len(), 1);
    assert!(hospital.standins.zoom().meetings().is_empty());
}

#[tokio::test]
async fn a_wrong_key_account_or_host_is_named() {
    let mut hospital = Hospital::open().await;
    for (name, setting) in [(SecretName::ZoomApiKey, "zoom-client"), (SecretName::ZoomApiSecret, "zoom-client-secret")]
    {
        hospital.brought.bring(name, Some("wrong"));
        let (check, named, message) = problem(&hospital).await;
        assert_eq!((check, named), ("login", Some("zoomApiSecret")));
        assert!(message.contains("zoomApiKey") && message.contains("zoomApiSecret"));
        hospital.brought.bring(name, None);
        assert_eq!(problem(&hospital).await.1, Some("zoomApiKey"));
        hospital.brought.bring(name, Some(setting));
        assert!(report(&hospital).await.healthy());
    }
    hospital.account.config = config("kabul", "another-account", "me");
    assert_eq!(problem(&hospital).await.1, Some("zoomAccountId"));
    hospital.account.config = config("kabul", "zoom-account", "nobody@hospital.example");
    assert_eq!(problem(&hospital).await, ("host", Some("zoomHostUser"), "the account has no such user"));
}

#[tokio::test]
async fn a_scope_that_is_missing_is_found_before_a_visit_needs_it() {
    for scope in [
        "meeting:write:meeting:admin",
        "meeting:read:meeting:admin",
        "meeting:delete:meeting:admin",
        "meeting:read:list_meetings:admin",
    ] {
        let hospital = Hospital::open().await;
        hospital.standins.zoom().reconfigure(|settings| settings.scopes.retain(|one| one != scope));
        let (check, setting, message) = problem(&hospital).await;
        assert_eq!(check, if scope.contains("list") { "host" } else { "meeting" }, "{scope}");
        assert_eq!(setting, None);
        assert!(message.contains("scope"), "{message}");
        if !scope.contains("delete") {
            assert!(hospital.standins.zoom().meetings().is_empty(), "{scope}");
        }
    }
}

#[tokio::test]
async fn keys_that_were_changed_are_tried_at_once_although_an_older_token_is_still_good() {
    let hospital = Hospital::open().await;
    hospital.health().await.unwrap();
    hospital.brought.bring(SecretName::ZoomApiSecret, Some("another"));
    hospital.health().await.unwrap();
    assert_eq!(problem(&hospital).await.0, "login");
}

#[tokio::test]
async fn an_account_without_quota_or_a_zoom_that_is_down_is_nobodys_setting() {
    let hospital = Hospital::open().await;
    hospital.standins.zoom().limit(Some(Limit::Meetings));
    assert_eq!(problem(&hospital).await, ("meeting", None, "the account's quota is used up for now"));
    hospital.standins.zoom().limit(Some(Limit::Daily));
    assert_eq!(problem(&hospital).await.0, "host");
    hospital.standins.zoom().limit(None);
    for mode in [Mode::DOWN, Mode::WRONG] {
        hospital.standins.set_mode(Name::Zoom, mode);
        assert_eq!(problem(&hospital).await, ("login", None, "Zoom does not answer as it should"));
    }
}

#[tokio::test]
async fn a_tenant_whose_key_store_is_gone_is_told_so() {
    let mut hospital = Hospital::open().await;
    hospital.account.config = config("herat", "zoom-account", "me");
    assert_eq!(problem(&hospital).await, ("login", None, "the key store is unavailable"));
}
