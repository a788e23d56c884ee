//! A participant's join link is issued, or issued anew.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use vcare_domain::{ExpectedVersions, Locale, ParticipantId, Refusal, SessionId, VirtualSession};

use crate::access::{Access, Audited, ViewedSession};
use crate::actor::{Caller, random_hex};
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::{AppError, Resource};
use crate::idempotency::{Answer, Done, Once, Wish};
use crate::ports::{JoinTokenClaims, StoreError};
use crate::sessions::GivenProfile;
use crate::transaction::{By, Plan};

/// Whose link is wanted.
#[derive(Debug, Clone)]
pub struct IssueJoinToken {
    /// Whose.
    pub participant: ParticipantId,
    /// What is given of them.
    pub profile: GivenProfile,
}

impl From<ParticipantId> for IssueJoinToken {
    /// Nothing new is given of them.
    fn from(participant: ParticipantId) -> Self {
        Self { participant, profile: GivenProfile::default() }
    }
}

/// A join token and the link that carries it. Both are secrets.
pub struct IssuedJoinToken {
    /// The token.
    pub token: String,
    /// `{publicBaseUrl}/visit#<token>`: the token is in the fragment, which no server and no log sees.
    pub url: String,
    /// `{publicBaseUrl}/v#<code>`: the same in so few characters that it fits into a short message with a sentence.
    pub short_url: String,
    /// When it stops opening.
    pub expires_at: OffsetDateTime,
    /// Whether it was issued before, under the same key.
    pub replayed: bool,
}

/// What makes a token again: kept under the caller's key instead of the token.
#[derive(Serialize, Deserialize)]
struct Recipe {
    version: u32,
    issued_at: i64,
    expires_at: i64,
    /// What makes the short link's code one that nobody finds who has the tenant's key alone. Answers that were kept
    /// before there were short links have none.
    #[serde(default)]
    salt: String,
    /// The language of the page that the link opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
}

impl Recipe {
    fn of(
        session: &VirtualSession,
        participant: ParticipantId,
        expires_at: OffsetDateTime,
        now: OffsetDateTime,
        salt: String,
    ) -> Self {
        let of = session.parts().participant(participant);
        let version = of.map_or(0, |of| of.token_version);
        let language = of.and_then(|of| of.language).map(|language| language.as_str().to_owned());
        Self { version, issued_at: now.unix_timestamp(), expires_at: expires_at.unix_timestamp(), salt, language }
    }
}

impl App {
    /// Issues a token for a participant; all their older tokens stop working. A removed person may come again with it. A person
    /// who is inside goes back to the waiting room, and only a provider of the visit may do that. Patients and proxies may issue
    /// the patient's link; what people are called is not for them to say.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Refused`], [`AppError::Blocked`] without settings,
    /// [`AppError::IdempotencyKeyReused`], [`AppError::Secrets`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn issue_join_token(
        &self,
        caller: &Caller,
        id: SessionId,
        wanted: &IssueJoinToken,
        expected: Option<ExpectedVersions>,
        wish: Option<Wish>,
    ) -> Result<IssuedJoinToken, AppError> {
        let work = async {
            let limit = self.video_config(&caller.tenant_id).await?.max_participants();
            let participant = wanted.participant;
            let profile = self.seal_profile(&caller.tenant_id, id, &wanted.profile).await;
            let now = self.clock.now();
            let change = caller.change(now, expected);
            let salt = random_hex::<16>(&*self.ids);
            let recipe = |session: &VirtualSession| {
                let expires_at = session.new_link_expires_at(self.settings.join_token_grace, now);
                Recipe::of(session, participant, expires_at, now, salt.clone())
            };
            let answer = |viewed: &ViewedSession| Answer {
                status: 201,
                body: serde_json::json!(recipe(&viewed.session)).to_string().into(),
            };
            let once = wish.map(|wish| Once { wish, answer: &answer });
            let plan = Plan {
                name: "issue_join_token",
                session: id,
                by: By::Caller(caller, Permission::SessionLink),
                once: once.as_ref(),
                decide: |session: &mut VirtualSession, access: Option<&Access>| {
                    let Access { relation, related_person } = access.ok_or(Refusal::ParticipantNotFound)?.clone();
                    let of = session.parts().participant(participant).ok_or(Refusal::ParticipantNotFound)?;
                    // Patients are not told who else takes part.
                    if !relation.may_issue_link_of(of.role) {
                        return Err(Refusal::ParticipantNotFound);
                    }
                    if wanted.profile.name.is_some() && !relation.may_name_people() {
                        return Err(Refusal::NamedByOthers);
                    }
                    let outcome = session.issue_join_token(participant, related_person, limit, &change)?;
                    session.describe(participant, &profile)?;
                    Ok(outcome)
                },
            };
            let done = self.change_session(&caller.scope(), plan).await?;
            let replayed = matches!(done, Done::Before(_));
            let (session, recipe) = match done {
                Done::Now(changed) => {
                    let recipe = recipe(&changed.session);
                    (changed.session, recipe)
                }
                Done::Before(answer) => {
                    let (session, _) = self.session_for(caller, id, Permission::SessionLink).await?;
                    let recipe = serde_json::from_slice(&answer.body)
                        .map_err(|_| StoreError::Corrupt { table: "idempotency_key", column: "body" })?;
                    (session, recipe)
                }
            };
            let issued = self.sign(&session, participant, &recipe).await?;
            Ok(IssuedJoinToken { replayed, ..issued })
        };
        self.guarded(caller, Permission::SessionLink, Audited::session(id), work).await
    }

    async fn sign(
        &self,
        session: &VirtualSession,
        participant: ParticipantId,
        recipe: &Recipe,
    ) -> Result<IssuedJoinToken, AppError> {
        let visit = session.parts();
        let role = visit.participant(participant).ok_or(AppError::NotFound(Resource::Participant))?.role;
        let instant = |seconds| {
            OffsetDateTime::from_unix_timestamp(seconds)
                .map_err(|_| StoreError::Corrupt { table: "idempotency_key", column: "body" })
        };
        let claims = JoinTokenClaims {
            tenant_id: visit.tenant_id.clone(),
            session_id: visit.id,
            participant_id: participant,
            role,
            version: recipe.version,
            issued_at: instant(recipe.issued_at)?,
            expires_at: instant(recipe.expires_at)?,
        };
        let token = self.join_tokens.sign(&claims).await?;
        let language = recipe.language.as_deref().and_then(Locale::from_name);
        let url = self.waiting_room_url(&token, language);
        let short_url = self.keep_short_link(&token, &recipe.salt, &claims, language).await?;
        Ok(IssuedJoinToken { token, url, short_url, expires_at: claims.expires_at, replayed: false })
    }

    /// Where a person with a join token waits. The token is in the fragment: it reaches no server log on the way.
    pub(crate) fn waiting_room_url(&self, token: &str, language: Option<Locale>) -> String {
        let base = self.settings.public_base_url.trim_end_matches('/');
        format!("{base}/visit{}#{token}", language_query(language))
    }
}

/// Tells the page which language its reader was given, before anything is asked. Short, for short messages.
pub(super) const fn language_query(language: Option<Locale>) -> &'static str {
    match language {
        Some(Locale::En) => "?l=en",
        Some(Locale::FaAf) => "?l=fa",
        Some(Locale::Ps) => "?l=ps",
        None => "",
    }
}
