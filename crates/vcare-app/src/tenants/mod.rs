//! How tenants hold their visits.

mod configure;
mod patch;
mod settings;
mod secrets;
mod test_connection;

pub use configure::Configured;
pub use patch::{CREDENTIAL_MASK, Credential, TenantConfigPatch};
pub use settings::settings;
