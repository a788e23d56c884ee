//! The visit by example: its state machine as a table, then each command.

mod by_itself;
mod connection;
mod ending;
mod invitations;
mod medium;
mod people;
mod planned_time;
mod saving;
mod state_machine;
pub(crate) mod support;
mod together;
mod video_room;
mod waiting_room;
