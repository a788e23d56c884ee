//! Who acts, for which tenant, and how the request is traced.

use std::fmt;

pub use vcare_domain::Role;
use vcare_domain::{
    DisplayName, EmergencyCode, EmergencyReason, NodeId, ParticipantId, PatientId, Person, Reason, TenantId, UserId,
};

use crate::ports::Ids;

/// Somebody who signed in.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The tenant their token is for.
    pub tenant_id: TenantId,
    /// Who they are.
    pub user_id: UserId,
    /// What they are.
    pub roles: Vec<Role>,
    /// The facility their token names.
    pub node_id: Option<NodeId>,
    /// The patient they are, when the token says so.
    pub patient_id: Option<PatientId>,
    /// What they are called, when the token says so.
    pub name: Option<DisplayName>,
    /// Why they open an emergency access, when the request says so.
    pub emergency: Option<Reason<EmergencyCode, EmergencyReason>>,
    /// How the request is traced.
    pub trace: TraceContext,
}

impl Caller {
    /// Whether the caller can be the provider of a visit.
    #[must_use]
    pub fn cares_for_patients(&self) -> bool {
        self.roles.iter().any(|role| role.cares_for_patients())
    }

    /// The caller, as the access policy sees them.
    #[must_use]
    pub fn person(&self) -> Person<'_> {
        Person { user_id: &self.user_id, patient_id: self.patient_id.as_ref(), roles: &self.roles }
    }

    /// What the caller's transactions run under.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope {
            tenant_id: self.tenant_id.clone(),
            actor: ActorRef::User(self.user_id.clone()),
            trace: self.trace.clone(),
        }
    }
}

/// How a request is followed through logs, events and neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// The request's id: `X-Request-Id`, or drawn by us.
    pub correlation_id: String,
    /// W3C trace context of our own span: in the caller's trace, or in one begun by us when the caller sent none. Events and
    /// jobs of the request carry it.
    pub traceparent: String,
}

impl TraceContext {
    /// Begins a trace: for what no request asked for, and for requests that came without one.
    #[must_use]
    pub fn begin(ids: &dyn Ids) -> Self {
        Self { correlation_id: ids.uuid().to_string(), traceparent: Self::new_traceparent(ids) }
    }

    /// A new trace in W3C form, sampled.
    #[must_use]
    pub fn new_traceparent(ids: &dyn Ids) -> String {
        format!("00-{}-{}-01", random_hex::<16>(ids), random_hex::<8>(ids))
    }

    /// A new span of our own in the trace that `traceparent` tells of (W3C Trace Context, version 00). `None` when it is not
    /// one.
    #[must_use]
    pub fn child_of(traceparent: &str, ids: &dyn Ids) -> Option<String> {
        let mut parts = traceparent.split('-');
        let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |text: &str, len| text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let zero = |text: &str| text.bytes().all(|b| b == b'0');
        let valid = version == "00"
            && parts.next().is_none()
            && (hex(trace, 32) && hex(parent, 16) && hex(flags, 2))
            && !(zero(trace) || zero(parent));
        if !valid {
            return None;
        }
        let mut span = [0; 8];
        ids.fill_random(&mut span);
        // All zeros is no span.
        let span = u64::from_be_bytes(span).max(1);
        Some(format!("00-{trace}-{span:016x}-{flags}"))
    }

    /// The trace's id, for logs.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        self.traceparent.get(3..35).unwrap_or_default()
    }
}

/// So many random bytes, as hex digits.
pub(crate) fn random_hex<const N: usize>(ids: &dyn Ids) -> String {
    let mut bytes = [0_u8; N];
    ids.fill_random(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Who is noted as the cause of an event.
#[derive(Clone, PartialEq, Eq)]
pub enum ActorRef {
    /// Somebody who signed in.
    User(UserId),
    /// Somebody who came by join link.
    Participant(ParticipantId),
    /// The service itself.
    System(&'static str),
}

impl ActorRef {
    /// The actor in an event's `actorid`.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::User(user) => user.as_str().to_owned(),
            Self::Participant(participant) => participant.to_string(),
            Self::System(name) => format!("system:{name}"),
        }
    }

    /// The actor's kind in audit entries.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) | Self::Participant(_) => "USER",
            Self::System(_) => "SYSTEM",
        }
    }
}

impl fmt::Debug for ActorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(_) => f.write_str("User(…)"),
            Self::Participant(participant) => write!(f, "Participant({participant})"),
            Self::System(name) => write!(f, "System({name})"),
        }
    }
}

/// What a transaction runs under: the tenant whose rows it sees, and whom its events name.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The cause.
    pub actor: ActorRef,
    /// The request.
    pub trace: TraceContext,
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Draws(u8);

    impl Ids for Draws {
        fn uuid(&self) -> uuid::Uuid {
            uuid::Uuid::nil()
        }
        fn fill_random(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn our_span_is_in_the_callers_trace() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let child = TraceContext::child_of(parent, &Draws(0xAB));
        assert_eq!(child.as_deref(), Some("00-0af7651916cd43dd8448eb211c80319c-abababababababab-01"));
        assert!(TraceContext::child_of(parent, &Draws(0)).unwrap().contains("-0000000000000001-"));
    }

    #[test]
    fn what_is_no_trace_context_is_not_taken_on() {
        let table = [
            "",
            "hello",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nx: y",
        ];
        for text in table {
            assert_eq!(TraceContext::child_of(text, &Draws(1)), None, "{text}");
        }
    }
}
