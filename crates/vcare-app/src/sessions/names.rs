//! What people in visits are called. Care does not wait for a name: while the key store is down nobody has one.

use std::collections::HashMap;

use vcare_domain::{
    DisplayName, Locale, Participant, ParticipantId, ParticipantRole, Profile, SealedName, SessionId, SessionParts,
    TenantId, VirtualSession,
};

use crate::app::App;
use crate::ports::SecretsError;

/// The names of the people in some visits.
#[derive(Debug, Clone, Default)]
pub struct Names(HashMap<ParticipantId, DisplayName>);

impl Names {
    /// What that participant is called.
    #[must_use]
    pub fn of(&self, participant: ParticipantId) -> Option<&DisplayName> {
        self.0.get(&participant)
    }

    /// Those of one visit.
    pub(crate) fn within(&self, visit: &SessionParts) -> Self {
        let people = visit.participants.iter().filter_map(|one| Some((one.id, self.of(one.id)?.clone())));
        Self(people.collect())
    }

    /// What the visit's provider is called: the one whose visit it is, else the first one who has a name.
    #[must_use]
    pub fn of_provider(&self, visit: &SessionParts) -> Option<&DisplayName> {
        let own = visit.provider_id.as_ref().and_then(|user| visit.provider(user));
        let others = visit.participants.iter().filter(|one| one.role == ParticipantRole::Provider);
        own.into_iter().chain(others).find_map(|one| self.of(one.id))
    }
}

/// What was given of a person, before anything of it is sealed.
#[derive(Debug, Clone, Default)]
pub struct GivenProfile {
    /// What they are called.
    pub name: Option<DisplayName>,
    /// The language that they read.
    pub language: Option<Locale>,
}

impl App {
    /// A name, sealed for that visit. `None` without a key: then the person goes without a name, and the visit goes on.
    pub(crate) async fn seal_name(
        &self,
        tenant: &TenantId,
        session: SessionId,
        name: Option<&DisplayName>,
    ) -> Option<SealedName> {
        match self.names.seal_name(tenant, session, name?).await {
            Ok(sealed) => Some(sealed),
            Err(error) => {
                missing("seal", 1);
                tracing::warn!(error = &error as &dyn std::error::Error, "a name was not kept");
                None
            }
        }
    }

    /// What was given of a person, with the name sealed.
    pub(crate) async fn seal_profile(&self, tenant: &TenantId, session: SessionId, given: &GivenProfile) -> Profile {
        let name = self.seal_name(tenant, session, given.name.as_ref()).await;
        Profile { name, language: given.language }
    }

    /// What a participant is called. `None` for who has no name, or one that cannot be opened now.
    pub(crate) async fn name_of(&self, session: &VirtualSession, participant: &Participant) -> Option<DisplayName> {
        let visit = session.parts();
        match self.names.open_name(&visit.tenant_id, visit.id, participant.name.as_ref()?).await {
            Ok(name) => Some(name),
            Err(error) => {
                not_opened(1, &error);
                None
            }
        }
    }

    /// The names of everybody in these visits, as far as they can be opened.
    pub(crate) async fn names_of(&self, sessions: &[&VirtualSession]) -> Names {
        let mut names = HashMap::new();
        let mut failures = (0, None);
        for session in sessions {
            let visit = session.parts();
            for one in &visit.participants {
                let Some(sealed) = &one.name else { continue };
                match self.names.open_name(&visit.tenant_id, visit.id, sealed).await {
                    Ok(name) => {
                        names.insert(one.id, name);
                    }
                    Err(error) => failures = (failures.0 + 1, Some(error)),
                }
            }
        }
        if let (count, Some(error)) = failures {
            not_opened(count, &error);
        }
        Names(names)
    }
}

fn not_opened(count: u64, error: &SecretsError) {
    missing("open", count);
    tracing::warn!(count, error = error as &dyn std::error::Error, "names could not be opened");
}

fn missing(operation: &'static str, count: u64) {
    metrics::counter!("vcare_display_names_missing_total", "operation" => operation).increment(count);
}
