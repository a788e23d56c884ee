//! identity-service: whether a tenant has licensed virtual care.

use serde_json::json;
use vcare_adapters_http::HttpLicenceCheck;
use vcare_app::ports::{LicenceCheck, LicenceStatus};
use vcare_domain::NodeId;
use vcare_testkit::pacts::{Interaction, Matcher, Response, Rules};

use crate::contract::{Contract, ours};
use crate::kabul;
use crate::support::{client, neighbour, trace};

const PATH: &str = "/internal/identity/tenants/kabul/modules/TELEMED-VC";

fn licence(status: &str) -> Response {
    let rules = Rules::new().body("$.status", Matcher::regex(&format!("^{status}$")));
    Response::json(200, "application/json", json!({"module": "TELEMED-VC", "tenantId": "kabul", "status": status}))
        .matching(rules)
}

#[tokio::test]
async fn the_contract_with_identity_service_tells_every_licence() {
    let mut contract = Contract::with("identity-service");
    let no_licence = Response::new(404);
    for (state, response, expected) in [
        ("active", licence("active"), LicenceStatus::Active),
        ("suspended", licence("suspended"), LicenceStatus::Inactive),
        ("expired", licence("expired"), LicenceStatus::Inactive),
        ("none", no_licence, LicenceStatus::Inactive),
    ] {
        let interaction = Interaction::new("the licence of a tenant", ours("GET", PATH), response)
            .given("a tenant's licence is", &json!({"tenantId": "kabul", "status": state}));
        let told = contract.says([interaction], async |port| {
            let check = HttpLicenceCheck::new(client(), neighbour(&format!("http://127.0.0.1:{port}")));
            check.check(&kabul(), None, &trace()).await
        });
        assert_eq!(told.await, Ok(expected), "{state}");
    }
    let of_a_node = Interaction::new(
        "the licence of a tenant for one facility",
        ours("GET", PATH).query("nodeId", "node-1"),
        licence("active"),
    )
    .given("a tenant's licence is", &json!({"tenantId": "kabul", "status": "active"}));
    let told = contract.says([of_a_node], async |port| {
        let check = HttpLicenceCheck::new(client(), neighbour(&format!("http://127.0.0.1:{port}")));
        check.check(&kabul(), Some(&NodeId::parse("node-1").unwrap()), &trace()).await
    });
    assert_eq!(told.await, Ok(LicenceStatus::Active));
    contract.must_be_committed();
}
