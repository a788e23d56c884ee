//! What many operations have in common is described once, and nothing may be null that is only absent.

use std::collections::BTreeMap;

use utoipa::Modify;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{Components, Content, Deprecated, OpenApi, Ref, RefOr, Response, Schema, Type};

use super::operations;
use crate::problem::PROBLEM_JSON;

/// In these null is a value: it stands for a setting's default.
const NULL_HAS_A_MEANING: [&str; 2] = ["TenantConfig", "TenantConfigPatch"];

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if matches!(object.schema_type, SchemaType::Type(Type::Null)))
}

/// A schema without null among what it takes.
fn without_null(schema: &mut RefOr<Schema>) {
    let RefOr::T(inner) = schema else { return };
    match inner {
        Schema::Object(object) => {
            if let SchemaType::Array(types) = &mut object.schema_type {
                types.retain(|one| *one != Type::Null);
                if let [one] = types.as_slice() {
                    object.schema_type = SchemaType::Type(one.clone());
                }
            }
        }
        Schema::Array(array) => {
            if let SchemaType::Array(types) = &mut array.schema_type
                && types.contains(&Type::Array)
            {
                array.schema_type = SchemaType::Type(Type::Array);
            }
        }
        Schema::OneOf(one_of) if one_of.items.iter().any(is_null) => {
            one_of.items.retain(|item| !is_null(item));
            if one_of.items.len() == 1 {
                let description = one_of.description.take();
                let mut only = one_of.items.remove(0);
                if let RefOr::Ref(reference) = &mut only {
                    reference.description = description.unwrap_or_default();
                }
                *schema = only;
            }
        }
        Schema::AnyOf(any_of) => any_of.items.retain(|item| !is_null(item)),
        _ => {}
    }
}

/// The same for the fields of an object, and of what it is put together from.
fn fields_without_null(schema: &mut RefOr<Schema>) {
    let RefOr::T(inner) = schema else { return };
    match inner {
        Schema::Object(object) => {
            object
                .properties
                .iter_mut()
                .filter(|(name, _)| *name != "nextCursor")
                .for_each(|(_, field)| without_null(field));
        }
        Schema::AllOf(parts) => parts.items.iter_mut().for_each(fields_without_null),
        Schema::OneOf(parts) => parts.items.iter_mut().for_each(fields_without_null),
        _ => {}
    }
}

/// Takes null out of parameters, bodies and responses: there a value is there, or the field is absent.
fn nothing_is_null(openapi: &mut OpenApi) {
    for item in openapi.paths.paths.values_mut() {
        for operation in operations(item) {
            for parameter in operation.parameters.iter_mut().flatten() {
                if let RefOr::T(Parameter { schema: Some(schema), .. }) = parameter {
                    without_null(schema);
                }
            }
            if let Some(RefOr::T(body)) = &mut operation.request_body {
                for content in body.content.values_mut() {
                    if let RefOr::T(Content { schema: Some(schema), .. }) = content {
                        without_null(schema);
                    }
                }
            }
        }
    }
    let schemas = openapi.components.iter_mut().flat_map(|components| components.schemas.iter_mut());
    for (name, schema) in schemas.filter(|(name, _)| !NULL_HAS_A_MEANING.contains(&name.as_str())) {
        // Requests take null for what is absent, and say so.
        if !name.ends_with("Request") {
            fields_without_null(schema);
        }
    }
}

/// `session_not_found` or `If-Match` as the name of a component.
fn pascal(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words
        .map(|word| {
            let (first, rest) = word.split_at(1);
            let rest =
                if word.bytes().all(|b| !b.is_ascii_lowercase()) { rest.to_lowercase() } else { rest.to_owned() };
            first.to_uppercase() + &rest
        })
        .collect()
}

/// How often each of these is described, by what is described.
fn counted<'a, T: serde::Serialize + 'a>(all: impl Iterator<Item = &'a RefOr<T>>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for one in all {
        if let RefOr::T(one) = one {
            *counts.entry(serde_json::to_string(one).unwrap_or_default()).or_insert(0) += 1;
        }
    }
    counts
}

/// Takes out what is described more than once, and refers to it.
fn share<T: serde::Serialize + Clone>(
    one: &mut RefOr<T>,
    counts: &BTreeMap<String, usize>,
    kind: &str,
    name: impl FnOnce(&T) -> Option<String>,
    shared: &mut BTreeMap<String, RefOr<T>>,
) {
    let RefOr::T(described) = &*one else { return };
    let text = serde_json::to_string(described).unwrap_or_default();
    let Some(name) = name(described).filter(|_| counts.get(&text).is_some_and(|count| *count > 1)) else { return };
    // What has the same name and says something else has a number behind it.
    for name in std::iter::once(name.clone()).chain((2..).map(|number| format!("{name}{number}"))) {
        let known = shared.entry(name.clone()).or_insert_with(|| RefOr::T(described.clone()));
        if matches!(known, RefOr::T(known) if serde_json::to_string(known).unwrap_or_default() == text) {
            *one = RefOr::Ref(Ref::new(format!("#/components/{kind}/{name}")));
            return;
        }
    }
}

fn parameters(operation: &Operation) -> impl Iterator<Item = &RefOr<Parameter>> {
    operation.parameters.iter().flatten()
}

/// The name of a problem's response: its codes, and whether it is one of the upload protocol's.
fn problem_name(response: &Response) -> Option<String> {
    let RefOr::T(content) = response.content.get(PROBLEM_JSON).filter(|_| response.content.len() == 1)? else {
        return None;
    };
    let codes: Vec<String> = content.examples.keys().map(|code| pascal(code)).collect();
    let tus = if response.headers.contains_key("Tus-Resumable") { "ForUploads" } else { "" };
    Some(format!("{}{tus}", codes.join("Or")))
}

fn parameter_name(parameter: &Parameter) -> Option<String> {
    let name = pascal(&parameter.name);
    Some(match parameter.parameter_in {
        ParameterIn::Path => format!("{name}InPath"),
        _ => name,
    })
}

/// Describes parameters and problems once that several operations have.
fn describe_once(openapi: &mut OpenApi) {
    let mut items: Vec<_> = openapi.paths.paths.values_mut().collect();
    let mut all: Vec<&mut Operation> = items.iter_mut().flat_map(|item| operations(item)).collect();
    let parameter_counts = counted(all.iter().flat_map(|operation| parameters(operation)));
    let response_counts = counted(all.iter().flat_map(|operation| operation.responses.responses.values()));
    let Components { parameters, responses, .. } = openapi.components.get_or_insert_default();
    for operation in &mut all {
        for parameter in operation.parameters.iter_mut().flatten() {
            share(parameter, &parameter_counts, "parameters", parameter_name, parameters);
        }
        for response in operation.responses.responses.values_mut() {
            share(response, &response_counts, "responses", problem_name, responses);
        }
    }
}

/// Operations that need no token say so: `security: []`.
fn public_operations(openapi: &mut OpenApi) {
    for item in openapi.paths.paths.values_mut() {
        for operation in operations(item) {
            operation.security.get_or_insert_default();
        }
    }
}

/// Operations that stay, but should not be used by new clients: `docs/api-policy.md`.
const DEPRECATED: [&str; 1] = ["joinSessionByGet"];

fn deprecated_operations(openapi: &mut OpenApi) {
    for item in openapi.paths.paths.values_mut() {
        for operation in operations(item) {
            let deprecated = operation.operation_id.as_deref().is_some_and(|id| DEPRECATED.contains(&id));
            operation.deprecated = deprecated.then_some(Deprecated::True);
        }
    }
}

/// All of that, when everything else has been described.
pub struct Shared;

impl Modify for Shared {
    fn modify(&self, openapi: &mut OpenApi) {
        nothing_is_null(openapi);
        public_operations(openapi);
        deprecated_operations(openapi);
        describe_once(openapi);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_named_by_what_they_describe() {
        for (name, pascal_case) in [
            ("SESSION_NOT_FOUND", "SessionNotFound"),
            ("If-Match", "IfMatch"),
            ("sessionId", "SessionId"),
            ("since", "Since"),
        ] {
            assert_eq!(pascal(name), pascal_case);
        }
    }
}
