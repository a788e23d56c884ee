//! How many uploads bring bytes, and how many downloads are sent, at once in this process: limits in all, for a tenant, and
//! for an account, so that nobody uses up what all have.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;
use vcare_domain::{TenantId, UploadId, UserId};

use crate::problem::Problem;

/// How many transfers of one kind may go on at once.
#[derive(Debug, Clone, Copy)]
pub struct TransferLimits {
    /// In this process.
    pub in_all: usize,
    /// Of one tenant.
    pub per_tenant: usize,
    /// Of one account.
    pub per_account: usize,
}

/// The transfers of one kind that go on in this process. A clone counts the same ones.
#[derive(Clone)]
pub struct Transfers(Arc<Shared>);

struct Shared {
    kind: &'static str,
    limits: TransferLimits,
    going_on: Mutex<GoingOn>,
}

#[derive(Default)]
struct GoingOn {
    next: u64,
    transfers: HashMap<u64, Transfer>,
}

struct Transfer {
    tenant: TenantId,
    account: UserId,
    upload: Option<UploadId>,
    /// Uses up a place. Of several requests for one upload only one does.
    counts: bool,
    /// It was let in: the next one that is let in ends it.
    opened: bool,
    superseded: CancellationToken,
}

/// The right to go on with a transfer, until it is dropped.
pub struct TransferPermit {
    transfers: Transfers,
    number: u64,
    superseded: CancellationToken,
}

impl Transfers {
    /// With those limits. `kind` is the metrics' word for them.
    #[must_use]
    pub fn new(kind: &'static str, limits: TransferLimits) -> Self {
        Self(Arc::new(Shared { kind, limits, going_on: Mutex::default() }))
    }

    /// Begins a transfer of that account's.
    ///
    /// A request for an upload that the same account is bringing already needs no place of its own: it is about to take that
    /// one over, by [`TransferPermit::supersede`].
    ///
    /// # Errors
    /// 503 with `Retry-After` when a limit is reached. Not 429: tus clients try again after 5xx, and give up after 429.
    pub fn begin(
        &self,
        tenant: &TenantId,
        account: &UserId,
        upload: Option<UploadId>,
    ) -> Result<TransferPermit, Problem> {
        let mut going_on = self.going_on();
        let joins = upload.is_some() && going_on.of(tenant, account).any(|one| one.upload == upload);
        if !joins && let Some(limit) = going_on.limit_reached(&self.0.limits, tenant, account) {
            metrics::counter!("vcare_transfers_refused_total", "kind" => self.0.kind, "limit" => limit).increment(1);
            return Err(Problem::too_many_transfers(limit));
        }
        let (number, superseded) = (going_on.next, CancellationToken::new());
        going_on.next += 1;
        let transfer = Transfer {
            tenant: tenant.clone(),
            account: account.clone(),
            upload,
            counts: !joins,
            opened: false,
            superseded: superseded.clone(),
        };
        going_on.transfers.insert(number, transfer);
        metrics::gauge!("vcare_transfers", "kind" => self.0.kind).increment(1);
        Ok(TransferPermit { transfers: self.clone(), number, superseded })
    }

    fn going_on(&self) -> MutexGuard<'_, GoingOn> {
        self.0.going_on.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl GoingOn {
    fn of(&self, tenant: &TenantId, account: &UserId) -> impl Iterator<Item = &Transfer> {
        self.transfers.values().filter(move |one| one.tenant == *tenant && one.account == *account)
    }

    /// The first limit that leaves no place.
    fn limit_reached(&self, limits: &TransferLimits, tenant: &TenantId, account: &UserId) -> Option<&'static str> {
        let counted = |one: &&Transfer| one.counts;
        let of_account = self.of(tenant, account).filter(counted).count();
        let of_tenant = self.transfers.values().filter(counted).filter(|one| one.tenant == *tenant).count();
        let in_all = self.transfers.values().filter(counted).count();
        let used = [
            ("account", of_account, limits.per_account),
            ("tenant", of_tenant, limits.per_tenant),
            ("all", in_all, limits.in_all),
        ];
        used.into_iter().find(|(_, used, limit)| used >= limit).map(|(name, ..)| name)
    }
}

impl TransferPermit {
    /// Ends the request of this account that was let in for the same upload before, and takes over its place. Those that have
    /// yet to be let in go on: they will end this one.
    pub fn supersede(&self) {
        let mut going_on = self.transfers.going_on();
        let Some(own) = going_on.transfers.get(&self.number) else { return };
        let (tenant, account, upload) = (own.tenant.clone(), own.account.clone(), own.upload);
        for (number, one) in &mut going_on.transfers {
            if *number == self.number {
                (one.counts, one.opened) = (true, true);
            } else if one.upload == upload && one.tenant == tenant && one.account == account {
                one.counts = false;
                if one.opened {
                    one.superseded.cancel();
                }
            }
        }
    }

    /// Waits until another request takes the same upload over.
    pub async fn superseded(&self) {
        self.superseded.cancelled().await;
    }
}

impl Drop for TransferPermit {
    fn drop(&mut self) {
        self.transfers.going_on().transfers.remove(&self.number);
        metrics::gauge!("vcare_transfers", "kind" => self.transfers.0.kind).decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn begin(
        transfers: &Transfers,
        tenant: &str,
        account: &str,
        upload: Option<u128>,
    ) -> Result<TransferPermit, String> {
        let upload = upload.map(|number| UploadId::from_uuid(Uuid::from_u128(number)));
        let (tenant, account) = (TenantId::parse(tenant).unwrap(), UserId::parse(account).unwrap());
        transfers.begin(&tenant, &account, upload).map_err(|problem| problem.code().to_owned())
    }

    fn transfers(in_all: usize, per_tenant: usize, per_account: usize) -> Transfers {
        Transfers::new("upload", TransferLimits { in_all, per_tenant, per_account })
    }

    #[test]
    fn an_account_a_tenant_and_all_of_them_have_their_limits() {
        let all = transfers(4, 3, 2);
        let refused = Err("SERVICE_UNAVAILABLE".to_owned());
        let first = [begin(&all, "t1", "a", Some(1)), begin(&all, "t1", "a", Some(2))];
        assert!(first.iter().all(Result::is_ok));
        assert_eq!(begin(&all, "t1", "a", Some(3)).map(drop), refused, "of the account");
        let second = begin(&all, "t1", "b", Some(4));
        assert!(second.is_ok());
        assert_eq!(begin(&all, "t1", "c", Some(5)).map(drop), refused, "of the tenant");
        let third = begin(&all, "t2", "a", Some(6));
        assert!(third.is_ok(), "the same name in another tenant is another account");
        assert_eq!(begin(&all, "t3", "a", Some(7)).map(drop), refused, "of all");
        drop(first);
        assert!(begin(&all, "t1", "a", Some(3)).is_ok());
    }

    #[test]
    fn a_request_for_the_same_upload_takes_the_place_over_and_ends_the_one_before() {
        let all = transfers(1, 1, 1);
        let first = begin(&all, "t", "a", Some(1)).unwrap();
        let second = begin(&all, "t", "a", Some(1)).unwrap();
        first.supersede();
        assert!(!second.superseded.is_cancelled(), "it is yet to be let in");
        assert!(!first.superseded.is_cancelled(), "not before it is known that the upload is the caller's");
        second.supersede();
        assert!(first.superseded.is_cancelled() && !second.superseded.is_cancelled());
        assert!(begin(&all, "t", "a", Some(2)).is_err(), "one place is taken, not none");
        drop(first);
        assert!(begin(&all, "t", "a", Some(2)).is_err());
        drop(second);
        assert!(begin(&all, "t", "a", Some(2)).is_ok());
    }

    #[test]
    fn nobody_ends_the_request_of_another_account_by_naming_its_upload() {
        let all = transfers(2, 2, 1);
        let own = begin(&all, "t", "a", Some(1)).unwrap();
        own.supersede();
        let other = begin(&all, "t", "b", Some(1)).unwrap();
        other.supersede();
        assert!(!own.superseded.is_cancelled());
    }

    #[test]
    fn downloads_are_not_joined() {
        let all = transfers(9, 9, 1);
        let _first = begin(&all, "t", "a", None).unwrap();
        assert!(begin(&all, "t", "a", None).is_err());
    }
}
