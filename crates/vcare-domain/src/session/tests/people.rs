//! Names and languages of the people of a visit.

use super::support::*;
use crate::config::Locale;
use crate::name::SealedName;
use crate::{Outcome, ParticipantRole, Profile, VirtualSession};

fn sealed(text: &str) -> SealedName {
    SealedName { key_version: 1, bytes: text.as_bytes().to_vec() }
}

fn called(text: &str) -> Profile {
    Profile { name: Some(sealed(text)), language: None }
}

#[test]
fn who_is_invited_has_the_name_and_the_language_that_were_given() {
    let mut visit = VirtualSession::create(plan(Some("dr-noori")), NOON);
    let profile = Profile { name: Some(sealed("zarghuna")), language: Some(Locale::Ps) };
    let guest = with_role(8, Some("tr-1"), ParticipantRole::Interpreter);
    assert_eq!(visit.invite_described(guest.clone(), &profile, LIMIT, &at(1)), Ok(Outcome::Applied));
    let one = visit.parts().participant(person(8)).unwrap().clone();
    assert_eq!((one.name, one.language), (profile.name.clone(), Some(Locale::Ps)));
    // Who is invited already is not described anew.
    let version = visit.version();
    assert_eq!(visit.invite_described(guest.clone(), &called("other"), LIMIT, &at(2)), Ok(Outcome::AlreadyApplied));
    assert_eq!((visit.version(), &visit.parts().participant(person(8)).unwrap().name), (version, &profile.name));
    // Who was removed and is invited again is: what was not given stays.
    applied(visit.remove(person(8), reason(), &at(3)));
    let again = with_role(9, Some("tr-1"), ParticipantRole::Interpreter);
    assert_eq!(visit.invite_described(again, &called("other"), LIMIT, &at(4)), Ok(Outcome::Applied));
    let one = visit.parts().participant(person(8)).unwrap();
    assert_eq!((one.name.as_ref(), one.language), (Some(&sealed("other")), Some(Locale::Ps)));
}

#[test]
fn a_provider_who_joins_is_named_by_their_account_unless_somebody_named_them() {
    let mut visit = VirtualSession::create(plan(Some("dr-noori")), NOON);
    let come = by("dr-noori", 1);
    assert_eq!(
        visit.join_as_named_provider(person(9), Some(&sealed("noori")), LIMIT, PATIENCE, &come),
        Ok(Outcome::Applied)
    );
    assert_eq!(visit.parts().provider(&user("dr-noori")).unwrap().name, Some(sealed("noori")));
    assert_eq!(
        visit.join_as_named_provider(person(9), Some(&sealed("other")), LIMIT, PATIENCE, &come),
        Ok(Outcome::AlreadyApplied)
    );
    assert_eq!(visit.parts().provider(&user("dr-noori")).unwrap().name, Some(sealed("noori")));
    let colleague = with_role(7, Some("dr-amiri"), ParticipantRole::Provider);
    applied(visit.invite_described(colleague, &called("amiri"), LIMIT, &at(2)));
    applied(visit.join_as_named_provider(person(9), Some(&sealed("account")), LIMIT, PATIENCE, &by("dr-amiri", 3)));
    assert_eq!(visit.parts().provider(&user("dr-amiri")).unwrap().name, Some(sealed("amiri")));
}

#[test]
fn only_participants_can_be_described() {
    let mut visit = VirtualSession::create(plan(None), NOON);
    assert!(visit.describe(person(77), &called("nobody")).is_err());
}
