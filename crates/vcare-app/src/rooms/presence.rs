//! Who is seen in a room. Hints from the video server: late, twice and out of order.

use time::OffsetDateTime;
use vcare_domain::{ConferenceName, Outcome, ParticipantId, Patience, SessionId, VirtualSession};

use crate::actor::{ActorRef, Scope, TraceContext};
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::ports::ServedTenants;

/// What was seen of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It is in the room since then.
    Joined(OffsetDateTime),
    /// It is not in the room any more, since then.
    Left(OffsetDateTime),
}

/// One hint about one connection of one person. A person may have several: a second device, a reconnect that overtook the
/// loss of the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The connection, as the video server names it; never used again by it.
    pub occupant: String,
    /// Whose it is: the id our video token gave.
    pub participant_id: ParticipantId,
    /// What was seen.
    pub seen: Seen,
}

/// Lets the visit decide what a hint means for it; answers whether it changed. What does not fit is no error.
fn tell(
    session: &mut VirtualSession,
    id: ParticipantId,
    present: bool,
    at: OffsetDateTime,
    patience: Patience,
) -> bool {
    let told = if present { session.connect(id, at, patience) } else { session.disconnect(id, at, patience.reconnect) };
    told == Ok(Outcome::Applied)
}

impl App {
    /// Notes hints about a room, in any order and any number of times: each connection is present when it was seen to join
    /// and not to leave; a person is present while one of their connections is.
    ///
    /// # Errors
    /// [`AppError::NotFound`] for a room that is not ours or not of the server's tenants, [`AppError::Blocked`] without
    /// settings, [`AppError::Store`].
    #[tracing::instrument(skip_all)]
    pub async fn note_presence(
        &self,
        server: &ServedTenants,
        room: &ConferenceName,
        hints: &[Presence],
        trace: TraceContext,
    ) -> Result<(), AppError> {
        let (tenant_id, id) = self.served_room(server, room).await?.ok_or(AppError::NotFound(Resource::Session))?;
        let patience = self.video_config(&tenant_id).await?.patience();
        let scope = Scope { tenant_id, actor: ActorRef::System("jitsi"), trace };
        let now = self.clock.now();
        self.in_visit("note_presence", &scope, id, async |tx, session| {
            let mut changed = false;
            for hint in hints {
                if session.parts().participant(hint.participant_id).is_none() {
                    continue;
                }
                let present = tx.presences().note(id, hint).await?;
                // The video server's clock is not ours: what it says of the future is now.
                let at = match hint.seen {
                    Seen::Joined(at) | Seen::Left(at) => at.min(now),
                };
                changed |= tell(session, hint.participant_id, present, at, patience);
            }
            Ok(changed)
        })
        .await
    }

    /// The room is closed: nobody is in it.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Blocked`] without settings, [`AppError::Store`].
    pub async fn room_emptied(&self, scope: &Scope, id: SessionId, at: OffsetDateTime) -> Result<(), AppError> {
        let patience = self.video_config(&scope.tenant_id).await?.patience();
        self.in_visit("note_presence", scope, id, async |tx, session| {
            tx.presences().everybody_left(id, at).await?;
            let people: Vec<ParticipantId> = session.parts().participants.iter().map(|person| person.id).collect();
            let mut changed = false;
            for person in people {
                changed |= tell(session, person, false, at, patience);
            }
            Ok(changed)
        })
        .await
    }
}
