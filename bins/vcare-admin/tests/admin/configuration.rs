//! The configuration: what can be set, as the tool and the documentation say it.

use vcare_testkit::must_be_committed;

use crate::{PASSWORD, Settings, admin};

const PAGE: &str = "docs/configuration.md";
/// What stands before and after what the code writes.
const WRITTEN: &str = "<!-- written by the code: just contracts -->\n\n";
const AFTER: &str = "\n## Other variables\n";

fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md")).unwrap()
}

#[test]
fn the_documented_settings_are_those_of_the_code() {
    let reference = admin(&["config", "reference"], &[]);
    assert_eq!(reference.code, 0, "{reference:?}");
    let page = page();
    let (before, rest) = page.split_once(WRITTEN).unwrap();
    let (_, after) = rest.split_once(AFTER).unwrap();
    must_be_committed(PAGE, &format!("{before}{WRITTEN}{}{AFTER}{after}", reference.out));
}

#[test]
fn the_documented_example_is_a_good_configuration() {
    let page = page();
    let (_, rest) = page.split_once("## An example").unwrap();
    let example = rest.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let settings = Settings::whole("documented_example", &example.replace("/etc/vcare/nats-ca.pem", file!()));
    let file = settings.0.to_str().unwrap();
    let database = format!("postgres://vcare_service:{PASSWORD}@db.internal/virtual_care?sslmode=require");
    let checked = admin(
        &["config", "check"],
        &[("VCARE_CONFIG_FILE", file), ("VCARE_NATS__PASSWORD", PASSWORD), ("VCARE_DATABASE__URL", &database)],
    );
    assert_eq!((checked.code, checked.out.trim()), (0, "the configuration is good"), "{checked:?}");
}

#[test]
fn the_tokens_of_shared_servers_can_be_given_by_a_variable() {
    let settings = Settings::with("shared_servers", &format!("postgres://vcare:{PASSWORD}@db/virtual_care"), "");
    let check = |servers: &str| {
        let file = settings.0.to_str().unwrap();
        admin(&["config", "check"], &[("VCARE_CONFIG_FILE", file), ("VCARE_INTERNAL__SHARED_SERVERS", servers)])
    };
    let token = PASSWORD.repeat(5);
    for servers in [
        format!("[{{token = \"{token}\", tenants = [\"hosp-kabul\", \"hosp-herat\"]}}]"),
        format!("[{{token=\"{token}\",tenants=[\"hosp-kabul\"]}},{{token=\"{token}x\",tenants=[\"hosp-kabul\"]}}]"),
    ] {
        let checked = check(&servers);
        assert_eq!((checked.code, checked.out.trim()), (0, "the configuration is good"), "{checked:?}");
    }
    let checked = check(&format!("[{{token = \"{token}\", tenants = []}}]"));
    assert!(checked.code == 1 && checked.err.contains("internal.shared_servers[0]: tenants:"), "{checked:?}");
}
