//! The pages that problems lead to by their `type`, and what names one problem among all.

use std::collections::BTreeSet;

use reqwest::Method;
use vcare_api::problem::Code;

use crate::support::{Answer, TestApp};

async fn page(app: &TestApp, method: Method, path: &str) -> Answer {
    app.send(app.request(method, &format!("/{path}"))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_is_the_address_of_a_page_about_it_that_anybody_may_read() {
    let app = TestApp::start().await;
    let index = page(&app, Method::GET, "/api/v1/virtual-care/problems").await.expect(200);
    let index = String::from_utf8(index.bytes).unwrap();
    for code in Code::ALL {
        let address = code.type_uri();
        let answer = page(&app, Method::GET, &address).await.expect(200);
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{address}");
        assert_eq!(answer.header("cache-control"), "public, max-age=3600");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let text = String::from_utf8(answer.bytes).unwrap();
        for said in [format!("<h1>{}</h1>", code.title()), format!("<code>{}</code>", code.as_str())] {
            assert!(text.contains(&said), "{address} does not say {said}");
        }
        assert!(text.contains(&format!("&quot;type&quot;: &quot;{address}&quot;")), "{address} has no example");
        assert!(!text.contains("<script") && !text.contains("style="), "{address}");
        assert!(index.contains(&format!("href=\"problems/{}\"", code.page())), "{address} is not in the index");
        assert!(page(&app, Method::HEAD, &address).await.expect(200).is_of_head(), "{address}");
    }
    for unknown in ["nothing", "VALIDATION_ERROR", "validation_error", "Validation-Error", "%3Cscript%3E"] {
        page(&app, Method::GET, &format!("/api/v1/virtual-care/problems/{unknown}")).await.refused(404, "NOT_FOUND");
    }
}

#[test]
fn every_code_has_a_title_of_its_own() {
    let titles: BTreeSet<&str> = Code::ALL.iter().map(|code| code.title()).collect();
    assert_eq!(titles.len(), Code::ALL.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_the_requests_uuid_and_absent_where_the_callers_id_is_none() {
    let app = TestApp::start().await;
    let with = async |id: &str| {
        let request = app.request(Method::GET, "/sessions").header("X-Request-Id", id);
        app.send(request).await.refused(401, "UNAUTHORIZED").body
    };
    let uuid = "019AC2F4-7a51-7c3e-9d0b-5f3a2e8c1b46";
    let named = with(uuid).await;
    assert_eq!(named["requestId"], uuid);
    assert_eq!(named["instance"], format!("urn:uuid:{}", uuid.to_lowercase()));
    for id in ["01KA8Z0Q3CJ9XW2V5T7N4B6M8R", "019ac2f47a517c3e9d0b5f3a2e8c1b46"] {
        let named = with(id).await;
        assert_eq!((named["requestId"].as_str(), named.get("instance")), (Some(id), None));
    }
    // An id that cannot be taken is replaced by one of ours.
    let own = with("a b").await;
    assert_eq!(own["instance"], format!("urn:uuid:{}", own["requestId"].as_str().unwrap()));
}
