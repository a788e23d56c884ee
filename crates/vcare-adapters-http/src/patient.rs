//! A FHIR R4 Patient, as far as it says whether its record was merged into another one.

use serde::Deserialize;
use url::Url;
use vcare_domain::PatientId;

use crate::encounter::is_fhir_id;

/// The part of a Patient that we look at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PatientRecord {
    resource_type: String,
    #[serde(default)]
    id: String,
    /// Absent is not inactive, and not active either.
    #[serde(default)]
    active: Option<bool>,
    #[serde(default)]
    link: Vec<Link>,
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    other: Reference,
}

#[derive(Default, Deserialize)]
pub(crate) struct Reference {
    #[serde(default)]
    reference: String,
}

/// What a record says of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Merge {
    /// Nothing: it is in use.
    None,
    /// This record took its place.
    Into(PatientId),
    /// It is out of use, and which one took its place cannot be told.
    Unclear,
}

impl PatientRecord {
    /// Whether it is that patient's.
    pub fn is_of(&self, patient: &PatientId) -> bool {
        self.resource_type == "Patient" && self.id == patient.as_str()
    }

    /// What it says of a merge. One record takes the place of another: several, itself, or one on another server is no
    /// answer. `base`: what `/Patient` stands below.
    pub fn merge(&self, base: &Url) -> Merge {
        let mut replaced = self.link.iter().filter(|link| link.r#type == "replaced-by");
        let first = replaced.next();
        match (first, self.active) {
            (None, _) | (Some(_), Some(true)) => Merge::None,
            (Some(link), _) if replaced.next().is_none() => {
                let other = link.other.patient(base).filter(|other| other.as_str() != self.id);
                other.map_or(Merge::Unclear, Merge::Into)
            }
            (Some(_), _) => Merge::Unclear,
        }
    }
}

impl Reference {
    /// The patient it refers to: `Patient/{id}[/_history/{version}]`, relative, or absolute below `base`.
    pub fn patient(&self, base: &Url) -> Option<PatientId> {
        let text = self.reference.as_str();
        let relative = match text.strip_prefix(base.as_str().trim_end_matches('/')) {
            Some(below) => below.strip_prefix('/')?,
            None => text,
        };
        let mut parts = relative.split('/');
        let (Some("Patient"), Some(id)) = (parts.next(), parts.next()) else { return None };
        let whole = match (parts.next(), parts.next(), parts.next()) {
            (None, ..) => true,
            (Some("_history"), Some(version), None) => !version.is_empty(),
            _ => false,
        };
        (whole && is_fhir_id(id)).then(|| PatientId::parse(id).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn base() -> Url {
        Url::parse("https://fhir.example/fhir/R4/").unwrap()
    }

    fn merge(active: Value, links: &[(&str, &str)]) -> Merge {
        let link = |(kind, other): &(&str, &str)| json!({"type": kind, "other": {"reference": other}});
        let links: Vec<Value> = links.iter().map(link).collect();
        let mut record = json!({"resourceType": "Patient", "id": "pat-1", "link": links});
        if !active.is_null() {
            record["active"] = active;
        }
        serde_json::from_value::<PatientRecord>(record).unwrap().merge(&base())
    }

    #[test]
    fn a_record_out_of_use_names_the_one_that_took_its_place() {
        let into = Merge::Into(PatientId::parse("pat-2").unwrap());
        for other in [
            "Patient/pat-2",
            "Patient/pat-2/_history/7",
            "https://fhir.example/fhir/R4/Patient/pat-2",
            "https://fhir.example/fhir/R4/Patient/pat-2/_history/1",
        ] {
            assert_eq!(merge(json!(false), &[("replaced-by", other)]), into, "{other}");
        }
        assert_eq!(merge(Value::Null, &[("replaced-by", "Patient/pat-2")]), into);
        let beside = [("seealso", "Patient/pat-3"), ("replaced-by", "Patient/pat-2"), ("replaces", "Patient/pat-4")];
        assert_eq!(merge(json!(false), &beside), into);
    }

    #[test]
    fn a_record_in_use_was_not_merged_whatever_it_is_linked_to() {
        for links in [&[][..], &[("replaces", "Patient/pat-2")], &[("seealso", "Patient/pat-2")]] {
            assert_eq!(merge(json!(true), links), Merge::None);
            assert_eq!(merge(json!(false), links), Merge::None);
        }
        assert_eq!(merge(json!(true), &[("replaced-by", "Patient/pat-2")]), Merge::None);
    }

    #[test]
    fn a_merge_into_itself_into_several_or_into_something_else_is_unclear() {
        for other in [
            "",
            "Patient/pat-1",
            "Patient/",
            "Patient/a_b",
            "Patient/pat-2/name",
            "RelatedPerson/pat-2",
            "https://elsewhere.example/fhir/R4/Patient/pat-2",
            "https://fhir.example/fhir/R4.evil/Patient/pat-2",
        ] {
            assert_eq!(merge(json!(false), &[("replaced-by", other)]), Merge::Unclear, "{other}");
        }
        let two = [("replaced-by", "Patient/pat-2"), ("replaced-by", "Patient/pat-3")];
        assert_eq!(merge(json!(false), &two), Merge::Unclear);
    }
}
