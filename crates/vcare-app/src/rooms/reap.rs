//! Finding the rooms that a crash left behind at a video provider.

use std::collections::HashSet;

use time::Duration;
use tracing::field::Empty;
use vcare_domain::{RoomName, TenantId, VideoBackend};

use crate::app::App;
use crate::error::AppError;
use crate::ports::{ReservedRoom, StoreError};
use crate::spans::begin_trace;

/// How old a room is before it can be left over: by then whoever reserved it has written the visit, or never will.
const LEFT_OVER_AFTER: Duration = Duration::HOUR;

impl App {
    /// Closes the rooms at Zoom that belong to no visit which goes on: planned by a process that died before it wrote the
    /// visit, or still there because Zoom did not hear of the visit's end. Best effort, tenant by tenant: what could not be
    /// done is done the next time. Answers how many were closed. Two who do this at once do no harm.
    ///
    /// # Errors
    /// [`StoreError`], when it is not even known whose accounts to look into.
    #[tracing::instrument(skip_all)]
    pub async fn reap_rooms(&self) -> Result<u32, StoreError> {
        let mut closed = 0;
        // A room at Jitsi is a name that nobody else has: nothing is left of it.
        for tenant in self.jobs.tenants_at(VideoBackend::Zoom).await? {
            if let Err(error) = self.reap_rooms_of(&tenant, &mut closed).await {
                metrics::counter!("vcare_rooms_reaped_total", "outcome" => "failed").increment(1);
                tracing::warn!(error = &error as &dyn std::error::Error, tenant_id = %tenant, "rooms were not reaped");
            }
        }
        Ok(closed)
    }

    /// The first failure ends it: a provider that is down or wants to be left alone is not asked on.
    #[tracing::instrument(skip_all, fields(tenant_id = %tenant, trace.own = Empty))]
    async fn reap_rooms_of(&self, tenant: &TenantId, closed: &mut u32) -> Result<(), AppError> {
        let trace = begin_trace(&*self.ids);
        let config = self.video_config(tenant).await?;
        let provider = self.neighbours.video.of(config.video_backend());
        let mut rooms = provider.reserved_rooms(&config, &trace).await?;
        let before = self.clock.now() - LEFT_OVER_AFTER;
        rooms.retain(|reserved| reserved.planned_at < before);
        if rooms.is_empty() {
            return Ok(());
        }
        // Asked after the list was made: a visit that was written meanwhile keeps its room.
        let names: Vec<&RoomName> = rooms.iter().map(|reserved| &reserved.room.name).collect();
        let in_use: HashSet<RoomName> = self.store.rooms_in_use(tenant, &names).await?.into_iter().collect();
        for ReservedRoom { room, .. } in rooms.iter().filter(|reserved| !in_use.contains(&reserved.room.name)) {
            provider.close_room(&config, room, &trace).await?;
            metrics::counter!("vcare_rooms_reaped_total", "outcome" => "closed").increment(1);
            *closed += 1;
        }
        Ok(())
    }
}
