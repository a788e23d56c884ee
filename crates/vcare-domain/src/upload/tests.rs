//! What an upload lets happen.

use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    Content, MAX_PREVIEW_BYTES, MAX_UPLOAD_BYTES, MediaType, NewUpload, RejectReason, StorageKey, UNCLAIMED_FOR,
    UNFINISHED_FOR, Upload, UploadKind, UploadRefusal, UploadSlot, UploadState, UploadTask,
};
use crate::ids::{ClientMutationId, LeaseToken, UploadId};
use crate::text::{PatientId, TenantId, UserId};

const NOW: OffsetDateTime = datetime!(2026-03-01 09:00 UTC);

fn writer(number: u128) -> LeaseToken {
    LeaseToken::from_uuid(Uuid::from_u128(number))
}

fn key(number: u8) -> StorageKey {
    StorageKey::from_random([number; 16])
}

fn draft() -> ClientMutationId {
    ClientMutationId::parse("7f4df2a6-3c7e-4c4a-9d0b-2f1f0a6f5e11").unwrap()
}

fn new(kind: UploadKind, length: u32) -> Result<Upload, UploadRefusal> {
    Upload::begin(NewUpload {
        id: UploadId::from_uuid(Uuid::from_u128(1)),
        tenant_id: TenantId::parse("t1").unwrap(),
        owner_id: UserId::parse("u1").unwrap(),
        uploader: crate::upload::Uploader::Patient,
        patient_id: PatientId::parse("pat-1").unwrap(),
        slot: UploadSlot { client_mutation_id: draft(), index: 0, kind },
        length,
        folder: key(0),
        at: NOW,
    })
}

fn upload() -> Upload {
    new(UploadKind::Original, 100).unwrap()
}

fn whole() -> Upload {
    let mut upload = upload();
    upload.open(0, writer(1), NOW).unwrap();
    upload.append(writer(1), key(1), 100, NOW).unwrap();
    upload
}

fn content() -> Content {
    Content { key: key(9), media_type: MediaType::Jpeg, size: 80 }
}

#[test]
fn an_upload_has_at_most_ten_mebibytes_and_a_preview_sixteen_kibibytes() {
    for (kind, max) in [(UploadKind::Original, MAX_UPLOAD_BYTES), (UploadKind::Preview, MAX_PREVIEW_BYTES)] {
        assert!(new(kind, max).is_ok());
        assert_eq!(new(kind, max + 1), Err(UploadRefusal::TooLong { max }));
    }
}

#[test]
fn bytes_count_from_where_the_upload_is_and_not_beyond_its_end() {
    let mut upload = upload();
    assert_eq!(upload.open(1, writer(1), NOW), Err(UploadRefusal::WrongOffset { offset: 0 }));
    upload.open(0, writer(1), NOW).unwrap();
    upload.append(writer(1), key(1), 60, NOW).unwrap();
    assert_eq!(upload.append(writer(1), key(2), 41, NOW), Err(UploadRefusal::TooLong { max: 100 }));
    assert_eq!((upload.parts().offset, upload.parts().chunks.len()), (60, 1));
    upload.append(writer(1), key(2), 40, NOW).unwrap();
    assert_eq!(upload.parts().state, UploadState::Checking);
    assert_eq!(upload.task(NOW), UploadTask::Check);
    assert_eq!(upload.parts().chunks, [key(1), key(2)]);
    assert_eq!(upload.append(writer(1), key(3), 1, NOW), Err(UploadRefusal::Superseded { offset: 100 }));
    assert_eq!(upload.open(100, writer(2), NOW), Ok(()), "nothing is missing, and nothing changes");
    assert_eq!(upload.parts().state, UploadState::Checking);
}

#[test]
fn who_comes_later_takes_over_and_who_was_there_counts_no_more() {
    let mut upload = upload();
    upload.open(0, writer(1), NOW).unwrap();
    upload.append(writer(1), key(1), 10, NOW).unwrap();
    upload.open(10, writer(2), NOW).unwrap();
    assert_eq!(upload.append(writer(1), key(2), 10, NOW), Err(UploadRefusal::Superseded { offset: 10 }));
    upload.append(writer(2), key(3), 10, NOW).unwrap();
    assert_eq!(upload.parts().chunks, [key(1), key(3)]);
}

#[test]
fn every_byte_gives_an_unfinished_upload_seven_more_days() {
    let mut upload = upload();
    let later = NOW + UNFINISHED_FOR - Duration::SECOND;
    upload.open(0, writer(1), later).unwrap();
    upload.append(writer(1), key(1), 10, later).unwrap();
    let end = later + UNFINISHED_FOR;
    assert_eq!((upload.parts().expires_at, upload.parts().due_at), (end, Some(end)));
    assert_eq!(upload.task(end - Duration::SECOND), UploadTask::Nothing);
    assert!(!upload.expire(end - Duration::SECOND));
    assert_eq!(upload.open(10, writer(1), end), Err(UploadRefusal::Expired));
    assert_eq!(upload.append(writer(1), key(2), 1, end), Err(UploadRefusal::Expired));
    assert_eq!(upload.resume(100, end), Err(UploadRefusal::Expired));
    assert_eq!(upload.task(end), UploadTask::Expire);
    assert!(upload.expire(end));
    assert_eq!(upload.task(end), UploadTask::Erase);
}

#[test]
fn the_same_slot_with_another_length_is_something_else() {
    assert_eq!(upload().resume(100, NOW), Ok(()));
    assert_eq!(upload().resume(101, NOW), Err(UploadRefusal::Differs));
    assert_eq!(whole().resume(100, NOW + Duration::days(300)), Ok(()), "what is whole does not expire");
}

#[test]
fn first_bytes_of_a_format_that_is_not_taken_end_an_upload() {
    let mut upload = upload();
    upload.open(0, writer(1), NOW).unwrap();
    upload.open(0, writer(2), NOW).unwrap();
    let before = upload.clone();
    assert!(!upload.refuse_format(writer(1), NOW), "another request was let in since");
    assert_eq!(upload, before);
    assert!(upload.refuse_format(writer(2), NOW));
    assert_eq!(upload.parts().state, UploadState::Rejected(RejectReason::UnknownType));
    let never = Err(UploadRefusal::UnknownFormat { format: None });
    assert_eq!(
        (upload.open(0, writer(3), NOW), upload.resume(100, NOW), upload.still_there(NOW)),
        (never, never, never)
    );
    let end = NOW + UNCLAIMED_FOR;
    assert_eq!((upload.task(NOW), upload.parts().due_at), (UploadTask::Nothing, Some(end)));
    assert_eq!(upload.task(end), UploadTask::Claim);
    assert!(upload.expire(NOW), "something else may take its place");
    assert_eq!(upload.task(NOW), UploadTask::Erase);

    let mut begun = whole();
    assert!(!begun.refuse_format(writer(1), NOW), "bytes of it were kept");
    assert_eq!(begun.parts().state, UploadState::Checking);
}

#[test]
fn a_check_ends_once_and_then_bytes_are_tidied() {
    for conclude in [(|upload: &mut Upload| upload.pass(content(), NOW)) as fn(&mut Upload) -> bool, |upload| {
        upload.reject(RejectReason::Damaged, NOW)
    }] {
        let mut upload = whole();
        assert!(conclude(&mut upload));
        let once = upload.clone();
        assert!(!upload.reject(RejectReason::Malware, NOW) && !upload.pass(content(), NOW));
        assert_eq!(upload, once);
        assert_eq!((upload.task(NOW), upload.parts().due_at), (UploadTask::Tidy, Some(NOW)));
        upload.tidied();
        assert_eq!(upload.task(NOW), UploadTask::Nothing);
        let end = NOW + UNCLAIMED_FOR;
        assert_eq!((upload.task(end), upload.parts().due_at), (UploadTask::Claim, Some(end)));
        let mut claimed = upload.clone();
        claimed.claim(true, end);
        assert_eq!((claimed.parts().due_at, &claimed.parts().state), (None, &upload.parts().state));
        upload.claim(false, end);
        assert_eq!(upload.task(end), UploadTask::Erase);
    }
    assert!(!upload().pass(content(), NOW), "not before all bytes are there");
}

#[test]
fn a_check_that_is_postponed_does_not_count_and_one_that_never_ends_does() {
    let mut upload = whole();
    upload.parts.checks = 3;
    upload.postpone(NOW + Duration::MINUTE);
    assert_eq!((upload.parts().checks, upload.parts().due_at), (2, Some(NOW + Duration::MINUTE)));
    upload.parts.checks = 5;
    assert!(!upload.is_uncheckable());
    upload.parts.checks = 6;
    assert!(upload.is_uncheckable());
}

#[test]
fn what_a_clinician_may_have_seen_is_not_taken_back() {
    let mut ready = whole();
    ready.pass(content(), NOW);
    let mut rejected = whole();
    rejected.reject(RejectReason::Malware, NOW);
    let table = [(upload(), true), (whole(), false), (ready, false), (rejected, true)];
    for (upload, allowed) in table {
        assert_eq!(upload.clone().discard(true, NOW).is_ok(), allowed, "{:?}", upload.parts().state);
        let mut free = upload;
        free.discard(false, NOW).unwrap();
        assert_eq!(free.task(NOW), UploadTask::Erase);
    }
}

#[test]
fn a_discarded_upload_is_forgotten_when_nothing_can_be_under_way_any_more() {
    let mut upload = upload();
    upload.discard(false, NOW).unwrap();
    assert!(!upload.erased(NOW));
    assert_eq!(upload.parts().due_at, Some(NOW + Duration::minutes(10)));
    assert!(upload.erased(NOW + Duration::minutes(10)));
    let mut open = super::Upload::restore(whole().parts);
    assert!(!open.erased(NOW), "and nothing else is");
}

#[test]
fn a_name_in_the_storage_is_no_path() {
    assert_eq!(StorageKey::parse(key(171).as_str()), Ok(key(171)));
    for bad in ["", "..", "../../etc/passwd", "AB", &"a".repeat(31), &"A".repeat(32), &"a/".repeat(16)] {
        assert!(StorageKey::parse(bad).is_err(), "{bad}");
    }
}
