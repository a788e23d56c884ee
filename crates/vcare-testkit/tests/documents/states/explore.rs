//! What can become of something that changes by commands: found out by giving it every command in every state it gets to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::path::Path;

use vcare_domain::Outcome;
pub use vcare_testkit::documents::OUTSIDE;
use vcare_testkit::documents::{Steps, state_diagram};

/// A command's name in the code, and how it is given. `None`: refused.
pub type Command<T> = (&'static str, Box<dyn Fn(&mut T) -> Option<Outcome>>);

/// Gives every command to everything that can be got to from `start`, and tells `seen` of it: before, command, after and
/// what was answered. Two are taken for the same when `key` says so.
pub fn explore<T: Clone>(
    start: T,
    commands: &[Command<T>],
    key: impl Fn(&T) -> String,
    mut seen: impl FnMut(&T, &'static str, &T, Option<Outcome>),
) {
    let mut known = BTreeSet::from([key(&start)]);
    let mut waiting = VecDeque::from([start]);
    while let Some(before) = waiting.pop_front() {
        for (name, command) in commands {
            let mut after = before.clone();
            let answer = command(&mut after);
            seen(&before, name, &after, answer);
            if answer == Some(Outcome::Applied) && known.insert(key(&after)) {
                assert!(known.len() < 50_000, "so many states are no picture: is there something without end?");
                waiting.push_back(after);
            }
        }
    }
}

/// A state machine as it was seen.
#[derive(Default)]
pub struct Machine(Steps);

impl Machine {
    /// With a first step.
    pub fn beginning(command: &str, first: &str) -> Self {
        let mut machine = Self::default();
        machine.step(OUTSIDE, command, first);
        machine
    }

    pub fn step(&mut self, from: &str, command: &str, to: &str) {
        if from != to {
            self.0.entry((from.to_owned(), to.to_owned())).or_default().insert(command.to_owned());
        }
    }

    /// Everything of another one, too.
    pub fn merge(&mut self, other: Self) {
        for (step, commands) in other.0 {
            self.0.entry(step).or_default().extend(commands);
        }
    }

    /// Says which states are final, and asserts that nothing leads out of them.
    pub fn ending(mut self, finals: &[&str]) -> Self {
        for last in finals {
            let leaves = self.0.keys().find(|(from, _)| from == last);
            assert!(leaves.is_none(), "{last} is said to be final, and leads to {leaves:?}");
            self.0.insert(((*last).to_owned(), OUTSIDE.to_owned()), BTreeSet::new());
        }
        self
    }

    pub fn states(&self) -> BTreeSet<&str> {
        let both = self.0.keys().flat_map(|(from, to)| [from.as_str(), to.as_str()]);
        both.filter(|state| *state != OUTSIDE).collect()
    }

    /// Steps that lead nowhere else are no part of a picture.
    pub fn picture(&self) -> String {
        state_diagram(&self.0)
    }
}

/// The word for a change that is none.
const NOTHING: &str = "nothing";

/// What each command comes to in each state.
#[derive(Default)]
pub struct Cells(BTreeMap<(&'static str, String), BTreeSet<String>>);

impl Cells {
    pub fn note(&mut self, before: &str, command: &'static str, after: &str, answer: Option<Outcome>) {
        let word = match answer {
            None => None,
            Some(Outcome::AlreadyApplied) => Some(NOTHING.to_owned()),
            Some(Outcome::Applied) if before == after => Some("stays".to_owned()),
            Some(Outcome::Applied) => Some(after.to_owned()),
        };
        self.0.entry((command, before.to_owned())).or_default().extend(word);
    }

    /// A row a command, a column a state.
    pub fn table(&self, states: &[&str], commands: &[&str]) -> String {
        let mut table = format!("| | {} |\n|---|{}\n", states.join(" | "), "---|".repeat(states.len()));
        for command in commands {
            let of = |state: &&str| {
                let mut words = self.0.get(&(*command, (*state).to_owned())).cloned().unwrap_or_default();
                // Everything that was done before does nothing the second time.
                if words.len() > 1 {
                    words.remove(NOTHING);
                }
                if words.is_empty() { "–".to_owned() } else { words.into_iter().collect::<Vec<_>>().join(" or ") }
            };
            let cells: Vec<String> = states.iter().map(of).collect();
            writeln!(table, "| `{command}` | {} |", cells.join(" | ")).unwrap();
        }
        table
    }
}

/// Asserts that these are all the commands that the files below `source` have: public, changing what they are called on.
pub fn are_all_commands(commands: &[&str], source: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vcare-domain/src").join(source);
    let files = match folder.is_dir() {
        true => std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect(),
        false => vec![folder],
    };
    let mut found = BTreeSet::from(["mark_saved".to_owned()]);
    for file in files.iter().filter(|file| file.extension().is_some_and(|kind| kind == "rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        for function in text.split("    pub fn ").skip(1) {
            let (name, rest) = function.split_once('(').unwrap();
            if rest.trim_start().starts_with("&mut self") {
                found.insert(name.to_owned());
            }
        }
    }
    let driven: BTreeSet<String> =
        commands.iter().map(|name| (*name).to_owned()).chain(["mark_saved".to_owned()]).collect();
    assert_eq!(
        driven, found,
        "the commands of {source}: those that the picture is drawn from, and those that there are"
    );
}
