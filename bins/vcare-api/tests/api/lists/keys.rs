//! The key that cursors are signed with.

use std::sync::Arc;

use async_trait::async_trait;
use vcare_app::ports::{CursorScope, KeyPurpose, ListCursors, PageCursor, Paging, SecretsError, SessionFilter};
use vcare_app::{App, AppError, Caller, Role, Scope};
use vcare_domain::UserId;

use super::ids;
use crate::support::{TENANT, TestApp, scope};

/// The key store is down, and no key is remembered.
struct NoKeys;

fn down<T>() -> Result<T, SecretsError> {
    Err(SecretsError("the key store is down".into()))
}

#[async_trait]
impl ListCursors for NoKeys {
    async fn cursor(&self, _: &CursorScope, _: PageCursor) -> Result<String, SecretsError> {
        down()
    }
    async fn read_cursor(&self, _: &CursorScope, _: &str) -> Result<Option<PageCursor>, SecretsError> {
        down()
    }
}

fn caller() -> Caller {
    let Scope { tenant_id, trace, .. } = scope(TENANT);
    Caller {
        tenant_id,
        user_id: UserId::parse("clinician-1").unwrap(),
        roles: vec![Role::Clinician],
        node_id: None,
        patient_id: None,
        name: None,
        emergency: None,
        trace,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_a_list_of_one_page_is_shown_and_a_longer_one_is_refused_unseen() {
    let app = TestApp::start().await;
    for minutes in [10, 20] {
        app.visit_in(minutes).await;
    }
    let without = App { cursors: Arc::new(NoKeys), ..app.app.clone() };
    let list = async |limit, cursor: Option<&str>| {
        let filter = SessionFilter { limit, ..SessionFilter::default() };
        let paging = Paging { cursor: cursor.map(str::to_owned), ..Paging::default() };
        without.list_sessions(&caller(), filter, None, paging).await
    };
    assert_eq!(list(20, None).await.unwrap().items.len(), 2);
    let before = app.all_events().await.len();
    for refused in [list(1, None).await, list(20, Some("x")).await] {
        assert!(matches!(refused, Err(AppError::Secrets(_))), "a list must not seem to end where it does not");
    }
    assert_eq!(app.all_events().await.len(), before, "nothing was shown, and nothing is said to have been");
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_of_an_older_key_are_taken_until_it_is_retired() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    for minutes in [10, 20, 30] {
        app.visit_in(minutes).await;
    }
    let first = app.get(&clinician, "/sessions?limit=1").await.expect(200).text("nextCursor");
    app.app.rotate_key(&scope(TENANT), KeyPurpose::ListCursor).await.unwrap();
    let next = app.get(&clinician, &format!("/sessions?limit=1&cursor={first}")).await.expect(200);
    app.app.retire_key(&scope(TENANT), KeyPurpose::ListCursor).await.unwrap();
    app.get(&clinician, &format!("/sessions?limit=1&cursor={first}")).await.refused(400, "CURSOR_MISMATCH");
    let newer = format!("/sessions?limit=1&cursor={}", next.text("nextCursor"));
    assert_eq!(ids(&app.get(&clinician, &newer).await.expect(200).body).len(), 1);
}
