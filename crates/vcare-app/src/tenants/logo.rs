//! A tenant's logo is copied when its settings are changed.

use std::sync::Arc;

use vcare_domain::{HttpsUrl, TenantConfigDraft};

use crate::actor::Scope;
use crate::app::App;
use crate::error::AppError;
use crate::ports::{LogoFault, LogoResizer, LogoSource, StoredLogo, UnitOfWork};
use crate::tenants::configure::Edit;

/// What copies of logos need.
#[derive(Clone)]
pub struct LogoPorts {
    /// Where they come from.
    pub source: Arc<dyn LogoSource>,
    /// What makes them small.
    pub resizer: Arc<dyn LogoResizer>,
}

/// What came of copying the logo that a change names.
pub(super) struct CopiedLogo {
    url: String,
    copied: Result<StoredLogo, LogoFault>,
}

impl CopiedLogo {
    pub(super) fn outcome(&self) -> Result<(), LogoFault> {
        self.copied.as_ref().map(drop).map_err(|fault| *fault)
    }
}

impl App {
    /// Copies the logo that a change names, before its transaction begins: also one that was named before, so that a copy that
    /// failed is tried again by sending the setting again.
    pub(super) async fn copy_logo(&self, scope: &Scope, edit: &impl Edit) -> Option<CopiedLogo> {
        let mut draft = TenantConfigDraft::of_a_new_tenant(&scope.tenant_id);
        // An invalid setting is refused by the change itself.
        edit(&mut draft).ok()?;
        let url = HttpsUrl::parse(draft.branding_logo_url.as_deref()?).ok()?;
        let source_url = url.as_str().to_owned();
        let copied = async {
            let file = self.logos.source.fetch(&url, &scope.trace).await?;
            let logo = self.logos.resizer.resize(file).await?;
            Ok(StoredLogo { source_url: source_url.clone(), logo })
        };
        let copied = copied.await;
        let outcome = copied.as_ref().err().map_or("ok", |fault: &LogoFault| fault.as_str());
        metrics::counter!("vcare_tenant_logos_total", "outcome" => outcome).increment(1);
        Some(CopiedLogo { url: source_url, copied })
    }

    /// Brings the stored copy in line with the settings. Answers whether patients see another logo from now on. A copy that
    /// could not be made anew stays as long as it is of the same address.
    pub(super) async fn keep_logo(
        &self,
        tx: &mut dyn UnitOfWork,
        wanted: Option<&str>,
        copied: Option<&CopiedLogo>,
    ) -> Result<bool, AppError> {
        let stored = tx.tenant_logos().find().await?;
        let Some(wanted) = wanted else {
            if stored.is_some() {
                tx.tenant_logos().remove().await?;
            }
            return Ok(stored.is_some());
        };
        let copied = copied.filter(|copied| copied.url == wanted).and_then(|copied| copied.copied.as_ref().ok());
        match (copied, stored) {
            (Some(copied), stored) if stored.as_ref() != Some(copied) => {
                tx.tenant_logos().put(copied).await?;
                Ok(true)
            }
            (None, Some(stored)) if stored.source_url != wanted => {
                tx.tenant_logos().remove().await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
