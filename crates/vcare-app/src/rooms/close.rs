//! Closing a room when its visit is over.

use vcare_domain::VirtualSession;

use crate::actor::TraceContext;
use crate::app::App;
use crate::error::AppError;
use crate::ports::{RoomClosing, VideoError};

impl App {
    /// Sends everybody out of the room of a visit that is over. Best effort: the visit is over whether or not the video
    /// server hears of it, nobody new gets in, and the room ends by itself with the time it was opened for.
    pub(crate) async fn close_room(&self, session: &VirtualSession, trace: &TraceContext) {
        let visit = session.parts();
        let closed = async {
            let config = self.video_config(&visit.tenant_id).await.map_err(|error| ("failed", error))?;
            let provider = self.neighbours.video.of(visit.video_backend);
            provider
                .close_room(&config, &visit.room, trace)
                .await
                .map_err(|error| (word(&error), AppError::from(error)))
        }
        .await;
        let outcome = match &closed {
            Ok(RoomClosing::Closed) => "closed",
            Ok(RoomClosing::LeftOpen) => "left_open",
            Err((outcome, _)) => outcome,
        };
        metrics::counter!("vcare_room_closes_total", "outcome" => outcome).increment(1);
        if let Err((outcome, error)) = closed {
            tracing::warn!(
                error = &error as &dyn std::error::Error, outcome, session_id = %visit.id, "a room was not closed"
            );
        }
    }
}

/// Why a room was not closed, as a fixed word.
const fn word(error: &VideoError) -> &'static str {
    match error {
        VideoError::NoEndpoint(_) => "no_endpoint",
        VideoError::NotConfigured
        | VideoError::Unavailable(_)
        | VideoError::QuotaExceeded { .. }
        | VideoError::Secrets(_) => "failed",
    }
}
