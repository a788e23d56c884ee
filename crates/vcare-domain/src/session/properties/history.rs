//! What the events of a whole life must say.

use proptest::prelude::*;

use crate::SessionStatus::Ended;
use crate::*;

/// What a whole life of a visit told the world.
pub(super) fn check_history(visit: &VirtualSession) -> Result<(), TestCaseError> {
    let events: Vec<_> = visit.events().iter().map(|recorded| &recorded.event).collect();
    let count = |is: fn(&SessionEvent) -> bool| events.iter().filter(|event| is(event)).count();
    prop_assert_eq!(events[0], &SessionEvent::Created);
    prop_assert_eq!(count(|event| matches!(event, SessionEvent::Created)), 1);
    prop_assert!(count(|event| matches!(event, SessionEvent::Started)) <= 1);
    let endings =
        count(|event| matches!(event, SessionEvent::Ended { .. } | SessionEvent::Cancelled | SessionEvent::NoShow));
    prop_assert!(endings <= 1, "over twice");
    let threads = count(|event| matches!(event, SessionEvent::FallbackThreadCreated { .. }));
    prop_assert!(threads <= 1, "two threads");
    let thread = visit.parts().fallback.as_ref().and_then(|fallback| fallback.thread.id());
    prop_assert_eq!(threads, usize::from(thread.is_some()), "a thread that nobody was told of");
    let asked = count(|event| matches!(event, SessionEvent::FallbackInitiated));
    let owed = visit.follow_ups().iter().filter(|follow_up| matches!(follow_up, FollowUp::CreateThread)).count();
    prop_assert_eq!(asked, owed, "a wish without its work");
    prop_assert!(visit.events().is_sorted_by_key(|recorded| recorded.at), "events out of order");

    let seconds = visit.parts().seconds();
    let end = events.iter().enumerate().find_map(|(position, event)| match event {
        SessionEvent::Ended { duration_seconds } => Some((position, *duration_seconds)),
        _ => None,
    });
    let duration = end.map_or(0, |(_, duration)| duration);
    prop_assert_eq!(end.is_some(), visit.status() == Ended);
    if let Some((_, duration)) = end {
        prop_assert_eq!(seconds.total(), duration, "the segments do not sum to the duration");
        let ended_at = visit.parts().state.ended_at();
        let last_together = visit.parts().held().last().and_then(|last| last.to);
        prop_assert!(duration == 0 || ended_at == last_together, "it ended when they were last together");
        prop_assert!(visit.parts().state.started_at().is_none_or(|started| Some(started) <= ended_at));
    }
    let owed = visit.follow_ups().iter().filter(|follow_up| matches!(follow_up, FollowUp::CreateEncounter)).count();
    prop_assert_eq!(owed, usize::from(duration > 0), "an Encounter exactly if something took place");

    let charges: Vec<_> =
        events.iter().enumerate().filter(|(_, e)| matches!(e, SessionEvent::Chargeable { .. })).collect();
    prop_assert!(charges.len() <= 1, "charged twice");
    for (position, charge) in charges {
        prop_assert!(duration > 0 && end.is_some_and(|(ended, _)| ended < position), "charged before its end");
        let id = visit.parts().state.encounter().and_then(EncounterRecord::id).cloned();
        let owed = id.map(|encounter| SessionEvent::Chargeable { encounter, seconds });
        prop_assert_eq!(owed.as_ref(), Some(*charge), "charged for something else");
    }
    Ok(())
}
