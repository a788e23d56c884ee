//! Uploads that are begun.

use time::Duration;
use uuid::Uuid;
use vcare_domain::{
    ClientMutationId, NewUpload, PatientId, StorageKey, Upload, UploadId, UploadKind, UploadSlot, Uploader, UserId,
};

use crate::support::{Bench, KABUL, tenant};

/// Two transactions that counted before either wrote would both find a place for one more.
#[tokio::test]
async fn who_counts_an_accounts_uploads_waits_for_who_is_beginning_one() {
    let bench = Bench::start().await;
    let owner = UserId::parse("patient-1").unwrap();
    let upload = Upload::begin(NewUpload {
        id: UploadId::from_uuid(Uuid::from_u128(1)),
        tenant_id: tenant(KABUL),
        owner_id: owner.clone(),
        uploader: Uploader::Patient,
        patient_id: PatientId::parse("pat-1").unwrap(),
        slot: UploadSlot {
            client_mutation_id: ClientMutationId::parse("7f4df2a6-3c7e-4c4a-9d0b-2f1f0a6f5e11").unwrap(),
            index: 0,
            kind: UploadKind::Original,
        },
        length: 4,
        folder: StorageKey::from_random([7; 16]),
        at: bench.now(),
    });
    let (upload, since) = (upload.unwrap(), bench.now() - Duration::DAY);
    let (mut first, mut second) = (bench.begin(KABUL).await, bench.begin(KABUL).await);
    assert_eq!(first.uploads().created_since(&owner, since).await.unwrap(), 0);
    let counting = async { second.uploads().created_since(&owner, since).await.unwrap() };
    let beginning = async {
        bench.until_somebody_waits().await;
        first.uploads().insert(&upload).await.unwrap();
        first.commit().await.unwrap();
    };
    let (counted, ()) = tokio::join!(counting, beginning);
    assert_eq!(counted, 1);
    second.rollback().await.unwrap();
}
