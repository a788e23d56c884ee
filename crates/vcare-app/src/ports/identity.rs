//! Who signs in.

use async_trait::async_trait;
use vcare_domain::{DisplayName, NodeId, PatientId, TenantId, UserId};

use crate::actor::Role;
use crate::ports::NeighbourError;

/// Somebody whose access token was checked.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The tenant the token is for.
    pub tenant_id: TenantId,
    /// Who they are: `sub`.
    pub user_id: UserId,
    /// What they are; roles we do not know are dropped.
    pub roles: Vec<Role>,
    /// The facility the token names.
    pub node_id: Option<NodeId>,
    /// The patient they are, when the token says so.
    pub patient_id: Option<PatientId>,
    /// What they are called, when the token says so in a way that can be shown.
    pub name: Option<DisplayName>,
}

/// Why an access token lets nobody in. Holds nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenFault {
    /// Its time is over.
    #[error("the access token has expired")]
    Expired,
    /// Not for us, not from our issuer, changed, or without what we need to know.
    #[error("the access token is not valid: {0}")]
    Invalid(&'static str),
    /// There is no key to check it with, and none can be had.
    #[error("the identity provider's keys cannot be had")]
    Unavailable(#[source] NeighbourError),
}

/// Checks access tokens.
#[async_trait]
pub trait AccessTokens: Send + Sync {
    /// Checks signature, issuer, audience, times and type, and reads who it is.
    async fn verify(&self, token: &str) -> Result<SignedIn, AccessTokenFault>;
}
