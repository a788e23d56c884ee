//! The application: one verb, one file under [`sessions`] and [`async_visits`]; the traits it needs from the world under [`ports`]; the
//! events it publishes under [`events`].
//!
//! A use case checks the caller's permission, asks the gates, and tells the aggregate what to do inside one named
//! transaction. It never branches on an aggregate's state, and no network call stands between begin and commit.

pub mod access;
mod actor;
pub mod ai;
mod app;
pub mod async_visits;
pub mod authorisation;
mod breaker;
mod consents;
pub mod encounters;
mod error;
pub mod events;
mod gates;
mod idempotency;
mod in_line;
pub mod jobs;
mod lists;
pub mod operations;
pub mod ports;
pub mod relay;
pub mod rooms;
pub mod sessions;
pub mod spans;
pub mod subjects;
pub mod tenants;
pub mod threads;
pub mod timestamp;
mod transaction;
pub mod uploads;
pub mod waiting;

pub use access::{Access, ViewedAsyncVisit, ViewedSession, Viewer};
pub use actor::{ActorRef, Caller, Role, Scope, TraceContext};
pub use app::{AiNeighbours, App, Neighbours, Settings};
pub use breaker::{Breaker, Permit};
pub use consents::{ConsentHolder, ConsentRecord, ReliedOnConsent};
pub use error::{AppError, JoinTokenFault, Resource};
pub use gates::{Gate, GateBlock};
pub use idempotency::{Answer, Done, IdempotencyKey, InvalidIdempotencyKey, Once, Wish};
pub use in_line::InLine;
