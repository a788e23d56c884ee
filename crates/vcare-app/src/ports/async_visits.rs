//! Visits without a live link, seen from the use cases.

use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;
use vcare_domain::{AsyncVisit, AsyncVisitId, AsyncVisitStatus, ClientMutationId, PatientId, TenantId, UserId};

use crate::ports::{Order, PageCursor, StoreError};

/// A draft as it arrives: what is kept of it with the visit, for as long as the visit is.
#[derive(Clone)]
pub struct NewSubmission {
    /// A hash of what was sent, in one form. Stored as a keyed hash: nobody can confirm a guess with it.
    pub content_hash: [u8; 32],
    /// The answer's body, byte for byte.
    pub body: Vec<u8>,
}

impl fmt::Debug for NewSubmission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSubmission").finish_non_exhaustive()
    }
}

/// What a draft was when it first arrived, and what was answered.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstSubmission {
    /// Whom it is for.
    pub patient_id: PatientId,
    /// Who sent it.
    pub submitted_by: UserId,
    /// Whether the same was sent then as now.
    pub same_content: bool,
    /// The answer's body, byte for byte.
    pub body: Vec<u8>,
}

impl fmt::Debug for FirstSubmission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstSubmission").finish_non_exhaustive()
    }
}

/// The visits, inside a transaction.
#[async_trait]
pub trait AsyncVisits: Send {
    /// The visit of that id, locked until the transaction ends.
    async fn find(&mut self, id: AsyncVisitId) -> Result<Option<AsyncVisit>, StoreError>;
    /// Writes a new visit with its event, unless its draft arrived before: then nothing is written, and the answer is what
    /// that one was. `new` is kept with the visit.
    async fn submit(
        &mut self,
        visit: &mut AsyncVisit,
        new: &NewSubmission,
    ) -> Result<Option<FirstSubmission>, StoreError>;
    /// Writes what changed if the row is still at the version it was read at, its events to the outbox, its follow-ups to
    /// the jobs.
    async fn save(&mut self, visit: &mut AsyncVisit) -> Result<(), StoreError>;
}

/// Reads that need no transaction.
#[async_trait]
pub trait AsyncVisitReads: Send + Sync {
    /// The visit of that id, in that tenant.
    async fn async_visit(&self, tenant: &TenantId, id: AsyncVisitId) -> Result<Option<AsyncVisit>, StoreError>;
    /// One page of a tenant's visits, by arrival.
    async fn async_visits(&self, tenant: &TenantId, filter: &AsyncVisitFilter) -> Result<AsyncVisitPage, StoreError>;
    /// What a draft was when it first arrived, beside what arrives now; `None` when it never did.
    async fn first_submission(
        &self,
        tenant: &TenantId,
        draft: ClientMutationId,
        content_hash: &[u8; 32],
    ) -> Result<Option<FirstSubmission>, StoreError>;
}

/// Which visits to list.
#[derive(Debug, Clone, Default)]
pub struct AsyncVisitFilter {
    /// Only in one of these states; empty: in any.
    pub statuses: Vec<AsyncVisitStatus>,
    /// Only those that anybody may claim at that time: submitted, or under review by somebody whose time is over.
    pub claimable_at: Option<OffsetDateTime>,
    /// Only for this patient.
    pub patient_id: Option<PatientId>,
    /// Only those held or answered by this account.
    pub provider_id: Option<UserId>,
    /// Only those held, answered or sent by this account, and those that nobody has answered yet.
    pub visible_to: Option<UserId>,
    /// Only arrived at or after.
    pub from: Option<OffsetDateTime>,
    /// Only arrived before.
    pub to: Option<OffsetDateTime>,
    /// Only changed at or after.
    pub updated_since: Option<OffsetDateTime>,
    /// By arrival, in this order.
    pub order: Order,
    /// Only what comes after this one, in that order.
    pub after: Option<PageCursor>,
    /// At most so many, 1 to 100.
    pub limit: u8,
}

/// One page of visits.
#[derive(Debug)]
pub struct AsyncVisitPage {
    /// The visits, by arrival and id, in the order that was asked for.
    pub items: Vec<AsyncVisit>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<PageCursor>,
}
