//! What is one thing for one reader and another for the next one: each view gets a name.
//!
//! A derived schema says `oneOf` of nameless ones, which generators of clients leave out or call by numbers. With a name for
//! each, and a discriminator, they make a type of each view, and tell them apart.

use std::collections::BTreeMap;

use utoipa::Modify;
use utoipa::openapi::schema::{Discriminator, OneOf, Schema};
use utoipa::openapi::{OpenApi, Ref, RefOr};

/// Names the views: `VirtualSession` that is `treating` is `VirtualSessionTreating`.
pub struct Views;

impl Modify for Views {
    fn modify(&self, openapi: &mut OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let mut named = BTreeMap::new();
        for (name, schema) in &mut components.schemas {
            if let RefOr::T(Schema::OneOf(one_of)) = schema {
                named.extend(name_each(name, one_of));
            }
        }
        components.schemas.extend(named);
    }
}

/// Replaces the views by references, and answers what these lead to; nothing when they are not told apart by a word.
fn name_each(name: &str, one_of: &mut OneOf) -> Vec<(String, RefOr<Schema>)> {
    let words: Option<Vec<(String, String)>> = one_of.items.iter().map(word).collect();
    let Some(words) = words else { return Vec::new() };
    let Some((member, _)) = words.first() else { return Vec::new() };
    let mut discriminator = Discriminator::new(member);
    let mut named = Vec::new();
    for (item, (_, word)) in one_of.items.iter_mut().zip(&words) {
        let view = format!("{name}{}", pascal_case(word));
        let reference = Ref::from_schema_name(&view);
        discriminator.mapping.insert(word.clone(), reference.ref_location.clone());
        named.push((view, std::mem::replace(item, RefOr::Ref(reference))));
    }
    one_of.discriminator = Some(discriminator);
    named
}

/// Which word in which member says that it is this view.
fn word(view: &RefOr<Schema>) -> Option<(String, String)> {
    let RefOr::T(Schema::AllOf(parts)) = view else { return None };
    let RefOr::T(Schema::Object(tag)) = parts.items.last()? else { return None };
    let (member, RefOr::T(Schema::Object(words))) = tag.properties.iter().next()? else { return None };
    let [word] = words.enum_values.as_deref()? else { return None };
    Some((member.clone(), word.as_str()?.to_owned()))
}

fn pascal_case(word: &str) -> String {
    let capital = |part: &str| {
        let mut letters = part.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
    };
    word.split('_').filter_map(capital).collect()
}
