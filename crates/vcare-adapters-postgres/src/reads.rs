//! Reads of single statements, bound to a tenant.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::dsl::{exists, sql};
use diesel::prelude::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension, QueryDsl,
    SelectableHelper,
};
use diesel::sql_types::Jsonb;
use diesel_async::{AnsiTransactionManager, RunQueryDsl, TransactionManager};
use time::OffsetDateTime;
use vcare_app::ports::{
    FoundSession, KeptAnswer, Logo, Reads, RecordCipher, SessionFilter, SessionPage, StoreError, Unsettled,
};
use vcare_app::{ActorRef, IdempotencyKey};
use vcare_domain::{
    AiDraft, AiDraftId, AppointmentId, Branding, ConferenceName, LinkState, MAX_VISIT_LENGTH, ParticipantId, RoomName,
    SessionId, SessionParts, SessionStatus, TenantConfig, TenantId, UserId, VirtualSession,
};

use crate::ai_drafts;
use crate::answers::{self, AnswerRow, kept_under};
use crate::appointments;
use crate::errors::store_error;
use crate::links::{LINKS_OF_THE_VISIT, LinkRow};
use crate::lists;
use crate::logos;
use crate::oversight::unsettled;
use crate::queries::{Lock, configs, sessions};
use crate::record_keys::session_cipher;
use crate::rooms;
use crate::rows::{Restored, SessionRow, TenantConfigRow};
use crate::schema::{idempotency_key, tenant_config, virtual_session};
use crate::store::PgStore;

#[async_trait]
impl Reads for PgStore {
    async fn session(&self, tenant: &TenantId, id: SessionId) -> Result<Option<VirtualSession>, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        let found = sessions::of(tenant).filter(virtual_session::id.eq(id.as_uuid()));
        Ok(sessions::one(&mut conn.pg, &*self.keys, found, Lock::None).await?.map(Restored::readable))
    }

    async fn sessions_by_id(&self, tenant: &TenantId, ids: &[SessionId]) -> Result<Vec<FoundSession>, StoreError> {
        let ids: Vec<_> = ids.iter().map(SessionId::as_uuid).collect();
        let mut conn = self.connections.tenant(tenant).await?;
        let query = sessions::of(tenant).filter(virtual_session::id.eq_any(ids));
        let rows = sessions::rows(&mut conn.pg, query, Lock::None).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            found.push((row.session_id(), row.restore(&*self.keys).await.map(Restored::readable)));
        }
        Ok(found)
    }

    async fn sessions(&self, tenant: &TenantId, filter: &SessionFilter) -> Result<SessionPage, StoreError> {
        lists::session_page(&mut self.connections.tenant(tenant).await?.pg, &*self.keys, tenant, filter).await
    }

    async fn session_of_appointment(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
    ) -> Result<Option<SessionId>, StoreError> {
        appointments::visit(&mut self.connections.tenant(tenant).await?.pg, tenant, appointment).await
    }

    async fn has_overlapping_session(&self, visit: &SessionParts) -> Result<bool, StoreError> {
        use virtual_session::dsl;
        let time = &visit.schedule;
        let live = [SessionStatus::Scheduled, SessionStatus::Waiting, SessionStatus::Active];
        // No visit is longer, so that the index by start is read for that long only.
        let earliest = time.start() - MAX_VISIT_LENGTH;
        let others = dsl::virtual_session
            .filter(dsl::tenant_id.eq(visit.tenant_id.as_str()))
            .filter(dsl::id.ne(visit.id.as_uuid()))
            .filter(dsl::status.eq_any(live.map(SessionStatus::as_str)))
            .filter(dsl::scheduled_start.ge(earliest).and(dsl::scheduled_start.lt(time.end())))
            .filter(dsl::scheduled_end.gt(time.start()))
            .filter(
                dsl::patient_id
                    .eq(visit.patient_id.as_str())
                    .nullable()
                    .or(dsl::provider_id.eq(visit.provider_id.as_ref().map(UserId::as_str))),
            );
        let mut conn = self.connections.tenant(&visit.tenant_id).await?;
        diesel::select(exists(others)).get_result(&mut conn.pg).await.map_err(store_error)
    }

    async fn session_cipher(&self, tenant: &TenantId, id: SessionId) -> Result<Arc<dyn RecordCipher>, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        AnsiTransactionManager::begin_transaction(&mut conn.pg).await.map_err(store_error)?;
        let found = session_cipher(&conn.pg, &*self.keys, tenant, id, self.clock.now()).await;
        match found {
            Ok(cipher) => {
                AnsiTransactionManager::commit_transaction(&mut conn.pg).await.map_err(store_error)?;
                Ok(cipher)
            }
            Err(error) => {
                AnsiTransactionManager::rollback_transaction(&mut conn.pg).await.map_err(store_error)?;
                Err(error)
            }
        }
    }

    async fn tenant_config(&self, tenant: &TenantId) -> Result<Option<TenantConfig>, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        configs::one(&mut conn.pg, configs::of(tenant), Lock::None).await
    }

    async fn clinic(&self, tenant: &TenantId) -> Result<Option<(TenantConfig, Option<Logo>)>, StoreError> {
        let Some(config) = self.tenant_config(tenant).await? else { return Ok(None) };
        let logo = match config.draft().branding_logo_url.as_deref() {
            Some(url) => {
                let mut conn = self.connections.tenant(tenant).await?;
                logos::find(&mut conn.pg, tenant).await?.filter(|stored| stored.source_url == url)
            }
            None => None,
        };
        Ok(Some((config, logo.map(|stored| stored.logo))))
    }

    async fn session_of_room(&self, name: &ConferenceName) -> Result<Option<(TenantId, SessionId)>, StoreError> {
        rooms::session_of_room(&mut self.connections.unbound().await?.pg, name).await
    }

    async fn rooms_in_use(&self, tenant: &TenantId, names: &[&RoomName]) -> Result<Vec<RoomName>, StoreError> {
        use virtual_session::dsl;
        let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        let over = [SessionStatus::Ended.as_str(), SessionStatus::Cancelled.as_str()];
        let mut conn = self.connections.tenant(tenant).await?;
        let found: Vec<String> = dsl::virtual_session
            .filter(dsl::tenant_id.eq(tenant.as_str()))
            .filter(dsl::room_name.eq_any(names))
            .filter(dsl::status.ne_all(over))
            .select(dsl::room_name)
            .load(&mut conn.pg)
            .await
            .map_err(store_error)?;
        let corrupt = |_| StoreError::Corrupt { table: "virtual_session", column: "room_name" };
        found.into_iter().map(|name| RoomName::parse(name).map_err(corrupt)).collect()
    }

    async fn branding(&self, tenant_path: Option<&str>, prefix: Option<&str>) -> Result<Option<Branding>, StoreError> {
        rooms::branding(&mut self.connections.unbound().await?.pg, tenant_path, prefix).await
    }

    async fn unsettled(&self, tenant: &TenantId) -> Result<Unsettled, StoreError> {
        unsettled(&mut self.connections.tenant(tenant).await?.pg, Some(tenant)).await
    }

    async fn session_and_config(
        &self,
        tenant: &TenantId,
        id: SessionId,
    ) -> Result<Option<(VirtualSession, Option<TenantConfig>)>, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        let found = virtual_session::table
            .left_join(tenant_config::table.on(tenant_config::tenant_id.eq(virtual_session::tenant_id)))
            .filter(virtual_session::tenant_id.eq(tenant.as_str()).and(virtual_session::id.eq(id.as_uuid())))
            .select((SessionRow::as_select(), Option::<TenantConfigRow>::as_select()))
            .first::<(SessionRow, Option<TenantConfigRow>)>(&mut conn.pg)
            .await
            .optional()
            .map_err(store_error)?;
        let Some((session, config)) = found else { return Ok(None) };
        let session = session.restore(&*self.keys).await?.readable();
        Ok(Some((session, config.map(TenantConfigRow::restore).transpose()?)))
    }

    async fn session_and_links(
        &self,
        tenant: &TenantId,
        id: SessionId,
    ) -> Result<Option<(VirtualSession, Option<TenantConfig>, Vec<(ParticipantId, LinkState)>)>, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        let found = virtual_session::table
            .left_join(tenant_config::table.on(tenant_config::tenant_id.eq(virtual_session::tenant_id)))
            .filter(virtual_session::tenant_id.eq(tenant.as_str()).and(virtual_session::id.eq(id.as_uuid())))
            .select((SessionRow::as_select(), Option::<TenantConfigRow>::as_select(), sql::<Jsonb>(LINKS_OF_THE_VISIT)))
            .first::<(SessionRow, Option<TenantConfigRow>, serde_json::Value)>(&mut conn.pg)
            .await
            .optional()
            .map_err(store_error)?;
        let Some((session, config, links)) = found else { return Ok(None) };
        let links: Vec<LinkRow> =
            serde_json::from_value(links).map_err(|_| StoreError::Corrupt { table: "link_state", column: "level" })?;
        let links = links.into_iter().map(LinkRow::restore).collect::<Result<_, _>>()?;
        let session = session.restore(&*self.keys).await?.readable();
        Ok(Some((session, config.map(TenantConfigRow::restore).transpose()?, links)))
    }

    async fn answer(
        &self,
        tenant: &TenantId,
        actor: &ActorRef,
        key: &IdempotencyKey,
    ) -> Result<Option<KeptAnswer>, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        answers::kept(&mut conn.pg, &*self.keys, tenant, actor, key).await
    }

    async fn ai_draft(&self, tenant: &TenantId, id: AiDraftId) -> Result<Option<AiDraft>, StoreError> {
        ai_drafts::find(&mut self.connections.tenant(tenant).await?.pg, &*self.keys, tenant, id).await
    }

    async fn undecided_drafts(
        &self,
        tenant: &TenantId,
        session: SessionId,
        now: OffsetDateTime,
    ) -> Result<Vec<AiDraftId>, StoreError> {
        ai_drafts::undecided(&mut self.connections.tenant(tenant).await?.pg, tenant, session, now).await
    }

    async fn undelivered_drafts(&self, tenant: &TenantId, session: SessionId) -> Result<Vec<AiDraft>, StoreError> {
        ai_drafts::undelivered(&mut self.connections.tenant(tenant).await?.pg, &*self.keys, tenant, session).await
    }

    async fn config_and_answer(
        &self,
        tenant: &TenantId,
        actor: &ActorRef,
        key: &IdempotencyKey,
    ) -> Result<Option<(TenantConfig, Option<KeptAnswer>)>, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        let found = tenant_config::table
            .left_join(idempotency_key::table.on(kept_under(tenant, actor, key)))
            .filter(tenant_config::tenant_id.eq(tenant.as_str()))
            .select((TenantConfigRow::as_select(), Option::<AnswerRow>::as_select()))
            .first::<(TenantConfigRow, Option<AnswerRow>)>(&mut conn.pg)
            .await
            .optional()
            .map_err(store_error)?;
        let Some((config, answer)) = found else { return Ok(None) };
        Ok(Some((config.restore()?, answers::restore(answer, &*self.keys).await?)))
    }
}
