//! What is going to happen in a visit.

use std::time::Duration;

use super::chance::Chance;

/// How a visit goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Called off before anybody came.
    CalledOff,
    /// Called off while the patient waits, by the clinician or by the patient's link.
    CalledOffWaiting,
    /// Ended while the patient waits: nothing took place.
    NeverBegan,
    /// Ended as soon as it began: a second or none.
    Brief,
    /// They talk for more than a second.
    Talked,
    /// The patient is late, and the visit is moved; then they talk.
    Late,
    /// Another clinician comes, and the first one leaves before the end.
    HandedOver,
    /// The patient is lost until the visit has failed, and comes back. Takes a minute.
    Resumed,
    /// They talk, both leave, and nobody ends it. Takes a minute.
    Forgotten,
    /// The patient does not come, and the clinician says so.
    NotAttended,
    /// The patient did not come, and nobody says so.
    NobodyLooked,
    /// Written offline and answered, without a live link.
    Offline,
}

const COURSES: [(Course, u64); 10] = [
    (Course::Talked, 40),
    (Course::Brief, 7),
    (Course::NeverBegan, 9),
    (Course::CalledOff, 7),
    (Course::CalledOffWaiting, 7),
    (Course::Late, 6),
    (Course::HandedOver, 8),
    (Course::NotAttended, 5),
    (Course::NobodyLooked, 4),
    (Course::Offline, 7),
];
/// Those that take a minute, which a short run does not have.
const LONG_COURSES: [(Course, u64); 2] = [(Course::Resumed, 50), (Course::Forgotten, 50)];
/// So many of a hundred are of these.
const LONG: u64 = 16;

/// What is going to happen in a visit.
#[derive(Debug, Clone)]
pub struct Plan {
    pub number: u64,
    /// One of [`crate::seed::TENANTS`].
    pub tenant: usize,
    pub course: Course,
    /// The clinician comes before letting the patient in.
    pub clinician_first: bool,
    /// How many say the same at once.
    pub creators: u64,
    pub enders: u64,
    pub talk: Duration,
}

impl Plan {
    /// `long`: also courses that take a minute.
    pub fn draw(number: u64, chance: &Chance, long: bool) -> Self {
        let tenant = usize::from(chance.percent(50));
        let course = match long && chance.percent(LONG) {
            true => chance.weighted(&LONG_COURSES, Course::Resumed),
            false => chance.weighted(&COURSES, Course::Talked),
        };
        Self {
            number,
            tenant,
            course,
            clinician_first: chance.percent(30),
            creators: chance.weighted(&[(1, 70), (2, 20), (3, 10)], 1),
            enders: chance.weighted(&[(1, 50), (2, 25), (4, 25)], 1),
            talk: chance.milliseconds(1100, 2600),
        }
    }

    /// By this a visit is found again, whatever became of its id.
    pub fn appointment(&self) -> String {
        format!("chaos-{}", self.number)
    }

    pub fn begins(&self) -> bool {
        use Course::{Brief, Forgotten, HandedOver, Late, Resumed, Talked};
        matches!(self.course, Brief | Forgotten | HandedOver | Late | Resumed | Talked)
    }

    pub fn has_link(&self) -> bool {
        self.begins() || matches!(self.course, Course::CalledOffWaiting | Course::NeverBegan)
    }

    /// How long from now the visit is planned, in minutes.
    pub fn planned_in(&self) -> i64 {
        match self.course {
            Course::NotAttended => -5,
            // An hour after that, it is a no-show.
            Course::NobodyLooked => -70,
            _ => 5,
        }
    }

    /// What is to become of it.
    pub fn status(&self) -> &'static str {
        match self.course {
            Course::CalledOff | Course::CalledOffWaiting => "cancelled",
            Course::NotAttended | Course::NobodyLooked => "no_show",
            Course::Offline => "responded",
            _ => "ended",
        }
    }

    /// The events of a visit that went as planned, in their order. One that is written offline has others.
    pub fn life(&self, chargeable: bool) -> Vec<&'static str> {
        let mut life = vec!["created"];
        if self.has_link() {
            life.push("join_token_issued");
            if self.course == Course::Late {
                life.extend(["patient_delayed", "rescheduled"]);
            }
            life.push("joined");
        }
        if self.begins() {
            life.extend(["joined", "admitted", "started"]);
        }
        match self.course {
            Course::Resumed => life.extend(["disconnected", "failed", "joined", "resumed"]),
            Course::Forgotten => life.extend(["disconnected", "disconnected"]),
            Course::HandedOver => life.extend(["invited", "joined", "disconnected"]),
            _ => {}
        }
        life.push(self.status());
        if chargeable {
            life.push("session_chargeable");
        }
        life
    }
}
