//! What the configuration lets go over a network unencrypted.

use super::{Config, is_on_this_machine};

impl Config {
    /// The settings by which a neighbour on another machine is spoken to without encryption: what they say of patients can be
    /// read by who listens in on the way.
    #[must_use]
    pub fn plaintext_neighbours(&self) -> Vec<&'static str> {
        let addresses = [
            ("identity.issuer", Some(&self.identity.issuer)),
            ("identity.jwks_url", self.identity.jwks_url.as_ref()),
            ("licence.base_url", Some(&self.licence.base_url)),
            ("consent.base_url", Some(&self.consent.base_url)),
            ("fhir.base_url", Some(&self.fhir.neighbour.base_url)),
            ("communication.base_url", Some(&self.communication.neighbour.base_url)),
            ("ai.base_url", self.ai.as_ref().map(|ai| &ai.base_url)),
            ("chart.base_url", self.chart.as_ref().map(|chart| &chart.base_url)),
        ];
        let plain = |url: &String| url.starts_with("http://") && !is_on_this_machine(url);
        let plain = addresses.into_iter().filter(|(_, url)| url.is_some_and(plain)).map(|(setting, _)| setting);
        // clamd speaks no TLS.
        let elsewhere =
            self.scanner.address.as_deref().is_some_and(|address| !is_on_this_machine(&format!("http://{address}")));
        plain.chain(elsewhere.then_some("scanner.address")).collect()
    }

    /// Whether the event stream is on another machine than this one.
    #[must_use]
    pub fn nats_leaves_this_machine(&self) -> bool {
        self.nats.adapter(&self.tls).leaves_this_machine()
    }

    /// Whether a connection to the event stream is encrypted, or not made at all.
    #[must_use]
    pub fn nats_insists_on_tls(&self) -> bool {
        self.nats.adapter(&self.tls).insists_on_tls()
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;

    /// A configuration whose neighbours are at those addresses.
    fn config(neighbour: &str, nats: &str, more: &str) -> Config {
        let text = format!(
            r#"
            profile = "development"
            links = {{ public_base_url = "https://care.example" }}
            database = {{ url = "postgres://vcare:word@db/care?sslmode=require" }}
            nats = {{ servers = ["{nats}"] }}
            identity = {{ issuer = "https://id.example/realms/ghasi" }}
            licence = {{ base_url = "{neighbour}" }}
            consent = {{ base_url = "https://access.example" }}
            fhir = {{ base_url = "{neighbour}" }}
            communication = {{ base_url = "https://communication.example" }}
            keyring = {{ file = "master.key" }}
            {more}
            "#
        );
        Config::from_toml(&text).unwrap()
    }

    #[test]
    fn only_what_goes_to_another_host_without_tls_can_be_read_on_the_way() {
        let scanner = "scanner = { address = \"clamd:3310\" }";
        let elsewhere = config("http://gateway.internal", "nats://nats:4222", scanner);
        assert_eq!(elsewhere.plaintext_neighbours(), ["licence.base_url", "fhir.base_url", "scanner.address"]);
        assert!(elsewhere.nats_leaves_this_machine() && !elsewhere.nats_insists_on_tls());
        let here =
            config("http://127.0.0.1:3040", "nats://127.0.0.1:4222", "scanner = { address = \"localhost:3310\" }");
        assert!(here.plaintext_neighbours().is_empty() && !here.nats_leaves_this_machine());
        let encrypted = config("https://gateway.internal", "tls://nats:4222", "");
        assert!(encrypted.plaintext_neighbours().is_empty() && encrypted.nats_insists_on_tls());
    }
}
