//! What a store sees of a visit.

use super::support::*;
use crate::*;

#[test]
fn a_restored_visit_is_the_stored_one_with_nothing_pending() {
    for status in SessionStatus::ALL {
        let parts = in_status(status).parts().clone();
        let visit = VirtualSession::restore(parts.clone());
        assert_eq!(visit.parts(), &parts);
        assert_eq!(visit.stored(), Some(&parts));
        assert_eq!(visit.events(), []);
        assert_eq!(visit.follow_ups(), []);
    }
}

#[test]
fn until_it_is_saved_a_changed_visit_still_knows_what_is_stored() {
    let mut visit = active();
    let stored = visit.parts().clone();
    applied(visit.end(None, &at(12)));
    assert_eq!(visit.stored(), Some(&stored));
    visit.mark_saved();
    assert_eq!(visit.stored(), Some(visit.parts()));
    assert_eq!(visit.events(), []);
    assert_eq!(visit.follow_ups(), []);
}

#[test]
fn every_event_carries_the_moment_of_its_change() {
    let mut visit = waiting();
    applied(visit.admit(person(PATIENT), &at(2)));
    assert_eq!(visit.events().len(), 3);
    assert!(visit.events().iter().all(|recorded| recorded.at == minute(2)));
    assert_eq!(visit.parts().updated_at, minute(2));
}
