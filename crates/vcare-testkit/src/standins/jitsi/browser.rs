//! Browsers: how people come into rooms and leave them, and what Prosody tells the world of it.

use super::address::Address;
use super::calls::Call;
use super::events::Event;
use super::page::Page;
use super::refusal::Refusal;
use super::reservation;
use super::rooms::{Conference, Occupant, Seat};
use super::settings::Settings;
use super::{Jitsi, State, read, token};
use crate::machine;

impl Jitsi {
    /// A browser opens the address that the service gave, as far as Jitsi goes along: login, reservation if the room is
    /// not there yet, room, and telling of it. When this returns, all calls were answered.
    ///
    /// # Errors
    /// [`Refusal`], with the text that the browser gets.
    pub async fn join(&self, video_join_url: &str) -> Result<Occupant, Refusal> {
        self.enter(&read(video_join_url)?).await
    }

    /// The same, by what is in an address.
    ///
    /// # Errors
    /// [`Refusal`], with the text that the browser gets.
    pub async fn enter(&self, address: &Address) -> Result<Occupant, Refusal> {
        let _turn = self.0.turn.lock().await;
        self.expire().await;
        let login = self.log_in(address.token.as_deref(), address.tenant.as_deref())?;
        let settings = self.settings();
        let (node, person) = (address.node(), format!("{}@{}", machine::new_id(), settings.xmpp_domain));
        if !self.is_open(address) {
            // The reservation is asked before jicofo makes the room, and that is before the token is held against it.
            let conference = self.begin(&settings, &node, &person).await?;
            self.tell(&settings, Event::created(&conference)).await;
        }
        match self.sit_down(&settings, address, &login, &person) {
            Ok((conference, seat)) => {
                self.tell(&settings, Event::joined(&conference, &seat)).await;
                Ok(seat.occupant)
            }
            Err(refusal) => {
                // Jicofo does not stay alone.
                self.end_if_empty(&settings, &node).await;
                Err(refusal)
            }
        }
    }

    /// Somebody leaves. Says whether they were still there.
    pub async fn leave(&self, occupant: &Occupant) -> bool {
        let _turn = self.0.turn.lock().await;
        let settings = self.settings();
        let left = {
            let mut state = self.state();
            let conference = state.conferences.values_mut().find(|conference| conference.jid == occupant.room_jid);
            conference.and_then(|conference| {
                let seat = conference.leave(&occupant.jid, settings.now())?;
                Some((conference.clone(), seat))
            })
        };
        let Some((conference, seat)) = left else { return false };
        self.tell(&settings, Event::left(&conference, &seat)).await;
        self.end_if_empty(&settings, &conference.node).await;
        true
    }

    /// Ends the rooms whose reservation is over, and forgets old refusals: what Prosody does every minute. Whoever comes
    /// in makes it happen too.
    pub async fn tick(&self) {
        let _turn = self.0.turn.lock().await;
        self.expire().await;
    }

    /// Opens a room without asking or telling anybody.
    pub fn open(&self, address: &Address) {
        let mut state = self.state();
        let conference = Conference::new(&state.settings, &address.node(), None);
        state.conferences.entry(address.node()).or_insert(conference);
    }

    /// Whether that room is there.
    #[must_use]
    pub fn is_open(&self, address: &Address) -> bool {
        self.state().conferences.contains_key(&address.node())
    }

    /// Whether they are still in their room.
    #[must_use]
    pub fn is_present(&self, occupant: &Occupant) -> bool {
        let state = self.state();
        let mut all = state.conferences.values().flat_map(Conference::present);
        all.any(|seat| seat.occupant.jid == occupant.jid)
    }

    /// The rooms that are there, as Prosody calls them: `room` or `[tenant]room`.
    #[must_use]
    pub fn rooms(&self) -> Vec<String> {
        self.state().conferences.keys().cloned().collect()
    }

    /// The calls that were made, in the order in which they were over.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.0.caller.made()
    }

    /// From now on, whether events are kept back instead of sent: to be sent late, twice, in another order or never.
    pub fn hold_events(&self, hold: bool) {
        self.state().hold = hold;
    }

    /// Takes the events that were kept back, oldest first.
    #[must_use]
    pub fn held_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.state().held)
    }

    /// Sends an event, whether it was sent before or not, and answers the status; 0 when nobody answered, or nobody is
    /// to be told.
    pub async fn deliver(&self, event: &Event) -> u16 {
        match self.settings().event_sync {
            Some(listener) => event.send(&self.0.caller, &listener).await,
            None => 0,
        }
    }

    async fn tell(&self, settings: &Settings, event: Event) {
        let Some(listener) = &settings.event_sync else { return };
        {
            let mut state = self.state();
            if state.hold {
                state.held.push(event);
                return;
            }
        }
        // Prosody does nothing about an answer either.
        event.send(&self.0.caller, listener).await;
    }

    async fn begin(&self, settings: &Settings, node: &str, person: &str) -> Result<Conference, Refusal> {
        if let Some(refused) = self.state().refused.get(node) {
            return Err(refused.refusal.clone());
        }
        let reservation = match &settings.reservations {
            None => None,
            Some(service) => match reservation::ask(&self.0.caller, settings, service, node, person).await {
                Ok(reservation) => Some(reservation),
                Err(refused) => {
                    let refusal = refused.refusal.clone();
                    self.state().refused.insert(node.to_owned(), refused);
                    return Err(refusal);
                }
            },
        };
        let conference = Conference::new(settings, node, reservation);
        self.state().conferences.insert(node.to_owned(), conference.clone());
        Ok(conference)
    }

    fn sit_down(
        &self,
        settings: &Settings,
        address: &Address,
        login: &token::Login,
        person: &str,
    ) -> Result<(Conference, Seat), Refusal> {
        let mut state = self.state();
        // Gone, if somebody ended it while it was told of.
        let conference = state.conferences.get_mut(&address.node());
        let conference = conference.ok_or_else(|| Refusal::new("room-does-not-exist", ""))?;
        token::verify_room(settings, login, address)?;
        if conference.is_full(settings) {
            return Err(Refusal::new("service-unavailable", ""));
        }
        let by_token = settings.token_affiliation && login.moderates();
        let moderator = by_token || (settings.auto_owner && !conference.has_moderator());
        let jid = format!("{person}/{}", &machine::new_id().simple().to_string()[24..]);
        let page = Page::open(settings.release, &address.settings);
        let occupant = Occupant { jid, room_jid: conference.jid.clone(), login: login.clone(), moderator, page };
        let seat = Seat { occupant, joined_at: settings.now(), left_at: None };
        conference.seats.push(seat.clone());
        Ok((conference.clone(), seat))
    }

    async fn end_if_empty(&self, settings: &Settings, node: &str) {
        let conference = {
            let mut state = self.state();
            let empty = state.conferences.get(node).is_some_and(|conference| conference.present().next().is_none());
            empty.then(|| state.conferences.remove(node)).flatten()
        };
        if let Some(conference) = conference {
            self.farewell(settings, conference).await;
        }
    }

    async fn expire(&self) {
        let settings = self.settings();
        let over = {
            let now = settings.now();
            let State { conferences, refused, .. } = &mut *self.state();
            refused.retain(|_, refused| now <= refused.until);
            let over = |_: &String, conference: &mut Conference| {
                conference.reservation.as_ref().is_some_and(|reservation| now > reservation.ends_at)
            };
            conferences.extract_if(.., over).map(|(_, conference)| conference).collect::<Vec<_>>()
        };
        for conference in over {
            self.farewell(&settings, conference).await;
        }
    }

    /// What follows when a room was taken away: all are out, and those who asked to know are told.
    pub(super) async fn farewell(&self, settings: &Settings, mut conference: Conference) {
        let present: Vec<String> = conference.present().map(|seat| seat.occupant.jid.clone()).collect();
        for jid in present {
            if let Some(seat) = conference.leave(&jid, settings.now()) {
                self.tell(settings, Event::left(&conference, &seat)).await;
            }
        }
        if let (Some(service), Some(reservation)) = (&settings.reservations, &conference.reservation) {
            reservation::give_back(&self.0.caller, service, &reservation.id).await;
        }
        self.tell(settings, Event::destroyed(&conference, settings.now())).await;
    }
}
