//! The draft's states, who may decide, and what is heard in silence.

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::session::tests::support::{NOON, PATIENCE, active, at, ended, in_status, minute, scheduled, user};
use crate::*;

/// The hashes of that text.
pub fn hashes(n: u8) -> TextHashes {
    TextHashes { content: ContentHash::from_bytes([n + 100; 32]), keyed: hash(n) }
}

pub fn hash(n: u8) -> KeyedHash {
    KeyedHash::from_bytes([n; 32])
}

pub fn sealed(n: u8) -> SealedText {
    SealedText { key_id: "key".to_owned(), bytes: vec![n; 40] }
}

/// The hash of what the machine wrote.
pub const DRAFTED: u8 = 1;

pub fn author(visit: &VirtualSession) -> Author {
    visit.documented_by(&user("dr-amiri")).unwrap()
}

pub fn draft_of(visit: &VirtualSession) -> AiDraft {
    let new = NewDraft {
        id: AiDraftId::from_uuid(Uuid::from_u128(7)),
        tenant_id: visit.parts().tenant_id.clone(),
        model: AiModel::parse("standin-1").unwrap(),
        transcript_hash: hash(9),
        draft_hash: hash(DRAFTED),
        text: sealed(DRAFTED),
        expires_at: NOON + Duration::DAY,
    };
    let mut draft = AiDraft::create(new, &author(visit), NOON);
    draft.mark_saved();
    draft
}

fn edited(n: u8) -> EditedSummary {
    EditedSummary { text: sealed(n), hash: hash(n) }
}

fn note() -> NoteId {
    NoteId::parse("note_1").unwrap()
}

fn text() -> SummaryText {
    SummaryText::parse("better").unwrap()
}

/// A visit like the others, and not the same.
fn another_visit() -> VirtualSession {
    let parts = SessionParts { id: SessionId::from_uuid(Uuid::from_u128(200)), ..active().parts().clone() };
    VirtualSession::restore(parts)
}

#[test]
fn a_visit_is_transcribed_while_it_is_active_and_documented_once_it_has_begun() {
    use SessionStatus::{Active, Ended, Failed};
    for status in SessionStatus::ALL {
        let visit = in_status(status);
        let provider = user("dr-amiri");
        assert_eq!(visit.transcribed_by(&provider).is_ok(), status == Active, "{status}");
        assert_eq!(visit.documented_by(&provider).is_ok(), matches!(status, Active | Failed | Ended), "{status}");
    }
    let refused = Refusal::InvalidTransition { action: Action::Transcribe, from: Ended };
    assert_eq!(ended().transcribed_by(&user("dr-amiri")), Err(refused));
}

#[test]
fn only_a_provider_of_the_visit_is_its_author() {
    let mut visit = active();
    for other in ["karim", "dr-noori", "scheduler"] {
        assert_eq!(visit.transcribed_by(&user(other)), Err(Refusal::NotItsProvider), "{other}");
        assert_eq!(visit.documented_by(&user(other)), Err(Refusal::NotItsProvider), "{other}");
    }
    // Who is none is told so whatever state the visit is in.
    assert_eq!(scheduled().documented_by(&user("dr-noori")), Err(Refusal::NotItsProvider));
    let provider = visit.parts().provider(&user("dr-amiri")).unwrap().id;
    assert_eq!(visit.remove(provider, Reason::of(RemovalCode::WrongPerson), &at(3)), Ok(Outcome::Applied));
    assert_eq!(visit.documented_by(&user("dr-amiri")), Err(Refusal::NotItsProvider));
}

#[test]
fn the_voices_of_a_visit_are_those_of_its_providers_who_came() {
    let mut visit = active();
    let invite = |n: u128, name: &str| NewParticipant {
        id: ParticipantId::from_uuid(Uuid::from_u128(n)),
        user_id: Some(user(name)),
        role: ParticipantRole::Provider,
    };
    for (n, name) in [(50, "dr-noori"), (51, "dr-zahra")] {
        assert_eq!(visit.invite(invite(n, name), 6, &at(3)), Ok(Outcome::Applied));
    }
    let author = author(&visit);
    assert_eq!(visit.voices(&author), [user("dr-amiri")]);
    let coming = Change { by: user("dr-noori"), at: minute(4), expected: None };
    let own = ParticipantId::from_uuid(Uuid::from_u128(60));
    assert_eq!(visit.join_as_provider(own, 6, PATIENCE, &coming), Ok(Outcome::Applied));
    assert_eq!(visit.voices(&author), [user("dr-amiri"), user("dr-noori")]);
}

#[test]
fn an_accepted_draft_is_owed_to_the_chart_until_it_is_there() {
    let visit = ended();
    let mut draft = draft_of(&visit);
    assert_eq!(draft.accept(&author(&visit), None, minute(20)), Ok(Outcome::Applied));
    assert_eq!(draft.text(), Some(&sealed(DRAFTED)));
    let note_of = |draft: &AiDraft, n| ChartNote::of(draft, &visit, text(), hashes(n));
    let written = note_of(&draft, DRAFTED).unwrap();
    assert_eq!((written.accepted_by(), written.accepted_at()), (&user("dr-amiri"), minute(20)));
    assert!(!written.human_edited());
    assert!(note_of(&draft, 2).is_none(), "another text than the accepted one");
    assert!(ChartNote::of(&draft, &another_visit(), text(), hashes(DRAFTED)).is_none(), "another visit's chart");

    assert_eq!(draft.park_delivery(minute(21)), Ok(Outcome::Applied));
    assert_eq!(draft.park_delivery(minute(22)), Ok(Outcome::AlreadyApplied));
    assert!(note_of(&draft, DRAFTED).is_some(), "a person may take it up again");
    assert_eq!(draft.record_delivery(note(), minute(23)), Ok(Outcome::Applied));
    assert_eq!(draft.text(), None);
    assert!(note_of(&draft, DRAFTED).is_none());
    assert_eq!(draft.record_delivery(note(), minute(24)), Ok(Outcome::AlreadyApplied));
    assert_eq!(draft.park_delivery(minute(24)), Ok(Outcome::AlreadyApplied));
    let events: Vec<_> = draft.events().iter().map(|recorded| recorded.event).collect();
    assert_eq!(events, [DraftEvent::Accepted, DraftEvent::Parked, DraftEvent::Delivered]);
}

#[test]
fn what_a_clinician_made_of_a_draft_takes_its_place() {
    let visit = ended();
    let mut draft = draft_of(&visit);
    assert_eq!(draft.accept(&author(&visit), Some(edited(2)), minute(20)), Ok(Outcome::Applied));
    assert_eq!(draft.text(), Some(&sealed(2)));
    assert!(ChartNote::of(&draft, &visit, text(), hashes(2)).unwrap().human_edited());
    // Sent back word for word, it is the machine's.
    let mut draft = draft_of(&visit);
    assert_eq!(draft.accept(&author(&visit), Some(edited(DRAFTED)), minute(20)), Ok(Outcome::Applied));
    assert!(!ChartNote::of(&draft, &visit, text(), hashes(DRAFTED)).unwrap().human_edited());
}

#[test]
fn a_declined_or_expired_draft_holds_no_text_and_goes_nowhere() {
    let visit = ended();
    let mut declined = draft_of(&visit);
    assert_eq!(declined.decline(&author(&visit), minute(20)), Ok(Outcome::Applied));
    let mut expired = draft_of(&visit);
    assert_eq!(expired.expire(NOON + Duration::DAY - Duration::SECOND), Outcome::AlreadyApplied);
    assert_eq!(expired.expire(NOON + Duration::DAY), Outcome::Applied);
    for mut draft in [declined, expired] {
        let status = draft.status();
        assert_eq!(draft.text(), None, "{status}");
        assert!(ChartNote::of(&draft, &visit, text(), hashes(DRAFTED)).is_none(), "{status}");
        assert_eq!(draft.record_delivery(note(), minute(30)), Err(DraftRefusal::NotAccepted));
        assert_eq!(draft.park_delivery(minute(30)), Err(DraftRefusal::NotAccepted));
        assert!(draft.accept(&author(&visit), None, minute(30)).is_err(), "{status}");
        assert!(draft.decline(&author(&visit), minute(30)).is_err(), "{status}");
        assert_eq!(draft.expire(NOON + Duration::WEEK), Outcome::AlreadyApplied);
        assert_eq!(draft.status(), status);
    }
}

#[test]
fn a_decision_is_made_once_in_time_and_in_its_own_visit() {
    let visit = ended();
    let late = NOON + Duration::DAY;
    let decide = |draft: &mut AiDraft, by: &Author, at: OffsetDateTime, accept: bool| {
        if accept { draft.accept(by, None, at) } else { draft.decline(by, at) }
    };
    for (first, second) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut draft = draft_of(&visit);
        assert_eq!(decide(&mut draft, &author(&visit), late, first), Err(DraftRefusal::Expired));
        let other = author(&another_visit());
        assert_eq!(decide(&mut draft, &other, minute(20), first), Err(DraftRefusal::OfAnotherSession));
        assert!(draft.events().is_empty());
        assert_eq!(decide(&mut draft, &author(&visit), minute(20), first), Ok(Outcome::Applied));
        let status = if first { DraftStatus::Accepted } else { DraftStatus::Declined };
        let refused = Err(DraftRefusal::AlreadyDecided { status });
        assert_eq!(decide(&mut draft, &author(&visit), minute(21), second), refused);
    }
}

#[test]
fn nothing_of_a_text_is_printed() {
    let visit = ended();
    let mut draft = draft_of(&visit);
    assert_eq!(draft.accept(&author(&visit), None, minute(20)), Ok(Outcome::Applied));
    let note = ChartNote::of(&draft, &visit, text(), hashes(DRAFTED)).unwrap();
    let printed = format!("{draft:?} {note:?} {:?}", Transcript::parse("better").unwrap());
    assert!(!printed.contains("better") && !printed.contains("1, 1, 1"), "{printed}");
    assert!(!printed.contains("dr-amiri") && !printed.contains("pat-1") && !printed.contains("standin"), "{printed}");
}

fn heard(text: Option<&str>, silent: Option<bool>, segments: Option<&[(&str, Option<f64>)]>) -> Transcription {
    let segment = |(text, silent): &(&str, Option<f64>)| HeardSegment {
        spoken: SpokenSegment { start: 0.0, end: 1.0, text: Transcript::parse(*text).unwrap() },
        silent: *silent,
    };
    Transcription::of(HeardSpeech {
        text: text.map(|text| Transcript::parse(text).unwrap()),
        silent,
        segments: segments.map(|all| all.iter().map(segment).collect()),
        language: None,
    })
    .unwrap()
}

fn said(transcription: &Transcription) -> Option<&str> {
    match transcription {
        Transcription::Silence => None,
        Transcription::Speech { text, .. } => Some(text.as_str()),
    }
}

#[test]
fn no_text_is_invented_for_silence() {
    let thanks = "Thank you for watching!";
    let table = [
        ("it says so, whatever it wrote", heard(Some(thanks), Some(true), Some(&[(thanks, Some(0.1))])), None),
        (
            "every stretch was silent",
            heard(Some(thanks), None, Some(&[(thanks, Some(0.6)), ("You", Some(0.97))])),
            None,
        ),
        ("so was this, though it says otherwise", heard(Some(thanks), Some(false), Some(&[(thanks, Some(0.9))])), None),
        ("no stretch at all", heard(Some(thanks), None, Some(&[])), None),
        ("nothing", heard(None, None, None), None),
        ("nothing, and somebody spoke", heard(None, Some(false), Some(&[])), None),
        ("a text of who tells no stretches", heard(Some("cough"), None, None), Some("cough")),
        ("a text without stretches, by name", heard(Some("cough"), Some(false), Some(&[])), Some("cough")),
        ("a text on its stretches", heard(Some("a, b"), None, Some(&[("a", None), ("b", Some(0.59))])), Some("a, b")),
        ("stretches without a text", heard(None, None, Some(&[(" a", None), ("b", None)])), Some("a b")),
        (
            "silence in the middle",
            heard(Some("a x b"), None, Some(&[("a", None), ("x", Some(0.8)), ("b", None)])),
            Some("a b"),
        ),
    ];
    for (name, transcription, expected) in table {
        assert_eq!(said(&transcription), expected, "{name}");
    }
}
