//! The video rooms, seen from the video servers: whether one may open, who is in it, how it looks, what was recorded.

mod branding;
mod close;
mod presence;
mod reap;
mod recording;
mod reservation;

use vcare_domain::{ConferenceName, SessionId, TenantId, VirtualSession};

use crate::actor::Scope;
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::ports::{ServedTenants, StoreError, UnitOfWork};

pub use presence::{Presence, Seen};
pub use recording::FinishedRecording;
pub use reservation::{Conference, ConferenceId, ConferenceRefused};

impl App {
    /// The visit that has that room, when it is of a tenant that the server who speaks of it acts for. Another tenant's room is
    /// as good as none.
    pub(crate) async fn served_room(
        &self,
        server: &ServedTenants,
        room: &ConferenceName,
    ) -> Result<Option<(TenantId, SessionId)>, StoreError> {
        let found = self.store.session_of_room(room).await?;
        Ok(found.filter(|(tenant, session)| {
            let served = server.include(tenant);
            if !served {
                tracing::warn!(tenant_id = %tenant, session_id = %session, "a server spoke of a room that is not its tenants'");
            }
            served
        }))
    }

    /// One transaction called `name` on one locked visit; saved when `work` says that it changed, committed in any case.
    pub(crate) async fn in_visit(
        &self,
        name: &'static str,
        scope: &Scope,
        id: SessionId,
        work: impl AsyncFn(&mut dyn UnitOfWork, &mut VirtualSession) -> Result<bool, AppError>,
    ) -> Result<(), AppError> {
        let mut tx = self.store.begin(name, scope).await?;
        let done = async {
            let mut session = tx.sessions().find(id).await?.ok_or(AppError::NotFound(Resource::Session))?;
            if work(&mut *tx, &mut session).await? {
                tx.sessions().save(&mut session).await?;
            }
            Ok(())
        }
        .await;
        match done {
            Ok(()) => Ok(tx.commit().await?),
            Err(error) => {
                tx.rollback().await?;
                Err(error)
            }
        }
    }
}
