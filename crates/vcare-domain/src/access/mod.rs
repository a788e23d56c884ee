//! Who may do what to which visit: a pure policy.
//!
//! A decision is made of four things: the caller's roles, the caller's relation to the visit or its patient, the
//! permission that is asked for, and the state of the visit. Roles and most relations are known at once. Three relations
//! are known elsewhere: access-policy knows in whose care a patient is and who acts for a patient, and the store knows who
//! has opened an emergency access. They are asked only when no closer relation answers: [`Decision::Ask`].

#[cfg(test)]
mod model_tests;
mod permission;
mod policy;
mod relation;
mod role;
mod visits;

pub use permission::Permission;
pub use policy::{Decision, Known, Person, decide};
pub use relation::{Audience, Outside, Relation};
pub use role::Role;
pub use visits::VisitFacts;
