//! What is no draft.

use serde_json::{Value, json};

use crate::support::{TestApp, draft};

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_is_none_is_400_naming_each_field_and_leaves_nothing() {
    let app = TestApp::start().await;
    let lists = |n: usize, of: Value| Value::Array(vec![of; n]);
    let cases = [
        ("clientMutationId", json!("1"), "clientMutationId"),
        ("clientMutationId", json!("00000000-0000-0000-0000-000000000000"), "clientMutationId"),
        ("clientMutationId", json!(7), "clientMutationId"),
        ("patientId", json!("a/b"), "patientId"),
        ("appointmentId", json!(""), "appointmentId"),
        ("complaintCode", json!({"system": "icd-10", "code": "R05"}), "complaintCode.system"),
        ("complaintCode", json!({"system": format!("urn:{}", "x".repeat(197)), "code": "R05"}), "complaintCode.system"),
        ("complaintCode", json!({"system": "urn:oid:2.16", "code": ""}), "complaintCode.code"),
        ("complaintCode", json!({"system": "urn:oid:2.16", "code": "R 05"}), "complaintCode.code"),
        ("complaintCode", json!({"system": "urn:oid:2.16", "code": "x".repeat(65)}), "complaintCode.code"),
        (
            "complaintCode",
            json!({"system": "urn:oid:2.16", "code": "R05", "display": "x".repeat(201)}),
            "complaintCode.display",
        ),
        ("chiefComplaint", json!(""), "chiefComplaint"),
        ("chiefComplaint", json!(" \n\u{2003}"), "chiefComplaint"),
        ("chiefComplaint", json!("a\u{0}b"), "chiefComplaint"),
        ("chiefComplaint", json!("د".repeat(8_001)), "chiefComplaint"),
        ("symptoms", json!(["ok", ""]), "symptoms[1]"),
        ("symptoms", json!(["x".repeat(201)]), "symptoms[0]"),
        ("symptoms", lists(51, json!("x")), "symptoms"),
        ("symptoms", json!("x"), "symptoms"),
        ("locale", json!("fa_AF"), "locale"),
        ("authoredAt", json!("2026-11-20 06:15"), "authoredAt"),
        ("authoredAt", json!("2026-11-20T06:15:00"), "authoredAt"),
        ("authoredAt", json!(1_700_000_000), "authoredAt"),
        ("authoredAt", json!("-0001-01-01T00:00:00Z"), "authoredAt"),
        ("attachments", lists(11, json!({"index": 0})), "attachments"),
        ("attachments", json!([{"index": 0}, {"index": 0}]), "attachments[1].index"),
        ("attachments", json!([{"index": 10}]), "attachments[0].index"),
        ("attachments", json!([{"index": 256}]), "attachments[0].index"),
        ("attachments", json!([{"index": 0, "sizeBytes": 0}]), "attachments[0].sizeBytes"),
        ("attachments", json!([{"index": 0, "contentType": "x".repeat(101)}]), "attachments[0].contentType"),
        ("attachments", json!([{"index": 0, "name": "a.jpg"}]), "attachments[0].name"),
    ];
    for (field, value, named) in cases {
        let mut draft = draft();
        draft[field] = value;
        app.submit(&draft).await.names_field(named);
    }
    for field in ["clientMutationId", "patientId", "chiefComplaint"] {
        let mut draft = draft();
        draft.as_object_mut().unwrap().remove(field);
        app.submit(&draft).await.names_field(field);
    }
    let mut several = draft();
    for (field, value) in [("clientMutationId", json!("1")), ("chiefComplaint", json!("")), ("locale", json!("_"))] {
        several[field] = value;
    }
    let answer = app.submit(&several).await.names_field("clientMutationId");
    answer.names_field("chiefComplaint").names_field("locale");
    assert_eq!((app.count("async_visit").await, app.count("outbox").await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_script_and_eight_thousand_characters_of_it_arrive_as_they_were_written() {
    let app = TestApp::start().await;
    let texts = [
        "درد\u{202B}\u{2067} Panadol 500 \u{2069}\r\nدوم\u{b}",
        "🤒🤒",
        "<script>alert('x')</script> \"'; --",
        "a\u{301}",
    ];
    let long = "🤒".repeat(8_000);
    for text in texts.into_iter().chain([long.as_str()]) {
        let mut draft = draft();
        draft["chiefComplaint"] = json!(text);
        let id = app.submit(&draft).await.expect(201).text("id");
        assert_eq!(app.read_async(&id).await["chiefComplaint"], text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_another_kind_is_no_async_visit() {
    let app = TestApp::start().await;
    for id in
        ["vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R", "avs_1", "01KA8Z0Q3CJ9XW2V5T7N4B6M8R", "avs_8ZZZZZZZZZZZZZZZZZZZZZZZZZ"]
    {
        app.get(&app.token("clinician"), &format!("/async-visits/{id}")).await.names_field("asyncVisitId");
        app.review(id, "claim", &json!({})).await.names_field("asyncVisitId");
    }
}
