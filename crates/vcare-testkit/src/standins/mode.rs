//! How a stand-in behaves.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Value, json};

/// A neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// identity-service's licences.
    Licence,
    /// access-policy's consents.
    Consent,
    /// access-policy's relations between people and patients.
    Access,
    /// The FHIR gateway.
    Fhir,
    /// Jitsi, as browsers see it.
    Jitsi,
    /// Prosody's own port inside a Jitsi deployment.
    Prosody,
    /// jicofo's.
    Jicofo,
    /// Zoom.
    Zoom,
    /// communication-service.
    Communication,
    /// patient-chart-service.
    Chart,
    /// ai-gateway-service.
    Ai,
    /// The OIDC issuer.
    Identity,
    /// Whoever collects traces.
    Collector,
}

impl Name {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Licence,
        Self::Consent,
        Self::Access,
        Self::Fhir,
        Self::Jitsi,
        Self::Prosody,
        Self::Jicofo,
        Self::Zoom,
        Self::Communication,
        Self::Chart,
        Self::Ai,
        Self::Identity,
        Self::Collector,
    ];

    /// The name, as control calls have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Licence => "licence",
            Self::Consent => "consent",
            Self::Access => "access",
            Self::Fhir => "fhir",
            Self::Jitsi => "jitsi",
            Self::Prosody => "prosody",
            Self::Jicofo => "jicofo",
            Self::Zoom => "zoom",
            Self::Communication => "communication",
            Self::Chart => "chart",
            Self::Ai => "ai",
            Self::Identity => "identity",
            Self::Collector => "collector",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No neighbour is called that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownName;

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such neighbour")
    }
}

impl std::error::Error for UnknownName {}

impl FromStr for Name {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or(UnknownName)
    }
}

/// What a neighbour does when it is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers as agreed.
    #[default]
    Up,
    /// Answers with an error.
    Down,
    /// Answers as agreed, late.
    Slow,
    /// Answers 200 with something that is not what was agreed.
    Wrong,
}

impl Behaviour {
    pub(super) const ALL: [Self; 4] = [Self::Up, Self::Down, Self::Slow, Self::Wrong];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Slow => "slow",
            Self::Wrong => "wrong",
        }
    }
}

/// How a neighbour behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// What it does.
    pub behaviour: Behaviour,
    /// The status it answers with when it is down.
    pub status: u16,
    /// How long it waits before it answers, whatever it does.
    pub latency: Duration,
}

impl Mode {
    /// Answers at once, as agreed.
    pub const UP: Self = Self { behaviour: Behaviour::Up, status: 503, latency: Duration::ZERO };
    /// Answers 503.
    pub const DOWN: Self = Self { behaviour: Behaviour::Down, ..Self::UP };
    /// Answers as agreed after ten seconds.
    pub const SLOW: Self = Self { behaviour: Behaviour::Slow, latency: Duration::from_secs(10), ..Self::UP };
    /// Answers 200 with something that is not what was agreed.
    pub const WRONG: Self = Self { behaviour: Behaviour::Wrong, ..Self::UP };

    /// Answers with that error status.
    #[must_use]
    pub const fn down_with(status: u16) -> Self {
        Self { status, ..Self::DOWN }
    }

    /// The same, after that long.
    #[must_use]
    pub const fn after(self, latency: Duration) -> Self {
        Self { latency, ..self }
    }

    pub(super) fn to_json(self, name: Name) -> Value {
        let latency = u64::try_from(self.latency.as_millis()).unwrap_or(u64::MAX);
        json!({"name": name.as_str(), "mode": self.behaviour.as_str(), "status": self.status, "latencyMs": latency})
    }
}
