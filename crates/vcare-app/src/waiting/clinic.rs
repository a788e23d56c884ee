//! Whose clinic a join link is of: what the page on which people wait shows of it.

use sha2::{Digest, Sha256};
use vcare_domain::TenantConfig;

use crate::app::App;
use crate::error::{AppError, JoinTokenFault};
use crate::ports::Logo;

/// What a page shows of a clinic.
#[derive(Debug, Clone)]
pub struct Clinic {
    /// The settings as they are.
    pub config: TenantConfig,
    /// Our copy of its logo.
    pub logo: Option<Logo>,
}

impl Clinic {
    /// Changes when anything of it does: who has the same tag has the same clinic.
    #[must_use]
    pub fn tag(&self) -> String {
        tag(&self.config)
    }
}

/// The tag of a tenant's clinic: eight characters, as it is sent with every join. A tenant's name cannot be read from it.
pub(crate) fn tag(config: &TenantConfig) -> String {
    let hash = Sha256::new()
        .chain_update(b"vcare clinic ")
        .chain_update(config.tenant_id().as_str())
        .chain_update(b" ")
        .chain_update(config.version().get().to_be_bytes());
    hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// A link, by what it carries.
#[derive(Debug, Clone, Copy)]
pub enum LinkOf<'a> {
    /// A join token.
    Token(&'a str),
    /// The code of a short link.
    Code(&'a str),
}

impl App {
    /// Whose clinic a link is of. Also of links that are too old, were superseded, or are of visits that are over: their holders
    /// are to know whom to call. Nothing of the visit is returned.
    ///
    /// # Errors
    /// [`AppError::JoinToken`] for what is no link of ours, [`AppError::Secrets`], [`AppError::Store`].
    #[tracing::instrument(name = "clinic_of_link", skip_all)]
    pub async fn clinic_of_link(&self, link: LinkOf<'_>) -> Result<Clinic, AppError> {
        let tenant = match link {
            // Only the signature counts here: also for an expired link.
            LinkOf::Token(token) => self.join_tokens.verify(token).await?.tenant_id,
            LinkOf::Code(code) => self.short_link_of(code).await?.tenant_id,
        };
        let found = self.store.clinic(&tenant).await?;
        let (config, logo) = found.ok_or(JoinTokenFault::Invalid)?;
        Ok(Clinic { config, logo })
    }
}
