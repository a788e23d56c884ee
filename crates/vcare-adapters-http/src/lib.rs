//! The neighbours reached by HTTP: the only crate that knows reqwest.
//!
//! [`HttpClient`] is the one place that builds a client: no redirects, no proxy, no cookies, a deadline and a body limit
//! for every call, and an [`AddressPolicy`] that is enforced on the address actually connected to. Each neighbour is one
//! file that knows its paths and shapes. An answer that is not exactly what was agreed on is an error, never a guess;
//! errors hold nothing of what was said.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking"))]

mod access_policy;
mod access_tokens;
mod ai_gateway;
mod chart;
mod client;
mod collector;
mod communication;
mod consent;
mod encounter;
mod fhir;
mod jitsi;
mod jwks;
mod licence;
mod logos;
mod neighbour;
mod patient;
mod probe;
mod zoom;

pub use access_policy::HttpAccessPolicy;
pub use access_tokens::{AccessTokenConfig, OidcAccessTokens};
pub use ai_gateway::HttpAiGateway;
pub use chart::HttpChartNotes;
pub use client::{AddressPolicy, ClientConfig, ClientError, HttpClient, install_crypto};
pub use collector::SpanCollector;
pub use communication::HttpMessagingThreads;
pub use consent::HttpConsentCheck;
pub use encounter::encounter_resource;
pub use fhir::HttpFhirGateway;
pub use jitsi::JitsiVideo;
pub use jwks::{JwksConfig, JwksLocation, JwksSource};
pub use licence::HttpLicenceCheck;
pub use logos::HttpLogos;
pub use neighbour::{InvalidBaseUrl, NeighbourConfig};
pub use probe::HttpProbe;
pub use zoom::{ZoomConfig, ZoomVideo};
