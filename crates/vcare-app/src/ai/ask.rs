//! The AI gateway is asked, if it is there and not known to be dead.

use crate::ai::AiTask;
use crate::app::{AiNeighbours, App};
use crate::breaker::Permit;
use crate::error::AppError;
use crate::ports::AiError;

impl App {
    /// The services that machines need, where the deployment has them.
    pub(super) fn ai(&self, task: AiTask) -> Result<&AiNeighbours, AppError> {
        self.neighbours.ai.as_ref().ok_or_else(|| unavailable(task))
    }

    /// Answers at once when the gateway is known to be dead: nobody sends megabytes over a thin line for that.
    pub(super) fn ai_permit(&self, ai: &AiNeighbours, task: AiTask) -> Result<(), AppError> {
        match ai.gateway_breaker.permit(self.clock.uptime()) {
            Permit::All | Permit::Probe => Ok(()),
            Permit::No { .. } => Err(unavailable(task)),
        }
    }

    /// Tells the breaker how the gateway is, counts, and says it in words of ours.
    pub(super) fn ai_answered<T>(
        &self,
        ai: &AiNeighbours,
        task: AiTask,
        answer: Result<T, AiError>,
    ) -> Result<T, AppError> {
        match &answer {
            Err(AiError::Unavailable(error)) if error.is_outage() => {
                ai.gateway_breaker.failed(self.clock.uptime(), error.retry_after);
            }
            _ => ai.gateway_breaker.answered(),
        }
        match answer {
            Ok(answer) => {
                count(task, "ok");
                Ok(answer)
            }
            Err(AiError::Refused) => {
                count(task, "refused");
                Err(AppError::AiRefused(task))
            }
            Err(AiError::Unavailable(_)) => Err(unavailable(task)),
        }
    }
}

fn unavailable(task: AiTask) -> AppError {
    count(task, "unavailable");
    AppError::AiUnavailable(task)
}

pub(super) fn count(task: AiTask, outcome: &'static str) {
    metrics::counter!("vcare_ai_requests_total", "task" => task.as_str(), "outcome" => outcome).increment(1);
}
