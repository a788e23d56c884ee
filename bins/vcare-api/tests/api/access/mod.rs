//! Who may see, enter and change a visit inside a tenant, and who looked.

mod attachments;
mod audit_crash;
mod doors;
mod emergency;
mod links;
mod looking;
mod matrix;
pub mod people;
mod reasons;
mod views;
