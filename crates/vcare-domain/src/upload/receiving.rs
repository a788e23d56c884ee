//! While bytes come in.

use time::OffsetDateTime;

use super::{ERASING_FOR, StorageKey, UNFINISHED_FOR, Upload, UploadRefusal, UploadState};
use crate::ids::LeaseToken;

impl Upload {
    /// Somebody comes for the same slot again, with so many bytes: it is this upload they mean.
    ///
    /// # Errors
    /// [`UploadRefusal::Differs`] when they have something else, [`UploadRefusal::Expired`] when its time is over.
    pub fn resume(&self, length: u32, now: OffsetDateTime) -> Result<(), UploadRefusal> {
        if self.has_expired(now) {
            return Err(UploadRefusal::Expired);
        }
        if length == self.parts.length { Ok(()) } else { Err(UploadRefusal::Differs) }
    }

    /// Lets a request bring the bytes from `offset` on. Whoever brought some before is superseded: their line is dead, or
    /// their app was opened anew elsewhere.
    ///
    /// # Errors
    /// [`UploadRefusal::WrongOffset`], [`UploadRefusal::Expired`].
    pub fn open(&mut self, offset: u32, writer: LeaseToken, now: OffsetDateTime) -> Result<(), UploadRefusal> {
        if self.has_expired(now) {
            return Err(UploadRefusal::Expired);
        }
        if offset != self.parts.offset {
            return Err(UploadRefusal::WrongOffset { offset: self.parts.offset });
        }
        if let UploadState::Receiving { writer: holder } = &mut self.parts.state {
            *holder = Some(writer);
            self.touch(now);
        }
        Ok(())
    }

    /// Counts a chunk that was stored. With the last one the upload is to be checked.
    ///
    /// # Errors
    /// [`UploadRefusal::Superseded`] when another request was let in since, [`UploadRefusal::TooLong`] for more than is
    /// missing, [`UploadRefusal::Expired`].
    pub fn append(
        &mut self,
        writer: LeaseToken,
        chunk: StorageKey,
        bytes: u32,
        now: OffsetDateTime,
    ) -> Result<(), UploadRefusal> {
        if self.has_expired(now) {
            return Err(UploadRefusal::Expired);
        }
        let parts = &mut self.parts;
        let holds = matches!(parts.state, UploadState::Receiving { writer: Some(holder) } if holder == writer);
        if !holds {
            return Err(UploadRefusal::Superseded { offset: parts.offset });
        }
        if bytes > parts.length - parts.offset {
            return Err(UploadRefusal::TooLong { max: parts.length });
        }
        parts.offset += bytes;
        parts.chunks.push(chunk);
        if parts.offset == parts.length {
            parts.state = UploadState::Checking;
            parts.due_at = Some(now);
        } else {
            parts.expires_at = now + UNFINISHED_FOR;
            parts.due_at = Some(parts.expires_at);
        }
        self.touch(now);
        Ok(())
    }

    /// Takes it back. `in_visit` says whether a visit was submitted that takes it.
    ///
    /// # Errors
    /// [`UploadRefusal::InVisit`] for what a clinician may have seen: it is part of what was said in the visit.
    pub fn discard(&mut self, in_visit: bool, now: OffsetDateTime) -> Result<(), UploadRefusal> {
        let shown = matches!(self.parts.state, UploadState::Checking | UploadState::Ready(_));
        if in_visit && shown {
            return Err(UploadRefusal::InVisit);
        }
        self.give_up(now);
        Ok(())
    }

    /// Gives it up when its time is over. Answers whether it is given up now.
    pub fn expire(&mut self, now: OffsetDateTime) -> bool {
        let over = self.has_expired(now);
        if over {
            self.give_up(now);
        }
        over
    }

    /// Gives it up when no visit has come for it.
    pub fn claim(&mut self, in_visit: bool, now: OffsetDateTime) {
        if in_visit {
            self.parts.due_at = None;
        } else {
            self.give_up(now);
        }
    }

    fn give_up(&mut self, now: OffsetDateTime) {
        if !matches!(self.parts.state, UploadState::Discarded { .. }) {
            self.parts.state = UploadState::Discarded { at: now };
            self.parts.due_at = Some(now);
            self.touch(now);
        }
    }

    /// All its bytes were erased. Answers whether the upload can be forgotten: nothing that was under way when it was
    /// discarded is under way still.
    pub fn erased(&mut self, now: OffsetDateTime) -> bool {
        let UploadState::Discarded { at } = self.parts.state else { return false };
        self.parts.due_at = Some(at + ERASING_FOR);
        now >= at + ERASING_FOR
    }
}
