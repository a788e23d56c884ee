//! A recording is finished, or came to nothing.

use time::OffsetDateTime;
use vcare_domain::{ConferenceName, Outcome, RecordingConsent, RecordingRef};

use crate::actor::{ActorRef, Scope, TraceContext};
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::events::AuditEntry;
use crate::ports::ServedTenants;

/// What the recorder has to tell.
#[derive(Debug, Clone)]
pub struct FinishedRecording {
    /// Of which room.
    pub room: ConferenceName,
    /// The files' storage keys; none when the recording came to nothing.
    pub recordings: Vec<RecordingRef>,
    /// When it began, as the recorder says.
    pub started_at: Option<OffsetDateTime>,
}

impl App {
    /// Notes finished recordings of a visit, each once. A recording that came to nothing, or that nobody consented to, is
    /// an audit entry and changes nothing else: it never keeps a visit from ending.
    ///
    /// # Errors
    /// [`AppError::NotFound`] for a room that is not ours or not of the server's tenants, [`AppError::Refused`] for a visit
    /// that nobody came to, [`AppError::Store`].
    #[tracing::instrument(skip_all)]
    pub async fn note_recordings(
        &self,
        server: &ServedTenants,
        told: &FinishedRecording,
        trace: TraceContext,
    ) -> Result<(), AppError> {
        let found = self.served_room(server, &told.room).await?;
        let (tenant_id, id) = found.ok_or(AppError::NotFound(Resource::Session))?;
        let scope = Scope { tenant_id, actor: ActorRef::System("jibri"), trace };
        let now = self.clock.now();
        self.in_visit("note_recordings", &scope, id, async |tx, session| {
            if told.recordings.is_empty() {
                tx.audit(AuditEntry::recording_failed(id, told.started_at, now)).await?;
            }
            let mut changed = false;
            for recording in &told.recordings {
                changed |= session.record_recording(recording.clone(), now)? == Outcome::Applied;
            }
            if changed && session.parts().recording_consent() == RecordingConsent::Missing {
                tx.audit(AuditEntry::recorded_without_consent(id, now)).await?;
            }
            Ok(changed)
        })
        .await
    }
}
