//! What we ask of the neighbours and what we make of their answers, written down as pacts: the adapters themselves ask a
//! server that plays the neighbour, and what it was asked and what it answered is what is committed.
//!
//! Of Jitsi only its web server is here. What Prosody and jicofo are asked is asked inside a deployment, of software that
//! is no neighbour of the platform; neither is Zoom, which keeps its own contract.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tls.rs"]
mod tls;

mod access_policy;
mod ai_gateway;
mod chart;
mod communication;
mod consent;
mod contract;
mod fhir;
mod jitsi;
mod licence;

use vcare_domain::TenantId;

fn kabul() -> TenantId {
    TenantId::parse("kabul").unwrap()
}
