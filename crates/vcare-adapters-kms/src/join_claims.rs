//! What a join token's JSON looks like.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use vcare_app::ports::JoinTokenClaims;
use vcare_domain::{ParticipantRole, TenantId};

/// Says what the token is for: a token for anything else has another `aud`, whatever key signed it.
const AUDIENCE: &str = "vcare-join";

/// The claims as signed. Nothing else may be in them: a token with more in it is not one of ours.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Wire {
    aud: String,
    tenant_id: String,
    session_id: String,
    participant_id: String,
    role: String,
    ver: u32,
    iat: i64,
    exp: i64,
}

impl Wire {
    pub fn of(claims: &JoinTokenClaims) -> Self {
        Self {
            aud: AUDIENCE.to_owned(),
            tenant_id: claims.tenant_id.as_str().to_owned(),
            session_id: claims.session_id.to_string(),
            participant_id: claims.participant_id.to_string(),
            role: claims.role.as_str().to_owned(),
            ver: claims.version,
            iat: claims.issued_at.unix_timestamp(),
            exp: claims.expires_at.unix_timestamp(),
        }
    }

    /// The claims, when every one of them is what it should be.
    pub fn claims(self) -> Option<JoinTokenClaims> {
        if self.aud != AUDIENCE {
            return None;
        }
        Some(JoinTokenClaims {
            tenant_id: TenantId::parse(self.tenant_id).ok()?,
            session_id: self.session_id.parse().ok()?,
            participant_id: self.participant_id.parse().ok()?,
            role: ParticipantRole::from_name(&self.role)?,
            version: self.ver,
            issued_at: OffsetDateTime::from_unix_timestamp(self.iat).ok()?,
            expires_at: OffsetDateTime::from_unix_timestamp(self.exp).ok()?,
        })
    }
}

/// The one claim that is read before the signature is checked: whose key to check it with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClaimedTenant {
    pub tenant_id: String,
}
