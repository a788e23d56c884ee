//! A phone that has a link again sends all its drafts at once.

use std::collections::HashSet;

use tokio::task::JoinSet;
use tracing::Instrument;

use crate::access::{Audited, ViewedAsyncVisit};
use crate::actor::Caller;
use crate::app::App;
use crate::async_visits::{SubmitAsyncVisit, Submitted};
use crate::authorisation::Permission;
use crate::error::AppError;

/// So many drafts are taken in side by side.
const AT_ONCE: usize = 8;

impl App {
    /// Takes drafts in, each as [`App::submit_async_visit`] does and each for itself: one that is refused spoils no other.
    /// One result each, in the same order. Of two under one name the earlier one is first.
    ///
    /// # Errors
    /// [`AppError::Forbidden`] to who may send none.
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id))]
    pub async fn sync_async_visits(
        &self,
        caller: &Caller,
        drafts: Vec<SubmitAsyncVisit>,
        write: fn(&ViewedAsyncVisit) -> Result<Vec<u8>, AppError>,
    ) -> Result<Vec<Result<Submitted, AppError>>, AppError> {
        let work = async {
            let mut results: Vec<Option<Result<Submitted, AppError>>> = drafts.iter().map(|_| None).collect();
            let (mut seen, mut again) = (HashSet::new(), Vec::new());
            let mut taking = JoinSet::new();
            for (place, draft) in drafts.into_iter().enumerate() {
                if !seen.insert(draft.client_mutation_id) {
                    again.push((place, draft));
                    continue;
                }
                if taking.len() >= AT_ONCE {
                    keep(&mut results, taking.join_next().await);
                }
                let (app, caller) = (self.clone(), caller.clone());
                let take = async move { (place, app.submit_async_visit(&caller, draft, &write).await) };
                taking.spawn(take.in_current_span());
            }
            while let Some(taken) = taking.join_next().await {
                keep(&mut results, Some(taken));
            }
            for (place, draft) in again {
                let taken = self.submit_async_visit(caller, draft, &write).await;
                keep(&mut results, Some(Ok((place, taken))));
            }
            Ok(results.into_iter().map(|result| result.unwrap_or(Err(AppError::Interrupted))).collect())
        };
        self.guarded(caller, Permission::AsyncVisitSubmit, Audited::all("AsyncVisit", caller), work).await
    }
}

type Taken = (usize, Result<Submitted, AppError>);

fn keep(results: &mut [Option<Result<Submitted, AppError>>], taken: Option<Result<Taken, tokio::task::JoinError>>) {
    if let Some(Ok((place, taken))) = taken
        && let Some(result) = results.get_mut(place)
    {
        *result = Some(taken);
    }
}
