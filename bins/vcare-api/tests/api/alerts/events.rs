//! What neighbours, NATS, the database and our own processes do, and the alert about each.

use std::time::Duration;

use serde_json::json;
use vcare_app::ports::{Secret, SecretName};
use vcare_domain::VideoBackend;
use vcare_testkit::standins::zoom::{Limit, Settings};
use vcare_testkit::{Mode, Name, until};

use super::Watched;
use crate::rooms::settings;
use crate::support::{Answer, OTHER_TENANT, TENANT, Visit, scope};

const PATIENCE: Duration = Duration::from_secs(40);

impl Watched {
    async fn create_at(&self, tenant: &str) -> Answer {
        let clinician = self.app.token_of(tenant, "clinician-1", "clinician");
        self.app.post(&clinician, "/sessions", &self.app.wish()).await
    }

    /// A visit that goes on, and is long enough to be one.
    async fn visit(&self) -> Visit {
        let (visit, _) = self.app.active_visit().await;
        self.app.long_enough().await;
        visit
    }

    async fn all_is_published(&self) {
        self.app.database.until("SELECT NOT EXISTS (SELECT FROM outbox)", PATIENCE).await.unwrap();
    }

    /// The other tenant is at Zoom, with credentials that it brought.
    async fn go_to_zoom(&self) {
        let (app, zoom) = (&self.app, Settings::default());
        self.bring(SecretName::ZoomApiKey, zoom.client_id).await;
        self.bring(SecretName::ZoomApiSecret, zoom.client_secret).await;
        settings(app, OTHER_TENANT, |draft| {
            draft.video_backend = VideoBackend::Zoom;
            draft.zoom_account_id = Some("zoom-account".to_owned());
        })
        .await;
    }

    async fn bring(&self, name: SecretName, value: String) {
        self.app.app.set_secret(&scope(OTHER_TENANT), name, &Secret::new(value)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_neighbour_refuses_for_good_fires_the_alert_about_it() {
    let watched = Watched::start("").await;
    let app = &watched.app;
    // It would make the thread when it hears of the wish.
    watched.communication.set_mode(Mode::DOWN);
    let (refused, in_messages, noted, owed) =
        (watched.visit().await, watched.visit().await, watched.visit().await, watched.visit().await);
    let draft = app.draft(&noted).await;
    let alerts = ["VcareEncounterParked", "VcareThreadParked", "VcareSummaryParked", "VcareEncounterLate"];
    for alert in alerts {
        watched.is_quiet(alert).await;
    }

    app.standins.set_mode(Name::Fhir, Mode::down_with(422));
    assert_eq!(app.end(&refused).await.expect(200).body["encounterStatus"], "parked");
    app.standins.refuse_threads(Some((422, "INVALID")));
    app.fall_back(&in_messages).await.expect(202);
    assert_eq!(app.read(&in_messages).await["messagingStatus"], "parked");
    app.standins.set_mode(Name::Chart, Mode::down_with(422));
    assert_eq!(app.accept(&noted, &draft).await.expect(202).body["chartStatus"], "parked");
    // Nobody waits half an hour here: the debt is as old as that when it is made.
    app.standins.set_mode(Name::Fhir, Mode::DOWN);
    assert_eq!(app.end(&owed).await.expect(200).body["encounterStatus"], "pending");
    let age = "UPDATE retry_job SET created_at = created_at - interval '1 hour' WHERE state = 'open'";
    assert!(app.database.execute(age, &[]).await.unwrap() > 0);

    for alert in alerts {
        watched.fires(alert).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_whoever_asks_fires_the_alert_about_it() {
    let watched = Watched::start("waiting.lines_ms = 0\nwaiting.seats = 0\nkms.versions_ttl_seconds = 1").await;
    let app = &watched.app;
    let create_anywhere = async |tenant| drop(watched.create_at(tenant).await.expect(503));
    watched.is_quiet("VcareTracesLost").await;
    app.standins.set_mode(Name::Collector, Mode::DOWN);

    watched.fires_after("VcareVideoNotConfigured", create_anywhere("hosp-nowhere")).await;

    app.standins.set_mode(Name::Jitsi, Mode::DOWN);
    watched.fires_after("VcareVideoDown", create_anywhere(TENANT)).await;
    app.standins.set_mode(Name::Jitsi, Mode::UP);

    watched.go_to_zoom().await;
    let spoil = "UPDATE tenant_secret SET sealed = set_byte(sealed, octet_length(sealed) - 1,
                     get_byte(sealed, octet_length(sealed) - 1) # 1) WHERE name = 'zoomApiSecret'";
    assert_eq!(app.database.execute(spoil, &[]).await.unwrap(), 1);
    watched.fires_after("VcareSecretDoesNotOpen", create_anywhere(OTHER_TENANT)).await;

    watched.bring(SecretName::ZoomApiSecret, Settings::default().client_secret).await;
    watched.is_quiet("VcareVideoQuota").await;
    app.standins.zoom().limit(Some(Limit::Daily));
    let used_up = async || watched.create_at(OTHER_TENANT).await.body["code"] == "PROVIDER_QUOTA_EXCEEDED";
    until("the new secret is used, and the quota is not there", used_up).await;
    watched.fires("VcareVideoQuota").await;

    let (waited_for, waits) = app.waiting_visit().await;
    watched.fires_after("VcareNoSeat", async { drop(app.wait(&waits, "since=3").await.expect(204)) }).await;

    let data = json!({"tenantId": TENANT, "sessionId": waited_for.id, "threadId": "", "idempotencyKey": "key"});
    let nonsense = json!({"specversion": "1.0", "id": "1", "source": "ghasi/communication-service", "data": data});
    let told = async { watched.communication.publish("communication.thread.created", &nonsense).await.unwrap() };
    watched.fires_after("VcareMessagesSetAside", told).await;

    app.standins.set_mode(Name::Consent, Mode::DOWN);
    watched.fires_during("VcareGateDoesNotAnswer", async || create_anywhere(TENANT).await).await;
    app.standins.set_mode(Name::Consent, Mode::UP);

    let visit = watched.visit().await;
    app.standins.set_mode(Name::Ai, Mode::DOWN);
    let summarise = async || drop(app.summarise(&app.token("clinician"), &visit, "A cough.").await.expect(503));
    watched.fires_during("VcareAiUnavailable", summarise).await;

    // Each request leaves spans, and nobody takes them.
    let ask = async || drop(app.get(&app.token("clinician"), &visit.path("")).await.expect(200));
    until("VcareTracesLost fires", async || {
        ask().await;
        watched.fired().await.contains("VcareTracesLost")
    })
    .await;
    for side_by_side in ["VcareErrors", "VcareRequestsFailFast"] {
        watched.fires(side_by_side).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_underneath_fires_the_alert_about_it() {
    let mut watched = Watched::start("").await;
    watched.app.nats.stop().await;
    watched.app.nats.keep_a_copy().unwrap();
    watched.app.nats.restart().await.unwrap();
    watched.visit().await;
    watched.all_is_published().await;
    for alert in ["VcareStreamLostEvents", "VcareDatabaseUnreachable", "VcareProcessDown", "VcareNoWorker"] {
        watched.is_quiet(alert).await;
    }

    watched.app.nats.kill();
    watched.app.nats.put_the_copy_back().unwrap();
    watched.fires("VcareNatsDisconnected").await;
    watched.app.nats.restart().await.unwrap();
    watched.fires("VcareStreamLostEvents").await;
    watched.all_is_published().await;

    watched.app.lose_the_database().await;
    let ask = async || drop(watched.app.get(&watched.app.token("clinician"), "/sessions").await.expect(503));
    watched.fires_during("VcareDatabaseUnreachable", ask).await;
    watched.app.find_the_database().await;

    watched.worker.kill();
    for alert in ["VcareProcessDown", "VcareNoWorker"] {
        watched.fires(alert).await;
    }
}
