//! What holds for every draft, whatever is asked of it, in whatever order, by whomever.

use proptest::prelude::*;
use proptest::sample::select;
use time::{Duration, OffsetDateTime};

use super::tests::{DRAFTED, author, draft_of, hash, hashes, sealed};
use crate::session::tests::support::{NOON, ended, user};
use crate::*;

#[derive(Debug, Clone)]
enum Step {
    /// By whom; with an edited text or without.
    Accept(&'static str, Option<u8>),
    Decline(&'static str),
    Expire,
    Deliver,
    Park,
}

fn a_step() -> impl Strategy<Value = (Step, OffsetDateTime)> {
    let who = || select(&["dr-amiri", "dr-amiri", "karim", "dr-noori"][..]);
    let step = prop_oneof![
        3 => (who(), prop::option::of(1..3_u8)).prop_map(|(who, text)| Step::Accept(who, text)),
        2 => who().prop_map(Step::Decline),
        1 => Just(Step::Expire),
        3 => Just(Step::Deliver),
        2 => Just(Step::Park),
    ];
    (step, (0..30_i64).prop_map(|hours| NOON + Duration::hours(hours)))
}

proptest! {
    /// A machine's words come into a chart only where a provider of the visit accepted them, in time, and only once.
    #[test]
    fn only_what_a_provider_of_the_visit_accepted_becomes_a_note(steps in prop::collection::vec(a_step(), 1..40)) {
        let visit = ended();
        let mut draft = draft_of(&visit);
        let (mut accepted, mut delivered) = (None, false);
        for (step, at) in steps {
            let before = draft.clone();
            let applied = match step {
                Step::Accept(who, text) => visit.documented_by(&user(who)).is_ok_and(|author| {
                    let edited = text.map(|n| EditedSummary { text: sealed(n), hash: hash(n) });
                    let applied = draft.accept(&author, edited, at).is_ok();
                    if applied {
                        accepted = Some(text.unwrap_or(DRAFTED));
                    }
                    applied
                }),
                Step::Decline(who) => {
                    visit.documented_by(&user(who)).is_ok_and(|author| draft.decline(&author, at).is_ok())
                }
                Step::Expire => draft.expire(at) == Outcome::Applied,
                Step::Deliver => {
                    let done = draft.record_delivery(NoteId::parse("note").unwrap(), at);
                    delivered |= done.is_ok();
                    done == Ok(Outcome::Applied)
                }
                Step::Park => draft.park_delivery(at) == Ok(Outcome::Applied),
            };
            prop_assert_eq!(draft.parts() != before.parts(), applied);
            prop_assert_eq!(draft.parts().version != before.parts().version, applied);
            prop_assert_eq!(draft.events().len() - before.events().len(), usize::from(applied));

            let note = accepted.and_then(|n| {
                ChartNote::of(&draft, &visit, SummaryText::parse("text").unwrap(), hashes(n))
            });
            prop_assert_eq!(note.is_some(), accepted.is_some() && !delivered);
            if let Some(note) = note {
                let provider = author(&visit);
                prop_assert_eq!(note.accepted_by(), provider.user());
                prop_assert!(note.accepted_at() < draft.parts().expires_at);
            }
            let needed = draft.status() == DraftStatus::Pending || (accepted.is_some() && !delivered);
            prop_assert_eq!(draft.text().is_some(), needed);
        }
    }

    /// Whatever a machine says: a transcript is made of what it says was spoken, and of nothing it says was silent.
    #[test]
    fn a_transcript_holds_only_what_was_spoken(
        text in prop::option::of("[a-z]{1,8}"),
        silent in prop::option::of(any::<bool>()),
        segments in prop::option::of(prop::collection::vec(("[a-z]{1,8}", prop::option::of(0.0..1.0)), 0..6)),
    ) {
        let parse = |text: &str| Transcript::parse(text).unwrap();
        let heard = HeardSpeech {
            text: text.as_deref().map(parse),
            silent,
            segments: segments.clone().map(|all| all.iter().map(|(text, silent)| HeardSegment {
                spoken: SpokenSegment { start: 0.0, end: 1.0, text: parse(text) },
                silent: *silent,
            }).collect()),
            language: None,
        };
        let all = segments.unwrap_or_default();
        let spoken: Vec<&str> =
            all.iter().filter(|(_, silent)| silent.is_none_or(|p| p < 0.6)).map(|(text, _)| text.as_str()).collect();
        match Transcription::of(heard).unwrap() {
            Transcription::Silence => prop_assert!(silent == Some(true) || spoken.is_empty()),
            Transcription::Speech { text: said, segments, .. } => {
                prop_assert!(silent != Some(true));
                let kept: Vec<&str> = segments.iter().map(|one| one.text.as_str()).collect();
                prop_assert_eq!(&kept, &spoken);
                let joined = spoken.join(" ");
                prop_assert!(Some(said.as_str()) == text.as_deref() && spoken.len() == all.len() || said.as_str() == joined);
            }
        }
    }
}
