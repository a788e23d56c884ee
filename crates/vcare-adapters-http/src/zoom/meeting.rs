//! A meeting, as Zoom is told of it and tells of it.

use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;
use vcare_app::ports::{Ids, ReservedRoom, RoomWish};
use vcare_domain::{HttpsUrl, Room, RoomName, TenantId};

/// A meeting at a time.
const SCHEDULED: u8 = 2;
/// Nobody registers.
const NO_REGISTRATION: u8 = 2;

/// Lists tell so many letters of an agenda.
const AGENDA_LIMIT: usize = 250;

/// What a meeting of ours says in its agenda: whose it is, as accounts are shared, by people too. Nothing about a visit.
pub(super) fn mark(tenant: &TenantId, deployment: &str) -> String {
    format!("virtual care of {tenant} by {deployment}").chars().take(AGENDA_LIMIT).collect()
}

/// What is wanted of a new meeting; `None` for a time that cannot be written.
pub(super) fn wanted(wish: &RoomWish<'_>, mark: &str, ids: &dyn Ids) -> Option<Value> {
    let (start, end) = (wish.schedule.start(), wish.schedule.end());
    let start_time = start.replace_nanosecond(0).ok()?.format(&Rfc3339).ok()?;
    Some(json!({
        // The room's name: whoever reads the account's list of meetings learns of no patient.
        "topic": wish.name.as_str(),
        "agenda": mark,
        "type": SCHEDULED,
        "start_time": start_time,
        "timezone": "UTC",
        "duration": (end - start).whole_minutes().max(1),
        // An account that wants none would let in whoever knows the number, and that is stored and shown.
        "password": passcode(ids),
        "settings": {
            // Who may come in is decided in our waiting room: nobody has the address before.
            "waiting_room": false,
            "join_before_host": true,
            "jbh_time": 0,
            // A number of this meeting alone, whatever the host is used to.
            "use_pmi": false,
            "auto_recording": "none",
            "approval_type": NO_REGISTRATION,
            "email_notification": false,
            "meeting_authentication": false,
        },
    }))
}

/// Ten characters, which is the most. A letter of each case, a digit and a sign are in it, as accounts may want.
fn passcode(ids: &dyn Ids) -> String {
    // Each holds a power of two: no character is likelier than another.
    const ANY: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    let alphabets: [&[u8]; 10] =
        [ANY, ANY, ANY, ANY, ANY, ANY, b"acdefghijkmnpqrt", b"ABCDEFGHJKLMNPQR", b"23456789", b"-_*@"];
    let mut drawn = [0; 10];
    ids.fill_random(&mut drawn);
    alphabets
        .iter()
        .zip(drawn)
        .map(|(alphabet, byte)| char::from(alphabet[usize::from(byte) % alphabet.len()]))
        .collect()
}

/// A meeting of which we know number and address.
#[derive(Deserialize)]
pub(super) struct Planned {
    id: u64,
    join_url: String,
}

impl Planned {
    /// The meeting as the room of that name: by its address without the passcode, which may be stored and shown.
    pub(super) fn room(&self, name: &RoomName) -> Option<Room> {
        let mut url = Url::parse(&self.join_url).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        let room = Room { name: name.clone(), url: HttpsUrl::parse(url.as_str()).ok()? };
        (number(&room)? == self.id.to_string()).then_some(room)
    }

    /// Whether the participants' address has the passcode in it; an account can be set so that it has not.
    pub(super) fn opens_by_address(&self) -> bool {
        Url::parse(&self.join_url).is_ok_and(|url| url.query_pairs().any(|(name, _)| name == "pwd"))
    }
}

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct Page {
    pub meetings: Vec<Listed>,
    /// Empty on the last one.
    #[serde(default)]
    pub next_page_token: String,
}

/// A meeting in a list, ours or somebody else's.
#[derive(Deserialize)]
pub(super) struct Listed {
    topic: Option<String>,
    agenda: Option<String>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    created_at: Option<OffsetDateTime>,
    #[serde(flatten)]
    planned: Option<Planned>,
}

impl Listed {
    /// The room that it is, when it has our mark.
    pub(super) fn reserved(&self, mark: &str) -> Option<ReservedRoom> {
        let ours = self.agenda.as_deref() == Some(mark);
        let name = RoomName::parse(self.topic.as_deref()?).ok().filter(|_| ours)?;
        Some(ReservedRoom { room: self.planned.as_ref()?.room(&name)?, planned_at: self.created_at? })
    }
}

/// The addresses that open a meeting.
#[derive(Deserialize)]
pub(super) struct Addresses {
    pub start_url: String,
    pub join_url: String,
}

/// The meeting's number: the end of the room's address.
pub(super) fn number(room: &Room) -> Option<&str> {
    let (_, number) = room.url.as_str().rsplit_once('/')?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}

pub(super) fn is_https(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.scheme() == "https")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> RoomName {
        RoomName::parse("kabul-abcdefgh").unwrap()
    }

    #[test]
    fn the_stored_address_holds_no_passcode() {
        for host in ["us05web.zoom.example", "hospital.zoom.example", "zoomgov.example"] {
            let planned =
                Planned { id: 85_746_065, join_url: format!("https://{host}/j/85746065?pwd=c2VjcmV0#success") };
            let room = planned.room(&name()).unwrap();
            assert_eq!(room.url.as_str(), format!("https://{host}/j/85746065"));
            assert_eq!(number(&room), Some("85746065"));
            assert!(planned.opens_by_address());
        }
    }

    #[test]
    fn an_address_that_does_not_end_in_the_meetings_number_is_none() {
        for bad in
            ["https://zoom.example/j/", "https://zoom.example/my/doctor", "https://zoom.example", "http://z/j/1", "x"]
        {
            assert!(Planned { id: 1, join_url: bad.to_owned() }.room(&name()).is_none(), "{bad}");
        }
        assert!(Planned { id: 2, join_url: "https://zoom.example/j/1".to_owned() }.room(&name()).is_none());
    }

    struct Draws(u8);

    impl Ids for Draws {
        fn uuid(&self) -> uuid::Uuid {
            uuid::Uuid::nil()
        }
        fn fill_random(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn a_passcode_has_all_kinds_of_characters_that_an_account_may_want() {
        for draw in 0..=u8::MAX {
            let passcode = passcode(&Draws(draw));
            assert_eq!(passcode.len(), 10);
            assert!(passcode.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@-_*".contains(&byte)), "{passcode}");
            assert!(passcode.bytes().any(|byte| byte.is_ascii_lowercase()), "{passcode}");
            assert!(passcode.bytes().any(|byte| byte.is_ascii_uppercase()), "{passcode}");
            assert!(passcode.bytes().any(|byte| byte.is_ascii_digit()), "{passcode}");
            assert!(passcode.bytes().any(|byte| b"@-_*".contains(&byte)), "{passcode}");
        }
    }
}
