//! The form at `/docs`, as somebody who builds an app uses it first.

use serde_json::json;
use vcare_testkit::Consents;

use super::devtools::Devtools;
use super::tab::{Phone, Tab};
use crate::support::{Program, TENANT};

/// The patient of the document's examples.
const EXAMPLE_PATIENT: &str = "pat-0001";

/// Opens an operation of the form, presses Execute without changing anything, and answers the status that is shown.
async fn execute(tab: &Tab, operation: &str) -> String {
    let block = format!("document.querySelector('[id$=\"-{operation}\"]')");
    tab.until(&block).await;
    tab.eval(&format!("{block}.querySelector('.opblock-summary-control').click()")).await;
    tab.until(&format!("{block}.querySelector('.execute')")).await;
    tab.eval(&format!("{block}.querySelector('.execute').click()")).await;
    let status = format!("{block}.querySelector('.live-responses-table .response .response-col_status')");
    tab.until(&status).await;
    tab.eval(&format!("{status}.innerText")).await.as_str().unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_requests_that_the_form_offers_are_good_as_they_stand() {
    let app = Box::pin(Program::start("")).await;
    app.standins.set_consent(EXAMPLE_PATIENT, Consents::ALL);
    let tab = Tab::of(&Devtools::start().await, Phone::default()).await;
    tab.open(&app.url("/docs/")).await;
    tab.until("window.ui && document.querySelector('.authorize')").await;
    let token = app.token_of(TENANT, "clinician-1", "clinician");
    tab.eval(&format!("window.ui.preauthorizeApiKey('accessToken', {})", json!(token))).await;
    for (operation, status) in [("createSession", "201"), ("listSessions", "200"), ("listAsyncVisits", "200")] {
        assert_eq!(execute(&tab, operation).await, status, "{operation}: {}", tab.seen().await);
    }
}
