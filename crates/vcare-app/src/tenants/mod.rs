//! How tenants hold their visits.

mod configure;
mod delete;
mod logo;
mod patch;
mod secrets;
mod settings;
mod test_connection;

pub use configure::{ConfigChange, ConfigCondition, Configured, Edit};
pub use logo::LogoPorts;
pub use patch::{CREDENTIAL_MASK, Credential, TenantConfigPatch};
pub use settings::settings;
