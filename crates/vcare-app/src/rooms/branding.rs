//! How a room looks. Asked by anybody's browser before anybody signs in.

use vcare_domain::{Branding, ConferenceName};

use crate::app::App;
use crate::error::AppError;

impl App {
    /// The branding of the tenant whose room that would be; the plain one when it would be nobody's. Says nothing of whether
    /// the room exists: it depends on the tenant's path segment, or on the room's prefix, alone.
    ///
    /// # Errors
    /// [`AppError::Store`].
    pub async fn branding(&self, room: &ConferenceName) -> Result<Branding, AppError> {
        let found = self.store.branding(room.tenant.as_deref(), room.room.prefix()).await?;
        Ok(found.unwrap_or_default())
    }
}
