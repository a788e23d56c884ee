//! The realm that operators import, against what the service reads of a token.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vcare_adapters_http::AccessTokenConfig;
use vcare_boot::IdentityConfig;
use vcare_domain::Role;

use super::{json_of, realm_file};

fn all<'a>(value: &'a Value, list: &str) -> &'a Vec<Value> {
    value[list].as_array().unwrap_or_else(|| panic!("there are no {list}"))
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} of {value}"))
}

/// The clients that get tokens: for people, or for themselves.
fn clients_with_tokens(realm: &Value) -> Vec<&Value> {
    let gets = |client: &&Value| client["standardFlowEnabled"] == true || client["serviceAccountsEnabled"] == true;
    all(realm, "clients").iter().filter(gets).collect()
}

fn mappers<'a>(client: &'a Value, kind: &str) -> Vec<&'a Value> {
    let mappers = all(client, "protocolMappers").iter();
    mappers.filter(|mapper| mapper["protocolMapper"] == kind).map(|mapper| &mapper["config"]).collect()
}

#[test]
fn the_realms_mappers_write_the_claims_that_the_service_reads() {
    let realm = json_of(&realm_file());
    let identity: IdentityConfig = serde_json::from_value(json!({"issuer": "https://id.example/realms/one"})).unwrap();
    let read = AccessTokenConfig::new(&identity.audience);
    let beside_tenant = ["patient_id", "patientId", "context_node_id", "node_id"];
    let clients = clients_with_tokens(&realm);
    assert_eq!(clients.len(), 2);
    for client in clients {
        let id = text(client, "clientId");
        let audiences = mappers(client, "oidc-audience-mapper");
        let audiences: Vec<&str> = audiences.iter().map(|config| text(config, "included.client.audience")).collect();
        assert_eq!(audiences, [identity.audience.as_str()], "{id}");
        let mut claims: Vec<&Value> = mappers(client, "oidc-usermodel-attribute-mapper");
        claims.extend(mappers(client, "oidc-hardcoded-claim-mapper"));
        assert_eq!(claims.len() + 1, all(client, "protocolMappers").len(), "{id} has a mapper of another kind");
        let names: Vec<&str> = claims.iter().map(|config| text(config, "claim.name")).collect();
        let (tenant, rest): (Vec<&str>, Vec<&str>) =
            names.into_iter().partition(|name| read.tenant_claims.iter().any(|claim| claim == name));
        assert_eq!(tenant.len(), 1, "{id} says once of which tenant somebody is");
        assert!(rest.iter().all(|name| beside_tenant.contains(name)), "{id}: {rest:?}");
        for config in claims {
            assert_eq!(text(config, "jsonType.label"), "String", "{id}");
        }
        for mapper in all(client, "protocolMappers") {
            assert_eq!(text(&mapper["config"], "access.token.claim"), "true", "{id}: {mapper}");
        }
        // Keycloak's own scopes: `sub` is of `basic`, `realm_access.roles` of `roles`, `name` of `profile`.
        let scopes = all(client, "defaultClientScopes");
        for scope in ["basic", "roles", "profile"] {
            assert!(scopes.contains(&json!(scope)), "{id} has no scope {scope}");
        }
        assert!(client["fullScopeAllowed"] == true, "{id}: else a token has no roles");
    }
    // With a list of scopes in the file Keycloak makes none of its own.
    assert_eq!(realm.get("clientScopes"), None);
    assert!(read.role_claims.iter().any(|claim| claim == "realm_access.roles"));
}

#[test]
fn the_realm_has_every_role_that_the_service_knows() {
    let realm = json_of(&realm_file());
    let given: BTreeSet<&str> = all(&realm["roles"], "realm").iter().map(|role| text(role, "name")).collect();
    assert_eq!(given, Role::ALL.iter().map(|role| role.as_str()).collect());
}

/// Who can write the attribute that says which patient they are is any patient.
#[test]
fn nobody_sets_their_own_tenant_or_patient() {
    let realm = json_of(&realm_file());
    let profile = &realm["components"]["org.keycloak.userprofile.UserProfileProvider"][0];
    assert_eq!(profile["providerId"], "declarative-user-profile");
    let profile = profile["config"]["kc.user.profile.config"][0].as_str().unwrap();
    let profile: Value = serde_json::from_str(profile).unwrap();
    // What is not named here cannot be set at all.
    assert!(profile.get("unmanagedAttributePolicy").is_none_or(|policy| policy == "DISABLED"));
    let groups = all(&realm, "groups");
    for client in clients_with_tokens(&realm) {
        for config in mappers(client, "oidc-usermodel-attribute-mapper") {
            let attribute = text(config, "user.attribute");
            let of_group = groups.iter().all(|group| group["attributes"][attribute].is_array());
            let of_user = all(&profile, "attributes").iter().find(|known| known["name"] == attribute);
            match of_user {
                Some(known) => assert_eq!(known["permissions"]["edit"], json!(["admin"]), "{attribute}"),
                None => assert!(of_group, "nobody has the attribute {attribute}"),
            }
        }
    }
    let public: Vec<&Value> = all(&realm, "clients").iter().filter(|client| client["publicClient"] == true).collect();
    for client in public {
        assert_eq!(client["attributes"]["pkce.code.challenge.method"], "S256", "{client}");
    }
    let everything = realm.to_string();
    assert!(!everything.contains("\"secret\"") && !everything.contains("\"credentials\""), "a secret is in the file");
}
