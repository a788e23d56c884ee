//! `[tls]`: whom we believe.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// `[tls]`: whom we believe, on every connection that the service makes.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSection {
    /// Certificate authorities to trust beside the system's, PEM: for the database, NATS, neighbours, the OpenID provider,
    /// Jitsi, KMS, the storage and the collector of traces.
    #[schemars(extend("x-default" = "none"))]
    pub ca_file: Option<PathBuf>,
}

impl TlsSection {
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        if let Err(error) = self.roots() {
            problems.push(error);
        }
    }

    /// The authorities, as PEM.
    ///
    /// # Errors
    /// Why the file cannot be read.
    pub(crate) fn roots(&self) -> Result<Option<String>, String> {
        let Some(file) = &self.ca_file else { return Ok(None) };
        std::fs::read_to_string(file).map(Some).map_err(|error| format!("tls.ca_file: {}: {error}", file.display()))
    }
}
