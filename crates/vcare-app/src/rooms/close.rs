//! Closing a room when its visit is over.

use vcare_domain::VirtualSession;

use crate::actor::TraceContext;
use crate::app::App;
use crate::error::AppError;

impl App {
    /// Sends everybody out of the room of a visit that is over. Best effort: the visit is over whether or not the video
    /// server hears of it, nobody new gets in, and the room ends by itself with the time it was opened for.
    pub(crate) async fn close_room(&self, session: &VirtualSession, trace: &TraceContext) {
        let visit = session.parts();
        let closed = async {
            let config = self.video_config(&visit.tenant_id).await?;
            let provider = self.neighbours.video.of(visit.video_backend);
            provider.close_room(&config, &visit.room, trace).await.map_err(AppError::from)
        }
        .await;
        let outcome = if closed.is_ok() { "closed" } else { "failed" };
        metrics::counter!("vcare_room_closes_total", "outcome" => outcome).increment(1);
        if let Err(error) = closed {
            tracing::warn!(error = &error as &dyn std::error::Error, session_id = %visit.id, "a room was not closed");
        }
    }
}
