//! VCARE-US-013: written offline, sent over days of bad links, answered by a clinician, documented and charged.

mod addendum;
mod bad_input;
mod consent;
mod continued;
mod crash;
mod encounter;
mod merged;
mod review;
mod storm;
mod submit;
mod sync;
