//! Which connections are encrypted.

use vcare_boot::{Config, Service, connection_protection};

use super::Findings;

pub(super) async fn look(config: &Config, service: &Service, found: &mut Findings) {
    database(config, found).await;
    nats(config, service, found);
    let plain = config.plaintext_neighbours();
    if plain.is_empty() {
        found.ok("encryption of neighbours", "by https, or on this machine");
    } else {
        let advice = "use https, unless the network encrypts";
        found.warning("encryption of neighbours", format!("none to another host: {}: {advice}", plain.join(", ")));
    }
}

async fn database(config: &Config, found: &mut Findings) {
    let check = "encryption of database";
    match connection_protection(&config.postgres()).await {
        Ok(way) if way.encrypted || way.insists_on_tls => found.ok(check, "encrypted"),
        Ok(way) if !way.leaves_this_machine => found.ok(check, "not encrypted, on this machine"),
        Ok(_) => found.warning(
            check,
            "not encrypted, to another host: patients' data can be read on the way: add ?sslmode=verify-full to database.url",
        ),
        // The check of the database says why.
        Err(_) => found.warning(check, "unknown without a connection"),
    }
}

fn nats(config: &Config, service: &Service, found: &mut Findings) {
    let check = "encryption of nats";
    if config.nats_insists_on_tls() {
        found.ok(check, "encrypted");
    } else if !config.nats_leaves_this_machine() {
        found.ok(check, "on this machine");
    } else if service.events.health() && service.events.server_wants_tls() {
        let advice = "set nats.ca_file or tls:// in nats.servers, so that it cannot be otherwise";
        found.ok(check, format!("encrypted, as the server wants it: {advice}"));
    } else {
        let advice = "set nats.ca_file or tls:// in nats.servers";
        found.warning(check, format!("not encrypted, to another host: events name patients by id: {advice}"));
    }
}
