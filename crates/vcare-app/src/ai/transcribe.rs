//! A clinician has a piece of a visit written down.

use vcare_domain::{SessionId, Transcription};

use crate::access::Audited;
use crate::actor::Caller;
use crate::ai::AiTask::Transcription as Task;
use crate::ai::ask::count;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::ports::{AiError, AudioFault, AudioUpload, NeighbourError, NeighbourFault, Transcribed};

impl App {
    /// Has audio written down, as long as the visit is active and everybody whose voice is heard consents. The audio goes
    /// through and is kept nowhere, nor is what was heard: it is shown, and is in no chart. That it was heard, and for how long, is
    /// on record before it is shown.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Refused`], [`AppError::Blocked`],
    /// [`AppError::TooManyAtOnce`], [`AppError::Audio`], [`AppError::AiUnavailable`], [`AppError::AiRefused`],
    /// [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn transcribe(
        &self,
        caller: &Caller,
        id: SessionId,
        mut audio: AudioUpload,
    ) -> Result<Transcribed, AppError> {
        let work = async {
            let (session, _) = self.session_for(caller, id, Permission::AiTranscribe).await?;
            let author = session.transcribed_by(&caller.user_id)?;
            let ai = self.ai(Task)?;
            let consents = self.pass_ai_gate(caller, &session, &author, Permission::AiTranscribe).await?;
            let _seat = self.ai_seats.take(id)?;
            audio.body.must_be(audio.kind).await?;
            self.ai_permit(ai, Task)?;
            let watch = audio.body.watch();
            let answer = ai.gateway.transcribe(&caller.tenant_id, audio, &caller.trace).await;
            let answer = match (answer, watch.fault()) {
                // Of what it was not given to its end it can say nothing.
                (Err(_), Some(fault)) if fault != AudioFault::NotTaken => {
                    ai.gateway_breaker.unused(self.clock.uptime());
                    count(Task, "cut_short");
                    return Err(fault.into());
                }
                (Ok(_), _) if !watch.is_over() => Err(malformed()),
                (answer, _) => answer,
            };
            let heard = self.ai_answered(ai, Task, answer)?;
            if heard.transcription == Transcription::Silence {
                count(Task, "no_speech");
            }
            self.note_transcription(caller, id, &consents, &heard).await?;
            Ok(heard)
        };
        self.guarded(caller, Permission::AiTranscribe, Audited::session(id), work).await
    }
}

/// An answer to a half of it.
const fn malformed() -> AiError {
    AiError::Unavailable(NeighbourError { neighbour: "ai", fault: NeighbourFault::Malformed, retry_after: None })
}
