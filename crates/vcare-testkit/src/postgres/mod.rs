//! PostgreSQL: a private cluster, and a database for each test.

mod cluster;
mod database;
mod programs;

pub use cluster::{Durability, PostgresOptions, PrivatePostgres};
pub use database::{SERVICE_ROLE, TestDatabase};
/// The client that tests look underneath with.
pub use tokio_postgres;
