//! Names when there is no key for them: care goes on.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use vcare_app::ports::{DisplayNames, SecretsError};
use vcare_app::sessions::{GivenProfile, InviteParticipant};
use vcare_app::{App, Caller, Done, Role, Scope};
use vcare_domain::{DisplayName, Locale, ParticipantRole, SealedName, SessionId, TenantId, UserId};

use super::{DOCTOR, INTERPRETER, PATIENT, names};
use crate::support::{TENANT, TestApp, VideoUrl, scope};

/// A key store that is down.
struct NoKeys;

fn down<T>() -> Result<T, SecretsError> {
    Err(SecretsError("nobody is there".into()))
}

#[async_trait]
impl DisplayNames for NoKeys {
    async fn seal_name(&self, _: &TenantId, _: SessionId, _: &DisplayName) -> Result<SealedName, SecretsError> {
        down()
    }
    async fn open_name(&self, _: &TenantId, _: SessionId, _: &SealedName) -> Result<DisplayName, SecretsError> {
        down()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_key_store_is_down_people_are_invited_and_seen_without_names() {
    let app = TestApp::start().await;
    let visit = app.named_visit().await;
    let without = App { names: Arc::new(NoKeys), ..app.app.clone() };
    let id: SessionId = visit.id.parse().unwrap();
    let seen = without.read_session(&caller(), id).await.unwrap();
    let people = &seen.viewed.session.parts().participants;
    assert!(people.iter().all(|one| one.name.is_some() && seen.names.of(one.id).is_none()));
    let wish = InviteParticipant {
        user_id: None,
        role: ParticipantRole::Observer,
        profile: GivenProfile { name: Some(DisplayName::parse("Habib").unwrap()), language: Some(Locale::Ps) },
    };
    let invited = without.invite_participant(&caller(), id, wish, None, None).await.unwrap();
    let Done::Now(viewed) = invited else { panic!("answered before") };
    let last = viewed.session.parts().participants.last().unwrap();
    assert_eq!((last.name.is_none(), last.language), (true, Some(Locale::Ps)));
    // It is back: those who were named before have their names, and the one who was not can be named now.
    let seen = app.read(&visit).await;
    assert_eq!(names(&seen), [json!(PATIENT), json!(DOCTOR), json!(INTERPRETER), Value::Null]);
    let path = visit.path(&format!("/participants/{}/join-token", seen["participants"][3]["id"].as_str().unwrap()));
    app.post(&app.token("clinician"), &path, &json!({"displayName": "Habib"})).await.expect(201);
    assert_eq!(names(&app.read(&visit).await)[3], "Habib");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_open_is_missing_and_nobody_is_kept_out() {
    let app = TestApp::start().await;
    let (visit, other) = (app.named_visit().await, app.named_visit().await);
    // Names that were moved from another visit.
    let put = "UPDATE virtual_session SET sealed = (SELECT sealed FROM virtual_session WHERE id::text = $2) WHERE id::text = $1";
    assert_eq!(app.database.execute(put, &[&uuid_of(&visit.id), &uuid_of(&other.id)]).await.unwrap(), 1);
    assert!(names(&app.read(&visit).await).iter().all(Value::is_null));
    assert_eq!(names(&app.read(&other).await)[0], PATIENT);
    let link = app.join_token(&visit).await;
    app.join(&link).await.expect(200);
    app.admit(&visit).await.expect(200);
    let claims = VideoUrl::read(TENANT, &app.join(&link).await.expect(200).text("url")).await.claims;
    assert!(claims["context"]["user"].get("name").is_none());
}

fn uuid_of(session: &str) -> String {
    session.parse::<SessionId>().unwrap().as_uuid().to_string()
}

/// The participants' numbers, in their order.
/// `clinician-1`, for what is not done over HTTP.
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
