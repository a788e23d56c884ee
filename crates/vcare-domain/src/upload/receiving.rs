//! While bytes come in.

use time::OffsetDateTime;

use super::{ERASING_FOR, RejectReason, StorageKey, UNFINISHED_FOR, Upload, UploadRefusal, UploadState};
use crate::ids::LeaseToken;

impl Upload {
    /// Somebody comes for the same slot again, with so many bytes: it is this upload they mean.
    ///
    /// # Errors
    /// [`UploadRefusal::Differs`] when they have something else, [`UploadRefusal::Expired`] when its time is over,
    /// [`UploadRefusal::Lost`], [`UploadRefusal::UnknownFormat`].
    pub fn resume(&self, length: u32, now: OffsetDateTime) -> Result<(), UploadRefusal> {
        self.still_there(now)?;
        if length == self.parts.length { Ok(()) } else { Err(UploadRefusal::Differs) }
    }

    /// Lets a request bring the bytes from `offset` on. Whoever brought some before is superseded: their line is dead, or
    /// their app was opened anew elsewhere.
    ///
    /// # Errors
    /// [`UploadRefusal::WrongOffset`], [`UploadRefusal::Expired`], [`UploadRefusal::Lost`],
    /// [`UploadRefusal::UnknownFormat`].
    pub fn open(&mut self, offset: u32, writer: LeaseToken, now: OffsetDateTime) -> Result<(), UploadRefusal> {
        self.still_there(now)?;
        if offset != self.parts.offset {
            return Err(UploadRefusal::WrongOffset { offset: self.parts.offset });
        }
        if let UploadState::Receiving { writer: holder } = &mut self.parts.state {
            *holder = Some(writer);
            self.touch(now);
        }
        Ok(())
    }

    /// Whether it is that request that may bring the next bytes.
    #[must_use]
    pub fn is_written_by(&self, writer: LeaseToken) -> bool {
        matches!(self.parts.state, UploadState::Receiving { writer: Some(holder) } if holder == writer)
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
        if !self.is_written_by(writer) {
            return Err(UploadRefusal::Superseded { offset: self.parts.offset });
        }
        let parts = &mut self.parts;
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

    /// The first bytes that this request brought, of which none is kept, are of a format that is not taken. Answers whether
    /// it was this request that might bring them: then the upload is rejected, and never asked for again.
    pub fn refuse_format(&mut self, writer: LeaseToken, now: OffsetDateTime) -> bool {
        let refused = self.is_written_by(writer) && self.parts.offset == 0;
        if refused {
            self.parts.state = UploadState::Rejected(RejectReason::UnknownType);
            self.touch(now);
            self.tidied();
        }
        refused
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

    /// Whether the bytes that are counted can still be counted on.
    ///
    /// # Errors
    /// [`UploadRefusal::Expired`], [`UploadRefusal::Lost`], and [`UploadRefusal::UnknownFormat`] when its first bytes were
    /// refused.
    pub fn still_there(&self, now: OffsetDateTime) -> Result<(), UploadRefusal> {
        match self.parts.state {
            UploadState::Rejected(RejectReason::Lost) => Err(UploadRefusal::Lost),
            UploadState::Rejected(RejectReason::UnknownType) if self.parts.offset < self.parts.length => {
                Err(UploadRefusal::UnknownFormat { format: None })
            }
            _ if self.has_expired(now) => Err(UploadRefusal::Expired),
            _ => Ok(()),
        }
    }

    /// Gives it up when its time is over, its bytes were lost, or its first bytes were refused. Answers whether it is given up now.
    pub fn expire(&mut self, now: OffsetDateTime) -> bool {
        let over = self.still_there(now).is_err();
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

    /// Takes it back because its patient is erased, whatever was seen of it.
    pub fn erase(&mut self, now: OffsetDateTime) {
        self.give_up(now);
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
