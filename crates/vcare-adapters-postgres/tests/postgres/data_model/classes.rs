//! What the service does with data of people, by class. A column, a field of an event or of a log has a class and a key; the class
//! says the rest.

/// What data of people is processed for, on what basis, who receives it, and when it has an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    ClinicalText,
    MachineText,
    Attachment,
    Care,
    Names,
    LinkData,
    Waiting,
    Audit,
    Account,
    Passing,
    Repeats,
    /// Nothing of a person.
    Nothing,
}

/// With which key it is sealed in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// Sealed by nobody: whoever reads the database reads it.
    Plain,
    /// The tenant's key of people's names, by version, bound to the visit.
    TenantNames,
    /// The master keys, bound to tenant, name and version.
    Master,
    /// A random key of the visit: deleted when the patient is erased.
    Visit,
    /// A random key of the patient: deleted when the patient is erased.
    Patient,
    /// The tenant's key `personalData`.
    Tenant,
}

/// What a page says of a class.
pub struct Processing {
    pub class: Class,
    pub name: &'static str,
    pub purpose: &'static str,
    pub basis: &'static str,
    pub recipients: &'static str,
    pub retention: &'static str,
}

const CARE: &str = "health care: 6(1)(e) or (c), 9(2)(h)";
const PROOF: &str = "accountability: 6(1)(c), 5(2), 9(2)(h)";

/// Every class, as the page lists them.
pub const CLASSES: [Processing; 12] = [
    Processing {
        class: Class::ClinicalText,
        name: "clinical text",
        purpose: "a patient asks in writing and a clinician answers; why a visit was ended or called off",
        basis: CARE,
        recipients: "the patient and who acts for them, and those who care for them, by their relation; the chart is given the code of a complaint",
        retention: "until the patient is erased: not before `retention.clinical_days` (3650) after the last contact",
    },
    Processing {
        class: Class::MachineText,
        name: "machine's draft",
        purpose: "a clinician has a visit summed up, and decides on the draft",
        basis: "the consent of everybody who is heard: 6(1)(a), 9(2)(a)",
        recipients: "the clinicians of the visit; the AI gateway, which wrote it; when it is accepted, the chart",
        retention: "erased when it is declined, has expired (`ai.draft_lifetime_hours`, 24) or is in the chart",
    },
    Processing {
        class: Class::Attachment,
        name: "attachment",
        purpose: "photos, voice notes and documents that belong to what a patient asks or a clinician answers",
        basis: CARE,
        recipients: "as clinical text; the scanner for malware",
        retention: "as clinical text; 7 days when unfinished, 30 when no visit claims it",
    },
    Processing {
        class: Class::Care,
        name: "identifiers and times",
        purpose: "planning and holding visits, the Encounter in the chart, one charge for each visit",
        basis: CARE,
        recipients: "those who care for the patient, by their relation; access-policy, the FHIR gateway, the communication-service; the readers of events, billing-service among them",
        retention: "with its visit: no end is set",
    },
    Processing {
        class: Class::Names,
        name: "names",
        purpose: "people in a visit see whom they talk to",
        basis: CARE,
        recipients: "the people of the visit; the tenant's Jitsi, in the token of who has the name",
        retention: "as clinical text; unreadable when the tenant's key of that version is retired",
    },
    Processing {
        class: Class::LinkData,
        name: "link data",
        purpose: "choosing video, audio or messages by what a connection carries; who is in the room",
        basis: CARE,
        recipients: "those who care for the patient, by their relation; the readers of events",
        retention: "with its visit: no end is set",
    },
    Processing {
        class: Class::Waiting,
        name: "waiting",
        purpose: "the waiting room: one device each, lost connections, links for short messages",
        basis: CARE,
        recipients: "nobody",
        retention: "two days after it was last heard of, or expired",
    },
    Processing {
        class: Class::Audit,
        name: "audit",
        purpose: "proof of consent, of emergency access and of what machines transcribed",
        basis: PROOF,
        recipients: "audit-service; operators see emergency access",
        retention: "no end is set",
    },
    Processing {
        class: Class::Account,
        name: "account",
        purpose: "which of the hospital's staff, or which signed-in patient, did something or is responsible",
        basis: PROOF,
        recipients: "those who care for the patient, by their relation; the chart, which is told who performed; the readers of events",
        retention: "with the row that it stands in",
    },
    Processing {
        class: Class::Passing,
        name: "passing",
        purpose: "events on their way to the stream, and copies to publish again what the stream loses",
        basis: "as what is in it",
        recipients: "the readers of events",
        retention: "until the stream has acknowledged it, and `nats.keep_published_minutes` (10) after that",
    },
    Processing {
        class: Class::Repeats,
        name: "repeated requests",
        purpose: "a request that is sent twice over a bad line is answered the same and done once",
        basis: CARE,
        recipients: "who sent the request",
        retention: "`worker.keep_answers_hours` (48)",
    },
    Processing {
        class: Class::Nothing,
        name: "none",
        purpose: "no data of a person",
        basis: "–",
        recipients: "–",
        retention: "–",
    },
];

impl Class {
    /// What the page says of it.
    pub fn processing(self) -> &'static Processing {
        CLASSES.iter().find(|of| of.class == self).unwrap_or_else(|| panic!("describe {self:?} in CLASSES"))
    }
}

impl Key {
    /// As the page says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::TenantNames => "the tenant's key of names",
            Self::Master => "the master keys",
            Self::Visit => "a key of the visit, which erasing deletes",
            Self::Patient => "a key of the patient, which erasing deletes",
            Self::Tenant => "the tenant's key of personal data",
        }
    }
}
