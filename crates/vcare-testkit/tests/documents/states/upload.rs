//! A photo or a voice note on its way in.

use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vcare_domain::{
    ClientMutationId, Content, LeaseToken, MediaType, NewUpload, Outcome, PatientId, RejectReason, StorageKey,
    TenantId, UNFINISHED_FOR, Upload, UploadId, UploadKind, UploadRefusal, UploadSlot, UploadState, UserId,
};

use super::explore::{Command, Machine, are_all_commands, explore};
use super::visit::NOON;

fn key(number: u8) -> StorageKey {
    StorageKey::from_random([number; 16])
}

fn writer() -> LeaseToken {
    LeaseToken::from_uuid(Uuid::from_u128(1))
}

/// What is done with an upload, and when.
type Handle = fn(&mut Upload, OffsetDateTime) -> Result<(), UploadRefusal>;

const HANDLING: [(&str, Handle); 15] = [
    ("open", |upload, at| upload.open(upload.parts().offset, writer(), at)),
    ("append", |upload, at| upload.append(writer(), key(1), 50, at)),
    ("erase", |upload, at| {
        upload.erase(at);
        Ok(())
    }),
    ("refuse_format", |upload, at| Ok(_ = upload.refuse_format(writer(), at))),
    ("discard", |upload, at| upload.discard(true, at)),
    ("discard", |upload, at| upload.discard(false, at)),
    ("expire", |upload, at| Ok(_ = upload.expire(at))),
    ("claim", |upload, at| {
        upload.claim(true, at);
        Ok(())
    }),
    ("claim", |upload, at| {
        upload.claim(false, at);
        Ok(())
    }),
    ("erased", |upload, at| Ok(_ = upload.erased(at))),
    ("pass", |upload, at| Ok(_ = upload.pass(Content { key: key(9), media_type: MediaType::Jpeg, size: 80 }, at))),
    ("reject", |upload, at| Ok(_ = upload.reject(RejectReason::Malware, at))),
    ("postpone", |upload, at| {
        upload.postpone(at);
        Ok(())
    }),
    ("wait", |upload, _| {
        upload.wait();
        Ok(())
    }),
    ("tidied", |upload, _| {
        upload.tidied();
        Ok(())
    }),
];

const fn state_of(upload: &Upload) -> &'static str {
    match upload.parts().state {
        UploadState::Receiving { .. } => "receiving",
        UploadState::Checking => "checking",
        UploadState::Ready(_) => "ready",
        UploadState::Rejected(_) => "rejected",
        UploadState::Discarded { .. } => "discarded",
    }
}

pub fn upload() -> Machine {
    let slot = UploadSlot {
        client_mutation_id: ClientMutationId::parse("7f4df2a6-3c7e-4c4a-9d0b-2f1f0a6f5e11").unwrap(),
        index: 0,
        kind: UploadKind::Original,
    };
    let start = Upload::begin(NewUpload {
        id: UploadId::from_uuid(Uuid::from_u128(1)),
        tenant_id: TenantId::parse("hosp-kabul").unwrap(),
        owner_id: UserId::parse("pat-account").unwrap(),
        uploader: vcare_domain::Uploader::Patient,
        patient_id: PatientId::parse("pat-1").unwrap(),
        slot,
        length: 100,
        folder: key(0),
        at: NOON,
    });
    let mut names: Vec<&str> = HANDLING.iter().map(|(name, _)| *name).collect();
    names.dedup();
    are_all_commands(&names, "upload");
    let mut commands: Vec<Command<Upload>> = Vec::new();
    for (name, handle) in HANDLING {
        // In its time, and after it.
        for after in [Duration::MINUTE, UNFINISHED_FOR + Duration::DAY] {
            let command = move |upload: &mut Upload| {
                let before = upload.clone();
                handle(upload, before.parts().updated_at + after).ok()?;
                Some(if *upload == before { Outcome::AlreadyApplied } else { Outcome::Applied })
            };
            commands.push((name, Box::new(command)));
        }
    }
    let key = |upload: &Upload| format!("{} {} {}", state_of(upload), upload.parts().offset, held(upload));
    let mut machine = Machine::beginning("begin", "receiving");
    explore(start.unwrap(), &commands, key, |before, command, after, _| {
        machine.step(state_of(before), command, state_of(after));
    });
    assert_eq!(machine.states().len(), 5);
    // Its row goes when its bytes are gone.
    machine.ending(&["discarded"])
}

const fn held(upload: &Upload) -> bool {
    matches!(upload.parts().state, UploadState::Receiving { writer: Some(_) })
}
