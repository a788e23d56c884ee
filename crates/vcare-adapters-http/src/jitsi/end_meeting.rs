//! Prosody's `mod_muc_end_meeting`: `POST {prosody}/end-meeting?conference=room@muc.domain` ends a running room.
//!
//! It answers 404 for a room that is not open, and so does a Prosody that has no such endpoint: the module does not start where
//! it lacks its keys. Asked without a room, the endpoint answers 400 and does nothing: that tells the two apart.

use http::{Method, StatusCode};
use vcare_app::TraceContext;
use vcare_app::ports::{ConnectionProblem, NeighbourError, NeighbourFault, Secret};
use vcare_domain::InternalUrl;

use super::DEADLINE;
use crate::client::{Answer, Call, HttpClient};

/// Its name in metrics and errors.
const NEIGHBOUR: &str = "prosody";

/// What came of ending a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It is closed: it was just ended, or was not open.
    Closed,
    /// Nothing was done: there is no such endpoint.
    NoEndpoint,
}

/// That there is no such endpoint, as an error.
pub(super) const fn missing() -> NeighbourError {
    NeighbourError { neighbour: NEIGHBOUR, fault: NeighbourFault::Status(404), retry_after: None }
}

/// The endpoint of one Prosody.
#[derive(Clone, Copy)]
pub(super) struct EndMeeting<'a> {
    /// Calls addresses that operators set.
    pub client: &'a HttpClient,
    /// Prosody's HTTP port.
    pub prosody: &'a InternalUrl,
    /// How the request is traced.
    pub trace: &'a TraceContext,
}

impl EndMeeting<'_> {
    /// Ends that room, by its address inside Prosody.
    ///
    /// # Errors
    /// [`NeighbourError`] when it did not answer, or refused: 401 is a token that it does not take.
    pub async fn end(&self, conference: &str, token: &Secret) -> Result<Ended, NeighbourError> {
        let read = |answer: &Answer| match answer.status {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(answer.refusal()),
        };
        if self.ask(Some((conference, token)), read).await? || self.is_there().await? {
            return Ok(Ended::Closed);
        }
        Ok(Ended::NoEndpoint)
    }

    /// Whether there is such an endpoint. Does nothing to any room.
    ///
    /// # Errors
    /// [`NeighbourError`] when nobody answers, or somebody who is not Prosody.
    async fn is_there(&self) -> Result<bool, NeighbourError> {
        let read = |answer: &Answer| match answer.status {
            StatusCode::BAD_REQUEST => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(answer.refusal()),
        };
        self.ask(None, read).await
    }

    async fn ask(
        &self,
        room: Option<(&str, &Secret)>,
        read: impl Fn(&Answer) -> Result<bool, NeighbourFault>,
    ) -> Result<bool, NeighbourError> {
        let mut url = self.prosody.url().clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("end-meeting");
        }
        if let Some((conference, _)) = room {
            url.query_pairs_mut().append_pair("conference", conference);
        }
        let mut call = Call::new(NEIGHBOUR, Method::POST, url, DEADLINE);
        (call.trace, call.bearer) = (Some(self.trace), room.map(|(_, token)| token));
        self.client.exchange(call, read).await
    }

    /// What keeps it from ending rooms. With a token, and a room that nobody has, also whether it takes our tokens.
    pub async fn problem(&self, room: Option<(&str, &Secret)>) -> Option<ConnectionProblem> {
        let tried = match room {
            Some((conference, token)) => self.end(conference, token).await.map(|ended| ended == Ended::Closed),
            None => self.is_there().await,
        };
        let (setting, message) = match tried.map_err(|error| error.fault) {
            Ok(true) => return None,
            Ok(false) => (
                Some("prosodyUrl"),
                "Prosody has no /end-meeting, and rooms stay open when their visits end: load muc_end_meeting, and look in \
                 Prosody's log for what it lacks",
            ),
            Err(NeighbourFault::Status(401)) => (
                None,
                "/end-meeting does not take the tenant's token, and rooms stay open when their visits end: this Prosody wants \
                 system tokens, or has a secret for each tenant",
            ),
            Err(NeighbourFault::Unreachable | NeighbourFault::TimedOut | NeighbourFault::ForbiddenAddress) => {
                (Some("prosodyUrl"), "Prosody does not answer there, and rooms stay open when their visits end")
            }
            Err(NeighbourFault::Status(_) | NeighbourFault::Malformed | NeighbourFault::CutShort) => {
                (Some("prosodyUrl"), "what answers there is not Prosody's /end-meeting")
            }
        };
        Some(ConnectionProblem { setting, message })
    }
}
