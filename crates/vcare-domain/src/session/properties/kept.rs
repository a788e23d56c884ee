//! The time together, counted once more from what a test keeps beside the visit.

use std::collections::BTreeSet;

use proptest::prelude::*;
use time::OffsetDateTime;

use crate::SessionStatus::{Active, Cancelled, Ended, Failed, NoShow, Scheduled, Waiting};
use crate::*;

/// Who was in a visit after a step: kept by the test beside the visit.
pub(super) struct Inside {
    since: OffsetDateTime,
    patient: bool,
    providers: BTreeSet<UserId>,
}

impl Inside {
    pub(super) fn of(visit: &VirtualSession) -> Self {
        let is_over = matches!(visit.status(), Ended | Cancelled | NoShow);
        let inside = |one: &&Participant| !is_over && one.state.is_inside();
        let people = visit.parts().participants.iter().filter(inside);
        let (patients, others): (Vec<_>, Vec<_>) = people.partition(|one| one.role == ParticipantRole::Patient);
        let providers = others.into_iter().filter(|one| one.role == ParticipantRole::Provider);
        Self {
            since: visit.parts().updated_at,
            patient: !patients.is_empty(),
            providers: providers.filter_map(|one| one.user_id.clone()).collect(),
        }
    }
}

/// Whole seconds in which something held: of each stretch, the seconds that began in it.
fn seconds_of(kept: &[Inside], holds: impl Fn(&Inside) -> bool) -> i64 {
    let pairs = kept.windows(2).filter(|pair| holds(&pair[0]));
    pairs.map(|pair| pair[1].since.unix_timestamp() - pair[0].since.unix_timestamp()).sum()
}

/// The time together, counted once more from what the test kept.
pub(super) fn check_time_together(kept: &[Inside], visit: &VirtualSession) -> Result<(), TestCaseError> {
    if visit.status() != Ended {
        return Ok(());
    }
    let together = seconds_of(kept, |one| one.patient && !one.providers.is_empty());
    prop_assert_eq!(i64::from(visit.parts().seconds().total()), together, "the time together");
    for time in visit.parts().provider_times() {
        let with = seconds_of(kept, |one| one.patient && one.providers.contains(&time.user));
        prop_assert_eq!(i64::from(time.seconds), with, "the time of {}", time.user.as_str());
    }
    Ok(())
}

/// Design §3, written down a second time.
pub(super) fn is_legal(from: SessionStatus, to: SessionStatus) -> bool {
    from == to
        || matches!(
            (from, to),
            (Scheduled, Waiting | Cancelled | NoShow)
                | (Waiting, Scheduled | Active | Ended | Cancelled | NoShow)
                | (Active, Ended | Failed)
                | (Failed, Active | Ended)
        )
}
