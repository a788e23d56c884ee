//! `Upload-Metadata`: what an upload is for. Nothing in it is ever a path, and what we do not need is not even kept.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use vcare_app::uploads::UploadWish;
use vcare_domain::{ClientMutationId, MAX_ATTACHMENTS, PatientId, UploadKind, UploadSlot};

use crate::extract::Fields;
use crate::problem::{Fault, FieldCode, Problem};

const HEADER: &str = "Upload-Metadata";
/// The longest header; a name of 255 characters of any script is among what it may hold.
const LONGEST: usize = 4096;

/// What the caller wants to upload, for an upload of that length.
pub fn wish(header: Option<&str>, length: u32) -> Result<UploadWish, Problem> {
    let mut told = parse(header.unwrap_or_default()).map_err(|error| Problem::header(HEADER, error))?;
    let mut fields = Fields::inside_of_header(HEADER);
    let mut need = |fields: &mut Fields, name: &str| {
        let found = told.remove(name);
        if found.is_none() {
            fields.wrong(name, Fault(FieldCode::Required, "is missing"));
        }
        found
    };
    let (draft, patient, number) =
        (need(&mut fields, "clientMutationId"), need(&mut fields, "patientId"), need(&mut fields, "index"));
    let client_mutation_id = fields.take_optional("clientMutationId", draft.as_deref().map(ClientMutationId::parse));
    let patient_id = fields.take_optional("patientId", patient.map(PatientId::parse));
    let index = fields.take_optional("index", number.as_deref().map(index));
    let kind = fields.take_optional("kind", told.remove("kind").as_deref().map(kind)).unwrap_or(UploadKind::Original);
    let slot =
        client_mutation_id.zip(index).map(|(client_mutation_id, index)| UploadSlot { client_mutation_id, index, kind });
    fields.done(patient_id.zip(slot).map(|(patient_id, slot)| UploadWish { patient_id, slot, length }))
}

fn index(text: &str) -> Result<u8, &'static str> {
    let digit = match text.as_bytes() {
        [digit @ b'0'..=b'9'] => Some(digit - b'0'),
        _ => None,
    };
    digit.filter(|index| *index < MAX_ATTACHMENTS).ok_or("expected a number from 0 to 9: a visit has ten attachments")
}

fn kind(text: &str) -> Result<UploadKind, &'static str> {
    UploadKind::from_name(text).ok_or("expected original or preview")
}

/// Names and values: pairs with commas between them, each a name and, behind a blank, its value in base64. Values that are
/// no text are as good as empty.
fn parse(header: &str) -> Result<BTreeMap<String, String>, &'static str> {
    if header.len() > LONGEST {
        return Err("is too long");
    }
    let mut told = BTreeMap::new();
    for pair in header.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = STANDARD.decode(value.trim()).map_err(|_| "a value is not base64")?;
        let value = String::from_utf8(value).unwrap_or_default();
        if told.insert(name.to_owned(), value).is_some() {
            return Err("a name stands there twice");
        }
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(pairs: &[(&str, &str)]) -> String {
        let pairs: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{name} {}", STANDARD.encode(value))).collect();
        pairs.join(",")
    }

    const DRAFT: (&str, &str) = ("clientMutationId", "0192f00d-0000-7000-8000-000000000001");
    const PATIENT: (&str, &str) = ("patientId", "pat-1");

    #[test]
    fn what_an_upload_is_for_is_read_and_the_rest_passed_over() {
        let filename = ("filename", "../../etc/passwd");
        let told = header(&[DRAFT, PATIENT, ("index", "3"), filename, ("filetype", "text/html"), ("kind", "preview")]);
        let wish = wish(Some(&told), 7).unwrap();
        assert_eq!(wish.slot.client_mutation_id.to_string(), DRAFT.1);
        assert_eq!((wish.slot.index, wish.slot.kind, wish.length), (3, UploadKind::Preview, 7));
        assert_eq!(wish.patient_id.as_str(), PATIENT.1);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let whole = |pairs: &[(&str, &str)]| wish(Some(&header(pairs)), 1).map(drop).map_err(|problem| problem.code());
        assert_eq!(whole(&[DRAFT, PATIENT, ("index", "9")]), Ok(()));
        for index in ["10", "-1", "+1", "01", "", "x", "٣"] {
            assert_eq!(whole(&[DRAFT, PATIENT, ("index", index)]), Err("VALIDATION_ERROR"), "{index}");
        }
        for draft in ["", "0192f00d000070008000000000000001", "{0192f00d-0000-7000-8000-000000000001}", "../x"] {
            assert!(whole(&[(DRAFT.0, draft), PATIENT, ("index", "0")]).is_err(), "{draft}");
        }
        for patient in ["", "../../x", "a b", &"p".repeat(65)] {
            assert!(whole(&[DRAFT, (PATIENT.0, patient), ("index", "0")]).is_err(), "{patient}");
        }
        for bad in [&[][..], &[DRAFT], &[DRAFT, PATIENT], &[DRAFT, PATIENT, ("index", "0"), ("kind", "video")]] {
            assert!(whole(bad).is_err(), "{bad:?}");
        }
        for bad in ["a !!!", "a YQ==,a YQ==", &format!("a {}", "A".repeat(5000))] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(parse("").unwrap().len(), 0);
        assert_eq!(parse("flag,x /w==").unwrap()["x"], "");
    }
}
