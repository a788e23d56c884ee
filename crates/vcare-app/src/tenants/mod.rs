//! How tenants hold their visits.

mod set;
