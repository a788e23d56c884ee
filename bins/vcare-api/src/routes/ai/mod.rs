//! What machines do for a visit: one route a file. What goes in and out here is a patient's, and none of it can be printed.

pub mod accept_summary;
pub mod summary;
pub mod transcribe;
