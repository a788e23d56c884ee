//! Once all bytes are there.

use time::OffsetDateTime;

use super::{Content, MAX_CHECKS, RejectReason, UNCLAIMED_FOR, Upload, UploadState};

impl Upload {
    /// Whether it was begun to be checked so often without an end that its content must be the cause.
    #[must_use]
    pub const fn is_uncheckable(&self) -> bool {
        self.parts.checks > MAX_CHECKS
    }

    /// It may be shown, as `content`. Answers whether that is new.
    pub fn pass(&mut self, content: Content, now: OffsetDateTime) -> bool {
        self.conclude(UploadState::Ready(content), now)
    }

    /// It is not shown. Answers whether that is new.
    pub fn reject(&mut self, reason: RejectReason, now: OffsetDateTime) -> bool {
        self.conclude(UploadState::Rejected(reason), now)
    }

    fn conclude(&mut self, state: UploadState, now: OffsetDateTime) -> bool {
        let first = self.parts.state == UploadState::Checking;
        if first {
            self.parts.state = state;
            self.parts.due_at = Some(now);
            self.touch(now);
        }
        first
    }

    /// It could not be checked, by nobody's fault in it: it is due again at `due`, and this check does not count.
    pub fn postpone(&mut self, due: OffsetDateTime) {
        if self.parts.state == UploadState::Checking {
            self.parts.checks = self.parts.checks.saturating_sub(1);
            self.parts.due_at = Some(due);
        }
    }

    /// It was taken up before its time: somebody brought bytes meanwhile.
    pub fn wait(&mut self) {
        if let UploadState::Receiving { .. } = self.parts.state {
            self.parts.due_at = Some(self.parts.expires_at);
        }
    }

    /// Its bytes were erased, but for those that are shown.
    pub fn tidied(&mut self) {
        if matches!(self.parts.state, UploadState::Ready(_) | UploadState::Rejected(_)) {
            self.parts.chunks.clear();
            self.parts.due_at = Some(self.parts.updated_at + UNCLAIMED_FOR);
        }
    }
}
