//! What is read, and how what is wrong is told.

use super::*;

const GOOD: &str = r#"
        profile = "development"
        [api]
        client_address_header = "X-Real-IP"
        [links]
        public_base_url = "https://care.example"
        [database]
        url = "postgres://vcare:hunter2@db/virtual_care?sslmode=require"
        [nats]
        servers = ["nats://nats:4222"]
        [identity]
        issuer = "https://id.example/realms/ghasi"
        [licence]
        base_url = "http://identity:3000"
        [consent]
        base_url = "http://access:3000"
        [fhir]
        base_url = "http://fhir:3000/fhir/R4"
        bearer_token = 12345
        [communication]
        base_url = "http://communication:3000"
        [scanner]
        address = "clamd:3310"
        [keyring]
        file = "/etc/vcare/master.key"
    "#;

fn read(text: &str) -> Result<Config, ConfigError> {
    Config::from_toml(text)
}

#[test]
fn what_is_not_given_has_its_default() {
    let config = read(GOOD).unwrap();
    assert_eq!(config.api.listen.to_string(), "127.0.0.1:3031");
    assert_eq!(config.database.max_connections, 16);
    assert_eq!(config.worker.batch, 1000);
    assert_eq!(config.nats.stream_max_age().as_secs(), 30 * 24 * 3600);
}

#[test]
fn a_secret_is_never_printed_and_may_look_like_a_number() {
    let config = read(GOOD).unwrap();
    let printed = format!("{config:?}");
    assert!(!printed.contains("hunter2") && !printed.contains("12345"), "{printed}");
}

#[test]
fn every_problem_is_named_and_no_value_is_repeated() {
    let table = [
        ("profile = \"development\"", "profile = \"play\"", "profile: expected one of production, development"),
        ("[keyring]", "[keyring]\nfiel = \"x\"", "keyring.fiel: there is no such setting"),
        ("issuer =", "isuer =", "identity.isuer: there is no such setting"),
        ("bearer_token", "baerer_token", "fhir.baerer_token: there is no such setting"),
        (
            "url = \"postgres://vcare:hunter2@db/virtual_care?sslmode=require\"",
            "url = \"mysql://hunter2@db\"",
            "database.url:",
        ),
        ("\"nats://nats:4222\"", "\"http://hunter2\"", "nats.servers: NATS server 0"),
        ("[identity]", "stream_max_age_days = 0\n[identity]", "nats.stream_max_age_days: must be 1 to 3650"),
        ("[identity]", "stream_max_age_days = 3651\n[identity]", "nats.stream_max_age_days: must be 1 to 3650"),
        ("\"https://care.example\"", "\"hunter2\"", "links.public_base_url:"),
        ("\"http://access:3000\"", "\"ftp://hunter2\"", "consent.base_url:"),
        ("[keyring]", "[otlp]\nbase_url = \"hunter2\"\n[keyring]", "otlp.base_url: must be"),
        ("[keyring]", "[otlp]\nbase_url = \"http://c\"\nqueue = 0\n[keyring]", "otlp.queue: must be at least 1"),
        ("[keyring]", "[worker]\nbatch = 0\n[keyring]", "worker.batch: must be at least 1"),
        ("[keyring]", "[waiting]\nlongest_seconds = 61\n[keyring]", "waiting.longest_seconds: must be 1 to 60"),
        ("[keyring]", "[waiting]\npolls_per_token = 0\n[keyring]", "waiting.polls_per_token: must be at least 1"),
        ("[keyring]", "[waiting]\nwatch_ms = 0\n[keyring]", "waiting.watch_ms: must be at least 1"),
        ("[database]", "short_codes_per_minute = 0\n[database]", "links.short_codes_per_minute: must be at least 1"),
        ("X-Real-IP", "hunter 2", "api.client_address_header: expected"),
        ("[keyring]", "[worker]\nlease_seconds = 24\n[keyring]", "worker.lease_seconds: must be 25 (fhir.deadline_ms"),
        ("[keyring]", "[worker]\nlease_seconds = 241\n[keyring]", "to record the answer) to 240"),
    ];
    for (from, to, expected) in table {
        let told = read(&GOOD.replace(from, to)).unwrap_err().to_string();
        assert!(told.contains(expected), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn variables_that_are_not_meant_for_us_are_passed_over() {
    for other in ["CONFIG_FILE", "NATS_SERVER", "TEST_POSTGRES", "API_PORT", "API_PORT_3031_TCP", "API_SERVICE_HOST"] {
        assert!(is_somebody_elses(other), "{other}");
    }
    for ours in ["DATABASE__URL", "DATABASE_URL", "PROFILE", "API__LISTEN", "NATS__SERVERS"] {
        assert!(!is_somebody_elses(ours), "{ours}");
    }
}

#[test]
fn in_production_a_database_on_another_host_is_reached_by_tls_or_plaintext_is_allowed_by_name() {
    let production = format!("{}\nallow_local_in_production = true", GOOD.replace("\"development\"", "\"production\""));
    assert!(read(&production).is_ok());
    for plain in ["", "?sslmode=prefer", "?sslmode=disable"] {
        let plain = production.replace("?sslmode=require", plain);
        let told = read(&plain).unwrap_err().to_string();
        assert!(told.contains("database.url: patients' data would go to another host unencrypted"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
        let allowed = plain.replace("[database]", "[database]\nallow_plaintext_in_production = true");
        assert!(read(&allowed).is_ok(), "{allowed}");
        assert!(read(&plain.replace("\"production\"", "\"development\"")).is_ok());
        assert!(read(&plain.replace("@db/", "@127.0.0.1/")).is_ok());
    }
    let told = read(&GOOD.replace("sslmode=require", "sslmode=verify")).unwrap_err().to_string();
    assert!(told.contains("database.url: sslmode: expected disable, prefer, require"), "{told}");
    let told = read(&format!("{GOOD}\n[tls]\nca_file = \"/nowhere/ca.pem\"")).unwrap_err().to_string();
    assert!(told.contains("tls.ca_file: /nowhere/ca.pem"), "{told}");
}

#[test]
fn in_production_a_local_keyring_must_be_allowed_by_name() {
    let production = GOOD.replace("\"development\"", "\"production\"");
    assert!(read(&production).unwrap_err().to_string().contains("keyring.allow_local_in_production"));
    assert!(read(&format!("{production}\nallow_local_in_production = true")).is_ok());
}

#[test]
fn a_shared_server_acts_for_the_tenants_that_are_named_with_it_and_the_old_token_for_all_is_told_about() {
    let token = "hunter2-hunter2-hunter2-hunter2-hunter2";
    let with = |settings: &str| read(&GOOD.replace("[keyring]", &format!("[internal]\n{settings}\n[keyring]")));
    let server = |token: &str, tenants: &str| format!("{{ token = \"{token}\", tenants = {tenants} }}");
    let servers = |of: &[String]| with(&format!("shared_servers = [{}]", of.join(", ")));
    let good = server(token, "[\"hosp-kabul\", \"Hosp.Herat\"]");
    let config = servers(std::slice::from_ref(&good)).unwrap();
    let (_, served) = config.internal.shared_servers().next().unwrap();
    let tenant = |name| vcare_domain::TenantId::parse(name).unwrap();
    assert!(served.include(&tenant("hosp-kabul")) && served.include(&tenant("Hosp.Herat")));
    assert!(!served.include(&tenant("hosp-herat")));
    assert!(with("bearer_tokens = []").is_ok(), "with none there is nothing to move");
    for (refused, expected) in [
        (with(&format!("bearer_tokens = [\"{token}\"]")), "vcare-admin secret reveal <tenant> --internal"),
        (servers(&[server(token, "[]")]), "internal.shared_servers[0]: tenants: must name at least one"),
        (servers(&[good.clone(), server("hunter2", "[\"a\"]")]), "shared_servers[1]: token: at least 32"),
        (servers(&[server(&format!("vci_{token}"), "[\"a\"]")]), "shared_servers[0]: token: is a tenant's own"),
        (servers(&[good.clone(), good]), "shared_servers[1]: token: is another server's, too"),
        (servers(&[server(token, "[\"a\", \"*\"]")]), "shared_servers[0]: tenants: one of them is no tenant's name"),
        (with(&format!("shared_servers = [{{ token = \"{token}\" }}]")), "tenants: is missing"),
    ] {
        let told = refused.unwrap_err().to_string();
        assert!(told.contains(expected) && !told.contains("hunter2"), "{told}");
    }
}

/// The same without a keyring, and these settings of `[kms]`.
fn with_kms(settings: &str) -> String {
    let (before, _) = GOOD.split_once("[keyring]").unwrap();
    format!("{}\n[kms]\n{settings}", before.replace("\"development\"", "\"production\""))
}

#[test]
fn with_keys_in_aws_no_keyring_is_needed_nor_allowed_by_name() {
    let config = read(&with_kms(
        "provider = \"aws\"\nregion = \"eu-central-1\"\nkey_id = \"alias/vcare\"\nmac_key_id = \"alias/vcare-mac\"",
    ));
    let (aws, _) = config.unwrap().kms.aws().unwrap();
    assert_eq!((aws.key_id.as_str(), aws.mac_key_id.as_str()), ("alias/vcare", "alias/vcare-mac"));
    assert_eq!(aws.deadline, std::time::Duration::from_secs(2));
}

#[test]
fn every_problem_of_the_keys_is_named() {
    let aws = "provider = \"aws\"\nregion = \"eu-central-1\"\nkey_id = \"a\"\nmac_key_id = \"b\"";
    let told = read(&with_kms("provider = \"aws\"")).unwrap_err().to_string();
    for name in ["region", "key_id", "mac_key_id"] {
        assert!(told.contains(&format!("kms.{name}: is needed")), "{told}");
    }
    let table = [
        ("provider = \"local\"".to_owned(), "keyring: is missing"),
        ("provider = \"gcp\"".to_owned(), "kms.provider: expected one of local, aws"),
        (aws.replace("\"b\"", "\"a\""), "kms.mac_key_id: a key either seals or derives"),
        (aws.replace("\"a\"", "\"\""), "kms.key_id: is needed"),
        (format!("{aws}\nendpoint_url = \"http://kms.example\""), "kms.endpoint_url: expected an https address"),
        (format!("{aws}\nendpoint_url = \"https://\""), "kms.endpoint_url: expected an https address"),
        (format!("{aws}\ndeadline_ms = 100"), "kms.attempt_deadline_ms: expected 1 to kms.deadline_ms"),
        (format!("{aws}\nattempt_deadline_ms = 0"), "kms.attempt_deadline_ms: expected 1"),
        (format!("{aws}\nstale_seconds = 86401"), "kms.stale_seconds: expected 0 to 86400"),
        (format!("{aws}\ncache_ttl_seconds = 0"), "kms.cache_ttl_seconds: expected 1 to 86400"),
        (format!("{aws}\nversions_ttl_seconds = 0"), "kms.versions_ttl_seconds: expected 1 to 86400"),
        (format!("{aws}\naccess_key_id = \"a\""), "kms.access_key_id: comes with kms.secret_access_key"),
        (format!("{aws}\nkeyid = \"a\""), "kms.keyid: there is no such setting"),
    ];
    for (settings, expected) in table {
        let told = read(&with_kms(&settings)).unwrap_err().to_string();
        assert!(told.contains(expected), "{settings}: {told}");
    }
    assert!(read(&with_kms(&format!("{aws}\nendpoint_url = \"http://127.0.0.1:4566\""))).is_ok());
}
