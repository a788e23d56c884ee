//! Jitsi, as far as it can be met without a browser: Prosody's login, its rules for tokens and rooms,
//! and what it and jicofo say to the rest of the deployment.
//!
//! Jitsi has no call that makes a room. A room begins when its first person comes, and is gone when the last one leaves;
//! who may come in is said by tokens alone. What is refused here is refused with the words of the real one.

mod address;
mod bosh;
mod browser;
mod calls;
mod events;
mod internal;
mod page;
mod refusal;
mod reservation;
mod rooms;
mod settings;
mod site;
mod stanza;
mod token;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;

pub use address::Address;
pub use calls::Call;
pub use events::Event;
pub use page::{Page, Release};
pub use refusal::Refusal;
pub use rooms::Occupant;
pub use settings::{Calls, EndMeeting, EventSync, JicofoHealth, Reservations, Settings};
pub(super) use site::masked;
pub use token::Login;

use super::exchange::{Answer, Asked};
use reservation::Refused;
use rooms::Conference;

/// A Jitsi. As it begins, its settings are the default ones and nobody is in.
#[derive(Debug, Clone)]
pub struct Jitsi(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    /// Who comes and who goes, one after the other.
    turn: tokio::sync::Mutex<()>,
    caller: calls::Caller,
}

#[derive(Debug, Default)]
struct State {
    settings: Settings,
    logins: bosh::Sessions,
    /// By their name inside Prosody.
    conferences: BTreeMap<String, Conference>,
    refused: BTreeMap<String, Refused>,
    hold: bool,
    held: Vec<Event>,
}

impl Jitsi {
    pub(super) fn new() -> Result<Self> {
        let (state, turn) = Default::default();
        Ok(Self(Arc::new(Inner { state, turn, caller: calls::Caller::new()? })))
    }

    /// Sets it up anew. Who is in a room stays there.
    pub fn configure(&self, settings: Settings) {
        self.state().settings = settings;
    }

    /// Changes a part of how it is set up.
    pub fn reconfigure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.state().settings);
    }

    /// How it is set up.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.state().settings.clone()
    }

    /// Whether a token logs in, at a URL with that tenant.
    ///
    /// # Errors
    /// [`Refusal`], with the text that the browser gets.
    pub fn log_in(&self, token: Option<&str>, tenant: Option<&str>) -> Result<Login, Refusal> {
        token::log_in(&self.settings(), token, tenant)
    }

    /// Whether who logged in may go into that room, were it there.
    ///
    /// # Errors
    /// [`Refusal`], with the text that the browser gets.
    pub fn verify_room(&self, login: &Login, address: &Address) -> Result<(), Refusal> {
        token::verify_room(&self.settings(), login, address)
    }

    /// Whether this address, with the token in it, opens its room: a login and the room's rule, and nothing changes.
    ///
    /// # Errors
    /// [`Refusal`], with the text that the browser gets; `item-not-found` when that is no room's address.
    pub fn opens(&self, video_join_url: &str) -> Result<Login, Refusal> {
        let address = read(video_join_url)?;
        let login = self.log_in(address.token.as_deref(), address.tenant.as_deref())?;
        self.verify_room(&login, &address)?;
        Ok(login)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// On the listener for browsers.
    pub(super) fn answer(&self, url: &str, asked: &Asked, segments: &[&str]) -> Answer {
        let mut state = self.state();
        if segments == ["http-bind"] && asked.method == "POST" {
            let State { settings, logins, .. } = &mut *state;
            return logins.answer(settings, asked);
        }
        site::answer(url, &state.settings.xmpp_domain, asked, segments)
    }
}

fn read(url: &str) -> Result<Address, Refusal> {
    Address::parse(url).ok_or_else(|| Refusal::new("item-not-found", "that is no room's address"))
}
