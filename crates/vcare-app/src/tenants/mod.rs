//! How tenants hold their visits.

mod set;
mod test_connection;
