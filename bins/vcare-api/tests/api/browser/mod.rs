//! The waiting room's page in a real browser, against the real program.

mod clinic;
mod devices;
mod devtools;
mod documents;
mod endings;
mod languages;
mod late;
mod line;
mod pictures;
mod tab;
mod waiting;
mod words;

use devtools::Devtools;
use tab::{Phone, Tab};
use words::Words;

use crate::support::{Program, Visit};

/// A program, a visit, and its patient's phone on the page, with the button not pressed yet.
struct Arrived {
    app: Program,
    visit: Visit,
    token: String,
    tab: Tab,
    english: Words,
}

impl Arrived {
    async fn with(phone: Phone) -> Self {
        let arrived = Self::before(phone).await;
        arrived.open().await;
        arrived
    }

    /// The link is not opened yet.
    async fn before(phone: Phone) -> Self {
        // What composes a service is large, and every test would carry it.
        let app = Box::pin(Program::start("")).await;
        let visit = app.visit().await;
        let token = app.join_token(&visit).await;
        let tab = Tab::of(&Devtools::start().await, phone).await;
        Self { app, visit, token, tab, english: Words::of("en") }
    }

    async fn open(&self) {
        self.tab.open(&self.app.url(&format!("/visit#{}", self.token))).await;
    }

    /// Has pressed the button and is in the waiting room.
    async fn waits(&self) {
        self.tab.press("first").await;
        self.says("wait").await;
    }

    async fn says(&self, name: &str) {
        self.tab.says(self.english.get(name)).await;
    }

    /// Waits until the video room's address is opened.
    async fn has_left(&self) {
        let jitsi = self.app.standins.jitsi_url();
        self.tab.until(&format!("location.href.startsWith('{jitsi}')")).await;
    }

    /// What must hold at the end.
    async fn must_have_behaved(&self) {
        self.tab.must_have_behaved(&self.app.url(""), &self.token).await;
    }
}
