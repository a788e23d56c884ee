//! All stand-ins together: who is asked by which path, and in which mode they are.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::access::RelationRegister;
use super::ai::Ai;
use super::chart::Notes;
use super::collector::Collector;
use super::communication::Threads;
use super::consent::ConsentRegister;
use super::exchange::{Answer, Asked};
use super::fhir::Encounters;
use super::jitsi::Jitsi;
use super::licence::LicenceRegister;
use super::mode::{Behaviour, Name};
use super::record::Desk;
use super::server::Addresses;
use super::zoom::Zoom;
use super::{control, identity, jitsi, page};
use crate::issuer::Issuer;

#[derive(Debug)]
pub(super) struct Office {
    pub base_url: String,
    pub jitsi_url: String,
    pub issuer: Issuer,
    pub licences: LicenceRegister,
    pub consents: ConsentRegister,
    pub relations: RelationRegister,
    pub encounters: Encounters,
    pub threads: Threads,
    pub notes: Notes,
    pub ai: Ai,
    pub collector: Collector,
    pub jitsi: Jitsi,
    pub zoom: Zoom,
    desks: [Desk; Name::ALL.len()],
}

impl Office {
    pub fn open(
        addresses: Addresses,
        issuer: Issuer,
        fhir_bearer: Option<String>,
        folder: Option<&Path>,
    ) -> Result<Self> {
        let Addresses { base_url, jitsi_url } = addresses;
        Ok(Self {
            issuer,
            licences: LicenceRegister::default(),
            consents: ConsentRegister::open(folder)?,
            relations: RelationRegister::open(folder)?,
            encounters: Encounters::open(format!("{base_url}/fhir/R4"), fhir_bearer, folder)?,
            threads: Threads::default(),
            notes: Notes::default(),
            ai: Ai::default(),
            collector: Collector::default(),
            jitsi: Jitsi::new()?,
            zoom: Zoom::default(),
            desks: [const { Desk::new() }; Name::ALL.len()],
            base_url,
            jitsi_url,
        })
    }

    pub fn desk(&self, name: Name) -> &Desk {
        &self.desks[name as usize]
    }

    /// Answers on the plain listener.
    pub async fn answer(&self, asked: &Asked) -> Answer {
        let segments = asked.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let name = match segments.as_slice() {
            [""] if asked.reads() => return page::front(self),
            ["_control", rest @ ..] => return control::answer(self, asked, rest),
            ["internal", "identity", ..] => Name::Licence,
            ["internal", "access", "consents", ..] => Name::Consent,
            ["internal", "access", ..] => Name::Access,
            ["fhir", "R4", ..] => Name::Fhir,
            ["v1", "communication", ..] => Name::Communication,
            ["v1", "clinical-notes", ..] => Name::Chart,
            ["api", "v1", "ai", ..] => Name::Ai,
            ["v1", "traces", ..] => Name::Collector,
            ["realms", ..] => Name::Identity,
            ["prosody", ..] => Name::Prosody,
            ["jicofo", ..] => Name::Jicofo,
            ["zoom", ..] => Name::Zoom,
            _ => return Answer::not_found(),
        };
        self.ask(name, asked, asked, &segments).await
    }

    /// Answers on Jitsi's listener.
    pub async fn answer_as_jitsi(&self, asked: &Asked) -> Answer {
        let segments = asked.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        self.ask(Name::Jitsi, asked, &jitsi::masked(asked), &segments).await
    }

    /// `seen` is what is written down of what was asked.
    async fn ask(&self, name: Name, asked: &Asked, seen: &Asked, segments: &[&str]) -> Answer {
        let desk = self.desk(name);
        desk.record(seen);
        let mode = desk.mode();
        if mode.latency > Duration::ZERO {
            tokio::time::sleep(mode.latency).await;
        }
        match mode.behaviour {
            Behaviour::Up | Behaviour::Slow => self.agreed(name, asked, segments),
            Behaviour::Down => {
                Answer::json(mode.status, &json!({ "error": format!("{name} is down, as it was told to be") }))
            }
            Behaviour::Wrong => wrong(name),
        }
    }

    fn agreed(&self, name: Name, asked: &Asked, segments: &[&str]) -> Answer {
        match name {
            Name::Licence => self.licences.answer(asked, &segments[2..]),
            Name::Consent => self.consents.answer(asked, &segments[2..]),
            Name::Access => self.relations.answer(asked, &segments[2..]),
            Name::Fhir => self.encounters.answer(asked, &segments[2..]),
            Name::Communication => self.threads.answer(asked, &segments[2..]),
            Name::Chart => self.notes.answer(asked, &segments[2..]),
            Name::Ai => self.ai.answer(asked, &segments[3..]),
            Name::Collector => self.collector.answer(asked, &segments[2..]),
            Name::Identity => identity::answer(&self.issuer, asked, &segments[1..]),
            Name::Jitsi => self.jitsi.answer(&self.jitsi_url, asked, segments),
            Name::Prosody => self.jitsi.answer_as_prosody(asked, &segments[1..]),
            Name::Jicofo => self.jitsi.answer_as_jicofo(asked, &segments[1..]),
            Name::Zoom => self.zoom.answer(asked, &segments[1..]),
        }
    }
}

/// What a proxy, another version or another service might say in its place.
fn wrong(name: Name) -> Answer {
    match name {
        Name::Licence => Answer::json(200, &json!({"status": "active"})),
        Name::Consent => Answer::json(200, &json!({"decisions": []})),
        Name::Access => Answer::json(200, &json!({"decision": "allow"})),
        Name::Fhir => Answer::json(200, &json!({"resourceType": "Patient", "id": "somebody"})),
        Name::Ai | Name::Jitsi | Name::Zoom => Answer::json(200, &json!({"ok": true})),
        Name::Communication | Name::Chart | Name::Identity | Name::Prosody | Name::Jicofo | Name::Collector => {
            Answer::html(200, "<h1>Please sign in to the network</h1>")
        }
    }
}
