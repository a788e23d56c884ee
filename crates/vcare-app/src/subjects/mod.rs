//! A patient's rights: what is ordered about their data, and erasing it.

mod erase;
mod order;
mod show;

pub use erase::{ErasureOutcome, ErasureReceipt};
pub use order::SubjectCommand;
pub use show::SubjectView;
