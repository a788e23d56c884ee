//! People with each relation to a visit of [`CONSENTED`].

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, CONSENTED, TENANT, TestApp, Visit};

/// A patient who has nothing to do with the others.
pub const OTHER_PATIENT: &str = "pat-somebody-else";

/// Somebody, by what they are to the visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The patient.
    Own,
    /// The patient's mother.
    Proxy,
    /// Another patient.
    OtherPatient,
    /// The planned clinician.
    Treating,
    /// A nurse practitioner who was invited as a provider.
    TreatingNurse,
    /// A clinician who takes part as an observer.
    Invited,
    /// A clinician in whose care the patient is.
    Assigned,
    /// A clinician with an open emergency access.
    Emergency,
    /// The clinician who planned the visit for a colleague.
    Creator,
    /// A scheduler.
    Scheduler,
    /// An admin.
    Admin,
    /// A tenant's administrator.
    TenantAdmin,
    /// The platform's administrator.
    PlatformAdmin,
    /// A clinician who has nothing to do with it.
    Stranger,
}

impl Who {
    /// Everybody.
    pub const ALL: [Self; 14] = [
        Self::Own,
        Self::Proxy,
        Self::OtherPatient,
        Self::Treating,
        Self::TreatingNurse,
        Self::Invited,
        Self::Assigned,
        Self::Emergency,
        Self::Creator,
        Self::Scheduler,
        Self::Admin,
        Self::TenantAdmin,
        Self::PlatformAdmin,
        Self::Stranger,
    ];

    /// What they are called in the matrix.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own => "self",
            Self::Proxy => "proxy",
            Self::OtherPatient => "other patient",
            Self::Treating => "treating clinician",
            Self::TreatingNurse => "treating nurse",
            Self::Invited => "invited observer",
            Self::Assigned => "assigned clinician",
            Self::Emergency => "emergency clinician",
            Self::Creator => "planning clinician",
            Self::Scheduler => "scheduler",
            Self::Admin => "admin",
            Self::TenantAdmin => "tenant admin",
            Self::PlatformAdmin => "platform admin",
            Self::Stranger => "other clinician",
        }
    }

    /// Their account.
    pub const fn account(self) -> &'static str {
        match self {
            Self::Own => "patient-1",
            Self::Proxy => "mother-1",
            Self::OtherPatient => "patient-9",
            Self::Treating => "clinician-1",
            Self::TreatingNurse => "nurse-1",
            Self::Invited => "student-1",
            Self::Assigned => "assigned-1",
            Self::Emergency => "emergency-1",
            Self::Creator => "planner-1",
            Self::Scheduler => "scheduler-1",
            Self::Admin => "admin-1",
            Self::TenantAdmin => "tenant_admin-1",
            Self::PlatformAdmin => "platform_admin-1",
            Self::Stranger => "clinician-9",
        }
    }

    const fn role(self) -> &'static str {
        match self {
            Self::Own | Self::Proxy | Self::OtherPatient => "patient",
            Self::TreatingNurse => "nurse_practitioner",
            Self::Scheduler => "scheduler",
            Self::Admin => "admin",
            Self::TenantAdmin => "tenant_admin",
            Self::PlatformAdmin => "platform_admin",
            _ => "clinician",
        }
    }

    /// Their token.
    pub fn token(self, app: &TestApp) -> String {
        let account = app.account(TENANT, self.account(), self.role());
        let account = match self {
            Self::Own => account.patient(CONSENTED),
            Self::Proxy => account.patient("pat-mother"),
            Self::OtherPatient => account.patient(OTHER_PATIENT),
            _ => account,
        };
        app.standins.issuer().token(&account)
    }
}

impl TestApp {
    /// access-policy knows who is assigned and who acts for whom.
    pub fn tell_relations(&self) {
        self.standins.assign(Who::Assigned.account(), CONSENTED);
        self.standins.make_proxy(Who::Proxy.account(), CONSENTED, "rel-mother-1");
    }

    /// A scheduled visit in which everybody has the part that [`Who`] says.
    pub async fn visit_of_everybody(&self) -> Visit {
        let mut wish = self.wish();
        wish["providerId"] = json!(Who::Treating.account());
        wish.as_object_mut().unwrap().remove("appointmentId");
        let created = self.post(&Who::Creator.token(self), "/sessions", &wish).await.expect(201);
        let visit = Visit::of(&created.body);
        for (who, role) in [(Who::TreatingNurse, "provider"), (Who::Invited, "observer")] {
            let invite = json!({"role": role, "userId": who.account()});
            self.post(&Who::Treating.token(self), &visit.path("/participants"), &invite).await.expect(201);
        }
        visit
    }

    /// Reads a visit in an emergency.
    pub async fn read_in_emergency(&self, token: &str, path: &str, reason: &str) -> Answer {
        let request =
            self.request(Method::GET, path).bearer_auth(token).header("X-Emergency-Reason", reason.as_bytes());
        self.send(request).await
    }

    /// Opens the emergency access of [`Who::Emergency`] to [`CONSENTED`].
    pub async fn open_emergency(&self, visit: &Visit) {
        let token = Who::Emergency.token(self);
        self.read_in_emergency(&token, &visit.path(""), "no pulse, colleague cannot be reached").await.expect(200);
    }

    /// The audit entries so far, but for those of consents that were relied on.
    pub async fn audited(&self) -> Vec<Value> {
        let ours = |event: &Value| {
            event["type"] == "virtual_care.audit.recorded.v1" && event["data"]["eventType"] != "CONSENT_RELIED_ON"
        };
        self.all_events().await.into_iter().filter(ours).collect()
    }
}
