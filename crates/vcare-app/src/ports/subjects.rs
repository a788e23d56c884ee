//! What is ordered about patients' data, inside a transaction.

use async_trait::async_trait;
use time::OffsetDateTime;
use vcare_domain::{PatientId, RecordingRef, Subject, SubjectOrder};

use crate::ports::StoreError;

/// What is there of a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubjectRecords {
    /// Sessions.
    pub sessions: u64,
    /// Async visits.
    pub async_visits: u64,
    /// Uploads that were not discarded.
    pub uploads: u64,
    /// Visits that are not over, and visits with an open or parked job.
    pub unfinished_visits: u64,
    /// When the last clinical contact was over; `None` when there was none.
    pub last_contact_at: Option<OffsetDateTime>,
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErasedRecords {
    /// Keys that were deleted.
    pub keys: u64,
    /// Sessions whose notes and names are gone.
    pub sessions: u64,
    /// Async visits whose texts are gone.
    pub async_visits: u64,
    /// Summaries that nobody had decided on.
    pub drafts: u64,
    /// Stored answers to requests.
    pub answers: u64,
    /// Reasons of emergency accesses.
    pub emergency_reasons: u64,
    /// Recordings, which are in the storage of Jibri: their references, for the operator who deletes the files there.
    pub recordings: Vec<RecordingRef>,
}

/// The patients about whom something is written or ordered.
#[async_trait]
pub trait Subjects: Send {
    /// What is ordered about a patient. Locked until the transaction ends: nobody writes about them meanwhile who has no key yet.
    async fn find(&mut self, patient: &PatientId) -> Result<Subject, StoreError>;
    /// What is there of a patient.
    async fn records(&mut self, patient: &PatientId) -> Result<SubjectRecords, StoreError>;
    /// Stores a hold and a restriction.
    async fn save(&mut self, subject: &Subject) -> Result<(), StoreError>;
    /// Deletes the patient's keys and everything that was written, and stores that the patient was erased.
    async fn erase(&mut self, patient: &PatientId, order: &SubjectOrder) -> Result<ErasedRecords, StoreError>;
}
