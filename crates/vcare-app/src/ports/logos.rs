//! Tenants' logos, as small copies of our own: the page on which patients wait shows them without asking anybody else.

use async_trait::async_trait;
use vcare_domain::{HttpsUrl, MediaType};

use crate::actor::TraceContext;
use crate::ports::StoreError;

/// The most bytes of a copy: the page is for phones on 2G.
pub const MAX_LOGO_BYTES: usize = 2048;

/// A small copy of a logo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// PNG or JPEG.
    pub media_type: MediaType,
    /// At most [`MAX_LOGO_BYTES`].
    pub bytes: Vec<u8>,
}

/// A copy, and the address that it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLogo {
    /// The tenant's `brandingLogoUrl` when it was made.
    pub source_url: String,
    /// The copy.
    pub logo: Logo,
}

/// Why there is no copy of a logo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogoFault {
    /// Nobody answered with a file in time, or the address is not one we may call.
    #[error("the logo could not be fetched")]
    NotFetched,
    /// Not a picture that can be shown safely.
    #[error("the logo is not a PNG, JPEG or WebP picture")]
    NotAPicture,
    /// It has too many pixels, or stays too long however small it is made.
    #[error("the logo is too large")]
    TooLarge,
}

impl LogoFault {
    /// A fixed word, for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFetched => "not_fetched",
            Self::NotAPicture => "not_a_picture",
            Self::TooLarge => "too_large",
        }
    }
}

/// Fetches logos from where tenants say that they are.
#[async_trait]
pub trait LogoSource: Send + Sync {
    /// The file at that address, whatever it is.
    async fn fetch(&self, url: &HttpsUrl, trace: &TraceContext) -> Result<Vec<u8>, LogoFault>;
}

/// Makes small copies.
#[async_trait]
pub trait LogoResizer: Send + Sync {
    /// A copy of a picture, drawn anew from its pixels alone.
    async fn resize(&self, file: Vec<u8>) -> Result<Logo, LogoFault>;
}

/// The copy of a tenant's logo, inside a transaction.
#[async_trait]
pub trait TenantLogos: Send {
    /// The copy of the scope's tenant, whatever address it is of.
    async fn find(&mut self) -> Result<Option<StoredLogo>, StoreError>;
    /// Puts a copy in the place of the one before.
    async fn put(&mut self, logo: &StoredLogo) -> Result<(), StoreError>;
    /// Forgets the copy.
    async fn remove(&mut self) -> Result<(), StoreError>;
}
