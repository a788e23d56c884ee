//! Evidence of consent: rows that are added and never changed.

use diesel::prelude::ExpressionMethods;
use diesel_async::RunQueryDsl;
use vcare_app::ReliedOnConsent;
use vcare_app::ports::{StoreError, VisitId};

use crate::errors::store_error;
use crate::schema::consent_evidence::dsl;
use crate::unit_of_work::PgUnitOfWork;

/// Keeps consents that a visit relied on; answers those that were not kept before. One statement for each, as there are one or
/// two, and a statement that is always the same is prepared once.
pub(crate) async fn keep<'c>(
    tx: &mut PgUnitOfWork,
    visit: VisitId,
    consents: &'c [ReliedOnConsent],
) -> Result<Vec<&'c ReliedOnConsent>, StoreError> {
    let (pg, tenant) = tx.parts();
    let mut new = Vec::new();
    for consent in consents {
        let record = &consent.record;
        let row = (
            dsl::tenant_id.eq(tenant.as_str()),
            dsl::visit.eq(visit.to_string()),
            dsl::gate.eq(consent.gate.as_str()),
            dsl::holder_kind.eq(consent.holder.kind()),
            dsl::holder_id.eq(consent.holder.id()),
            dsl::consent_id.eq(record.id.as_ref().map(|id| id.as_str())),
            dsl::consent_version.eq(record.version.as_ref().map(|version| version.as_str())),
            dsl::consented_at.eq(record.given_at),
            dsl::relied_on_at.eq(consent.at),
        );
        let insert = diesel::insert_into(dsl::consent_evidence).values(row).on_conflict_do_nothing();
        if insert.execute(pg).await.map_err(store_error)? > 0 {
            new.push(consent);
        }
    }
    Ok(new)
}
