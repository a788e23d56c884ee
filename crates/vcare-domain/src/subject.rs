//! The Subject aggregate: what the law asks for about the data of one patient.
//!
//! A legal hold wins over erasure, and erasure over retention. Data that must be kept for longer is restricted instead of erased.

use time::OffsetDateTime;

use crate::session::Outcome;
use crate::text::PatientId;

/// Who ordered something about a patient's data, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectOrder {
    /// The account of the data-protection officer, or the operator.
    pub by: String,
    /// When.
    pub at: OffsetDateTime,
}

/// What the law asks for about the data of one patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The patient.
    pub patient_id: PatientId,
    /// A legal hold: nothing is erased, also nothing whose retention is over.
    pub held: Option<SubjectOrder>,
    /// Restricted: only people who treat the patient read it, with a reason.
    pub restricted: Option<SubjectOrder>,
    /// Erased: what was written is gone, and nothing new is written.
    pub erased: Option<SubjectOrder>,
}

/// What decides whether a patient may be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErasureFacts {
    /// Visits that are not over, and visits for which something is still owed to a neighbour.
    pub unfinished_visits: u64,
    /// Until when clinical records about the patient must be kept; `None` when there are none.
    pub kept_until: Option<OffsetDateTime>,
}

/// What came of an order to erase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure {
    /// Erased now.
    Erased,
    /// It was erased before.
    AlreadyErased,
    /// Clinical records must be kept until then: the data is restricted.
    RestrictedUntil(OffsetDateTime),
}

/// Why an order was refused; nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubjectRefusal {
    /// There is a legal hold.
    #[error("there is a legal hold on the patient's data since {since}")]
    Held {
        /// Since when.
        since: OffsetDateTime,
    },
    /// Something is not over.
    #[error("{count} visits of the patient are not over, or are still owed to the chart or to billing")]
    Unfinished {
        /// How many visits.
        count: u64,
    },
    /// The patient was erased.
    #[error("the patient was erased at {at}")]
    Erased {
        /// When.
        at: OffsetDateTime,
    },
}

impl Subject {
    /// A patient about whom nothing was ordered.
    #[must_use]
    pub const fn new(patient_id: PatientId) -> Self {
        Self { patient_id, held: None, restricted: None, erased: None }
    }

    /// Puts a legal hold on the data.
    ///
    /// # Errors
    /// [`SubjectRefusal::Erased`].
    pub fn hold(&mut self, order: SubjectOrder) -> Result<Outcome, SubjectRefusal> {
        self.is_kept()?;
        Ok(set(&mut self.held, order))
    }

    /// Restricts who reads the data.
    ///
    /// # Errors
    /// [`SubjectRefusal::Erased`].
    pub fn restrict(&mut self, order: SubjectOrder) -> Result<Outcome, SubjectRefusal> {
        self.is_kept()?;
        Ok(set(&mut self.restricted, order))
    }

    /// Ends a legal hold and a restriction.
    ///
    /// # Errors
    /// [`SubjectRefusal::Erased`].
    pub fn release(&mut self) -> Result<Outcome, SubjectRefusal> {
        self.is_kept()?;
        if self.held.is_none() && self.restricted.is_none() {
            return Ok(Outcome::AlreadyApplied);
        }
        (self.held, self.restricted) = (None, None);
        Ok(Outcome::Applied)
    }

    /// Erases the data, or restricts it while clinical records must be kept.
    ///
    /// # Errors
    /// [`SubjectRefusal::Held`]; [`SubjectRefusal::Unfinished`].
    pub fn erase(&mut self, facts: ErasureFacts, order: SubjectOrder) -> Result<Erasure, SubjectRefusal> {
        if self.erased.is_some() {
            return Ok(Erasure::AlreadyErased);
        }
        if let Some(held) = &self.held {
            return Err(SubjectRefusal::Held { since: held.at });
        }
        if facts.unfinished_visits > 0 {
            return Err(SubjectRefusal::Unfinished { count: facts.unfinished_visits });
        }
        if let Some(until) = facts.kept_until.filter(|until| *until > order.at) {
            let _ = set(&mut self.restricted, order);
            return Ok(Erasure::RestrictedUntil(until));
        }
        self.erased = Some(order);
        self.restricted = None;
        Ok(Erasure::Erased)
    }

    fn is_kept(&self) -> Result<(), SubjectRefusal> {
        match &self.erased {
            Some(order) => Err(SubjectRefusal::Erased { at: order.at }),
            None => Ok(()),
        }
    }
}

/// Sets a mark, unless it is there.
fn set(mark: &mut Option<SubjectOrder>, order: SubjectOrder) -> Outcome {
    if mark.is_some() {
        return Outcome::AlreadyApplied;
    }
    *mark = Some(order);
    Outcome::Applied
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);
    const NOTHING: ErasureFacts = ErasureFacts { unfinished_visits: 0, kept_until: None };

    fn subject() -> Subject {
        Subject::new(PatientId::parse("pat-1").unwrap())
    }

    fn order(at: OffsetDateTime) -> SubjectOrder {
        SubjectOrder { by: "officer".to_owned(), at }
    }

    #[test]
    fn a_hold_wins_over_erasure_until_it_is_released() {
        let mut subject = subject();
        assert_eq!(subject.hold(order(NOON)), Ok(Outcome::Applied));
        assert_eq!(subject.hold(order(NOON + Duration::DAY)), Ok(Outcome::AlreadyApplied));
        assert_eq!(subject.erase(NOTHING, order(NOON)), Err(SubjectRefusal::Held { since: NOON }));
        assert_eq!(subject.release(), Ok(Outcome::Applied));
        assert_eq!(subject.erase(NOTHING, order(NOON)), Ok(Erasure::Erased));
    }

    #[test]
    fn clinical_records_that_must_be_kept_are_restricted_instead_of_erased() {
        let (mut subject, until) = (subject(), NOON + Duration::days(3650));
        let facts = ErasureFacts { kept_until: Some(until), ..NOTHING };
        assert_eq!(subject.erase(facts, order(NOON)), Ok(Erasure::RestrictedUntil(until)));
        assert_eq!((subject.restricted.as_ref(), subject.erased.as_ref()), (Some(&order(NOON)), None));
        assert_eq!(subject.erase(facts, order(until)), Ok(Erasure::Erased));
        assert_eq!(subject.restricted, None);
    }

    #[test]
    fn nobody_is_erased_while_a_visit_goes_on() {
        let facts = ErasureFacts { unfinished_visits: 2, ..NOTHING };
        assert_eq!(subject().erase(facts, order(NOON)), Err(SubjectRefusal::Unfinished { count: 2 }));
    }

    #[test]
    fn after_erasure_nothing_is_ordered_any_more() {
        let mut subject = subject();
        assert_eq!(subject.erase(NOTHING, order(NOON)), Ok(Erasure::Erased));
        assert_eq!(subject.erase(NOTHING, order(NOON + Duration::DAY)), Ok(Erasure::AlreadyErased));
        let refused = Err(SubjectRefusal::Erased { at: NOON });
        assert_eq!(subject.hold(order(NOON)), refused);
        assert_eq!(subject.restrict(order(NOON)), refused);
        assert_eq!(subject.release(), refused);
        assert_eq!(subject.erased, Some(order(NOON)));
    }
}
