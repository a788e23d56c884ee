//! Problems in the API's description: all codes, each with an example, and the headers that go with them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vcare_api::problem::{Code, PROBLEM_JSON};

use crate::described::resolved_document;

/// Every response of the document, with the status that it is of: those of operations, and those of everywhere else.
fn refusals(document: &Value) -> Vec<(Option<u16>, &Value)> {
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let of_operations = operations.flat_map(|operation| operation["responses"].as_object().unwrap());
    let of_operations = of_operations.map(|(status, response)| (Some(status.parse().unwrap()), response));
    let elsewhere = ["NothingHere", "OtherMethod"].map(|name| (None, &document["components"]["responses"][name]));
    of_operations.chain(elsewhere).filter(|(_, response)| !response["content"][PROBLEM_JSON].is_null()).collect()
}

#[test]
fn every_code_is_in_the_document_with_an_example_and_the_document_has_no_other() {
    let document = resolved_document();
    let mut described = BTreeSet::new();
    for (status, response) in refusals(&document) {
        let examples = response["content"][PROBLEM_JSON]["examples"].as_object().unwrap();
        assert!(!examples.is_empty(), "a refusal without a code: {response}");
        for (code, reference) in examples {
            let example = document.pointer(reference["$ref"].as_str().unwrap().trim_start_matches('#')).unwrap();
            assert_eq!(example["value"]["code"], *code);
            assert!(status.is_none_or(|status| example["value"]["status"] == status), "{status:?}: {example}");
            described.insert(code.clone());
        }
    }
    let known: BTreeSet<String> = Code::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    assert_eq!(described, known);
    let examples: BTreeSet<String> = document["components"]["examples"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(examples, known);
}

#[test]
fn every_example_of_a_problem_is_one_by_its_schema() {
    let document = resolved_document();
    let mut schema = document["components"]["schemas"]["Problem"].clone();
    schema["additionalProperties"] = json!(false);
    schema["components"] = document["components"].clone();
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
    for (code, example) in document["components"]["examples"].as_object().unwrap() {
        let errors: Vec<String> = validator.iter_errors(&example["value"]).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{code}: {errors:?}");
    }
}

#[test]
fn every_header_of_an_answer_is_described_once() {
    let document = resolved_document();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    for response in operations.flat_map(|operation| operation["responses"].as_object().unwrap().values()) {
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            assert_eq!(header["$ref"], format!("#/components/headers/{name}"), "bins/vcare-api/src/openapi/headers.rs");
        }
    }
}
