//! Who waits, and links that fit into a short message.

use async_trait::async_trait;
use time::OffsetDateTime;
use vcare_domain::{DeviceId, Heard, Lease, ParticipantId, Queue, SessionId, TenantId, Version, VirtualSession};

use crate::ports::StoreError;

/// A sign of life of somebody's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// In which visit.
    pub session_id: SessionId,
    /// Whose.
    pub participant_id: ParticipantId,
    /// The device, when its page named it.
    pub device: Option<DeviceId>,
    /// The person wants this device to be the one, whichever was before.
    pub take_over: bool,
    /// When.
    pub at: OffsetDateTime,
}

/// A device that takes itself to be the one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// In which visit.
    pub session_id: SessionId,
    /// Whose.
    pub participant_id: ParticipantId,
    /// Which.
    pub device: DeviceId,
}

/// Which token a short link stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortLink {
    /// Whose visit.
    pub tenant_id: TenantId,
    /// Which visit.
    pub session_id: SessionId,
    /// Whose part in it.
    pub participant_id: ParticipantId,
    /// The token's version.
    pub version: u32,
    /// When the token was issued; whole seconds.
    pub issued_at: OffsetDateTime,
    /// When it stops opening; whole seconds.
    pub expires_at: OffsetDateTime,
}

/// The waiting rooms: single statements, none of which touches a visit.
#[async_trait]
pub trait WaitingRooms: Send + Sync {
    /// The visit of that id with the lease of one of its people, in one statement.
    async fn session_and_lease(
        &self,
        tenant: &TenantId,
        session: SessionId,
        participant: ParticipantId,
    ) -> Result<Option<(VirtualSession, Option<Lease>)>, StoreError>;
    /// The leases of everybody in these visits, in any order.
    async fn leases(&self, tenant: &TenantId, ids: &[SessionId]) -> Result<Vec<(SessionId, Lease)>, StoreError>;
    /// Who is seen in the video rooms of these visits, let in or not, in any order and each once.
    async fn in_rooms(
        &self,
        tenant: &TenantId,
        ids: &[SessionId],
    ) -> Result<Vec<(SessionId, ParticipantId)>, StoreError>;
    /// Makes or renews a lease. Answers false, and changes nothing, when another device holds it: of two that ask at the
    /// same moment, one is told so.
    async fn claim(&self, tenant: &TenantId, claim: &Claim) -> Result<bool, StoreError>;
    /// Ends a lease, and what it promised.
    async fn release(
        &self,
        tenant: &TenantId,
        session: SessionId,
        participant: ParticipantId,
        at: OffsetDateTime,
    ) -> Result<(), StoreError>;
    /// All lines of a tenant: whose patient waits and is there, by whom they wait for.
    async fn queues(&self, tenant: &TenantId, now: OffsetDateTime) -> Result<Vec<Queue>, StoreError>;
    /// The versions that these visits are at, in any order.
    async fn versions(&self, tenant: &TenantId, ids: &[SessionId]) -> Result<Vec<(SessionId, Version)>, StoreError>;
    /// The visits in which one of these devices is not the one any more: another one holds a lease that lives. In any order.
    async fn taken_over(
        &self,
        tenant: &TenantId,
        holders: &[Holder],
        now: OffsetDateTime,
    ) -> Result<Vec<SessionId>, StoreError>;
    /// Keeps what a short code stands for. Keeping it again changes nothing.
    async fn keep_short_link(&self, code_hash: [u8; 32], link: &ShortLink) -> Result<(), StoreError>;
    /// What a short code stands for, in whichever tenant.
    async fn short_link(&self, code_hash: [u8; 32]) -> Result<Option<ShortLink>, StoreError>;
}

/// What is heard of people's connections, inside a transaction.
#[async_trait]
pub trait Leases: Send {
    /// Notes what was heard as of `at`. Answers false, and changes nothing, when something newer is known. `promises`: the
    /// next sign of life will come in time.
    async fn hear(
        &mut self,
        session: SessionId,
        participant: ParticipantId,
        heard: Heard,
        at: OffsetDateTime,
        promises: bool,
    ) -> Result<bool, StoreError>;
    /// Ends a promise that is broken by now, and answers when it was; `None` when it was kept, or somebody else ended it.
    async fn end_broken_promise(
        &mut self,
        session: SessionId,
        participant: ParticipantId,
        now: OffsetDateTime,
    ) -> Result<Option<OffsetDateTime>, StoreError>;
}

/// Somebody who promised a sign of life that did not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenPromise {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The visit.
    pub session_id: SessionId,
    /// Who.
    pub participant_id: ParticipantId,
}
