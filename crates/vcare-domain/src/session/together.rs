//! Who was there when, and what follows from it: the time together, which is what is written into the chart and charged.

use time::OffsetDateTime;

use crate::participant::{Participant, ParticipantRole};
use crate::segment::{MediaMode, MediaSegment, SecondsPerMode};
use crate::session::SessionParts;
use crate::text::UserId;
use crate::time_span::{TimeSpan, in_whole_seconds, intersection, union};

/// A provider's time with the patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderTime {
    /// The account.
    pub user: UserId,
    /// Whole seconds with the patient, at least 1.
    pub seconds: u32,
}

fn seconds(spans: &[TimeSpan]) -> u32 {
    spans.iter().map(TimeSpan::whole_seconds).sum()
}

impl SessionParts {
    /// When the patient and at least one provider were in the visit, in order; borders at whole seconds, without an end while
    /// it lasts.
    #[must_use]
    pub fn together(&self) -> Vec<TimeSpan> {
        let providers = self.participants.iter().filter(|one| one.role == ParticipantRole::Provider);
        in_whole_seconds(&intersection(&self.patient_stays(), &union(providers.flat_map(|one| one.stays.clone()))))
    }

    /// When that participant took part in the time together: a provider with the patient, everybody else while the patient and
    /// a provider were there. Borders at whole seconds.
    #[must_use]
    pub fn took_part(&self, participant: &Participant) -> Vec<TimeSpan> {
        let stays = union(participant.stays.clone());
        match participant.role {
            ParticipantRole::Provider => in_whole_seconds(&intersection(&self.patient_stays(), &stays)),
            _ => in_whole_seconds(&intersection(&self.together(), &stays)),
        }
    }

    /// The providers who spent time with the patient, the longest first; of two with the same time, the one who was invited
    /// first.
    #[must_use]
    pub fn provider_times(&self) -> Vec<ProviderTime> {
        let providers = self.participants.iter().filter(|one| one.role == ParticipantRole::Provider);
        let times = providers.filter_map(|one| {
            let time = ProviderTime { user: one.user_id.clone()?, seconds: seconds(&self.took_part(one)) };
            (time.seconds > 0).then_some(time)
        });
        let mut times: Vec<_> = times.collect();
        times.sort_by_key(|time| std::cmp::Reverse(time.seconds));
        times
    }

    /// Who held the visit: the provider who was with the patient for longest; before there was any such time, the planned one.
    #[must_use]
    pub fn held_by(&self) -> Option<UserId> {
        self.provider_times().into_iter().next().map(|time| time.user).or_else(|| self.provider_id.clone())
    }

    /// The stretches of the time together by medium, in order. The last one has no end while it lasts.
    #[must_use]
    pub fn held(&self) -> Vec<MediaSegment> {
        let together = self.together();
        let cut = self.segments.iter().flat_map(|segment| {
            let whole = TimeSpan { from: segment.from, to: segment.to };
            let parts = intersection(&in_whole_seconds(&[whole]), &together);
            parts.into_iter().map(|part| MediaSegment { from: part.from, to: part.to, ..*segment })
        });
        cut.collect()
    }

    /// In which medium the visit is held now; `None` unless it is active.
    #[must_use]
    pub fn medium(&self) -> Option<MediaMode> {
        self.segments.last().filter(|segment| segment.to.is_none()).map(|running| running.mode)
    }

    /// Whole seconds of the time together per medium, as far as it has ended.
    #[must_use]
    pub fn seconds(&self) -> SecondsPerMode {
        SecondsPerMode::of(&self.held())
    }

    /// When the time together ended, once it has.
    pub(super) fn last_together(&self) -> Option<OffsetDateTime> {
        self.held().last().and_then(|last| last.to)
    }

    fn patient_stays(&self) -> Vec<TimeSpan> {
        self.patient().map(|patient| union(patient.stays.clone())).unwrap_or_default()
    }
}
