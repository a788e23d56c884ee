//! Alerts about those without whom nobody can be recognised.

use vcare_testkit::{Mode, Name, until};

use super::Watched;
use crate::secrets::kms;

#[tokio::test(flavor = "multi_thread")]
async fn without_an_identity_provider_and_without_a_key_store_there_is_an_alert_about_each() {
    let (mut kms, settings) = kms(500).await;
    let watched = Watched::start(&settings).await;
    let app = &watched.app;
    let clinician = app.token("clinician");

    // The process has no keys yet: nobody has signed in.
    app.standins.set_mode(Name::Identity, Mode::DOWN);
    let sign_in = async || drop(app.get(&clinician, "/sessions").await.expect(503));
    watched.fires_during("VcareNobodyCanSignIn", sign_in).await;
    app.standins.set_mode(Name::Identity, Mode::UP);
    until("they can sign in", async || app.get(&clinician, "/sessions").await.status == 200).await;

    let visit = app.visit().await;
    kms.kill();
    let path = format!("{}/participants/{}/join-token", visit.path(""), visit.patient);
    let issue = async || drop(app.post(&clinician, &path, &serde_json::json!({})).await.expect(503));
    watched.fires_during("VcareKeyStoreDown", issue).await;
}
