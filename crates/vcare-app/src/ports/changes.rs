//! Which visits somebody waits for news of, in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use vcare_domain::{DeviceId, ParticipantId, SessionId, TenantId, Version};

use crate::ports::Holder;

/// What is known of a visit that somebody waits for.
#[derive(Debug)]
struct Watched {
    version: u32,
    /// The place in line that somebody knows, 0 for none; absent while it is no matter to anybody.
    place: Option<u32>,
    watchers: u32,
    /// The devices that watch it; those without a name are nobody's rivals, and not in here.
    devices: Vec<(ParticipantId, DeviceId)>,
    news: Arc<Notify>,
}

type Watches = HashMap<TenantId, HashMap<SessionId, Watched>>;

/// The visits that somebody waits for. A commit in this process tells at once; what others commit is found by comparing
/// versions, all at once.
#[derive(Debug, Clone, Default)]
pub struct VisitChanges(Arc<Mutex<Watches>>);

impl VisitChanges {
    fn watches(&self) -> MutexGuard<'_, Watches> {
        // Nothing in here leaves the table half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to watch a visit, on somebody's device when its page named one.
    #[must_use]
    pub fn watch(&self, tenant: &TenantId, session: SessionId, on: Option<(ParticipantId, DeviceId)>) -> Watch {
        let mut watches = self.watches();
        let watched = watches.entry(tenant.clone()).or_default().entry(session).or_insert_with(|| Watched {
            version: 0,
            place: None,
            watchers: 0,
            // Hardly ever more than one, ten thousand times.
            devices: Vec::with_capacity(1),
            news: Arc::default(),
        });
        watched.watchers += 1;
        watched.devices.extend(on.clone());
        Watch { changes: self.clone(), tenant: tenant.clone(), session, on, news: Arc::clone(&watched.news) }
    }

    /// A visit is at that version now: whoever waits for it is told, if that is news.
    pub fn tell(&self, tenant: &TenantId, session: SessionId, version: Version) {
        let mut watches = self.watches();
        let watched = watches.get_mut(tenant).and_then(|visits| visits.get_mut(&session));
        if let Some(watched) = watched
            && watched.version < version.get()
        {
            watched.version = version.get();
            watched.news.notify_waiters();
        }
    }

    /// Somebody's device is not the one any more: whoever waits for that visit looks again.
    pub fn taken_over(&self, tenant: &TenantId, session: SessionId) {
        if let Some(watched) = self.watches().get(tenant).and_then(|visits| visits.get(&session)) {
            watched.news.notify_waiters();
        }
    }

    /// The devices on which these visits are watched.
    #[must_use]
    pub fn holders(&self, tenant: &TenantId, sessions: &[SessionId]) -> Vec<Holder> {
        let watches = self.watches();
        let Some(visits) = watches.get(tenant) else { return Vec::new() };
        let each = sessions.iter().filter_map(|session| Some((*session, visits.get(session)?)));
        let each = each.flat_map(|(session_id, watched)| {
            watched.devices.iter().map(move |(participant_id, device)| Holder {
                session_id,
                participant_id: *participant_id,
                device: device.clone(),
            })
        });
        each.collect()
    }

    /// The places of a tenant's waiting visits now, 0 for none: who knows another one is told.
    pub fn tell_places(&self, tenant: &TenantId, place: impl Fn(SessionId) -> u32) {
        let mut watches = self.watches();
        for (session, watched) in watches.get_mut(tenant).into_iter().flatten() {
            let now = place(*session);
            if watched.place.is_some_and(|known| known != now) {
                watched.place = Some(now);
                watched.news.notify_waiters();
            }
        }
    }

    /// Everything that is watched, by tenant.
    #[must_use]
    pub fn watched(&self) -> Vec<(TenantId, Vec<SessionId>)> {
        let watches = self.watches();
        watches.iter().map(|(tenant, visits)| (tenant.clone(), visits.keys().copied().collect())).collect()
    }
}

/// Watching one visit, until this is dropped.
#[derive(Debug)]
pub struct Watch {
    changes: VisitChanges,
    tenant: TenantId,
    session: SessionId,
    on: Option<(ParticipantId, DeviceId)>,
    news: Arc<Notify>,
}

impl Watch {
    /// The next news. To be asked for before the visit is read: news that come after that are not lost.
    pub fn news(&self) -> OwnedNotified {
        Arc::clone(&self.news).notified_owned()
    }

    /// What the watcher has read, the place in line only if it is one's matter: what differs from it is news, to this one
    /// and to others who watch the same visit.
    pub fn seen(&self, version: Version, place: Option<u32>) {
        let mut watches = self.changes.watches();
        let watched = watches.get_mut(&self.tenant).and_then(|visits| visits.get_mut(&self.session));
        let Some(watched) = watched else { return };
        let place = place.or(watched.place);
        if watched.version >= version.get() && watched.place == place {
            return;
        }
        watched.version = watched.version.max(version.get());
        watched.place = place;
        if watched.watchers > 1 {
            watched.news.notify_waiters();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watches = self.changes.watches();
        let Some(visits) = watches.get_mut(&self.tenant) else { return };
        if let Some(watched) = visits.get_mut(&self.session) {
            watched.watchers -= 1;
            let own = watched.devices.iter().position(|device| Some(device) == self.on.as_ref());
            own.map(|own| watched.devices.swap_remove(own));
            if watched.watchers == 0 {
                visits.remove(&self.session);
            }
        }
        if visits.is_empty() {
            watches.remove(&self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use uuid::Uuid;

    use super::*;

    fn tenant() -> TenantId {
        TenantId::parse("hosp-kabul").unwrap()
    }

    fn visit(n: u128) -> SessionId {
        SessionId::from_uuid(Uuid::from_u128(n))
    }

    /// Whether there are news already.
    fn told(news: OwnedNotified) -> bool {
        pin!(news).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_newer_version_is_news_once_and_for_those_alone_who_wait_for_that_visit() {
        let changes = VisitChanges::default();
        let (watch, other) = (changes.watch(&tenant(), visit(1), None), changes.watch(&tenant(), visit(2), None));
        watch.seen(Version::new(3), None);
        let (news, elsewhere) = (watch.news(), other.news());
        changes.tell(&tenant(), visit(1), Version::new(3));
        changes.tell(&TenantId::parse("hosp-herat").unwrap(), visit(1), Version::new(4));
        let before = watch.news();
        changes.tell(&tenant(), visit(1), Version::new(4));
        assert!(told(news) && told(before) && !told(elsewhere));
        let news = watch.news();
        changes.tell(&tenant(), visit(1), Version::new(4));
        assert!(!told(news), "it is known by now");
    }

    #[test]
    fn what_one_has_read_is_news_to_another_who_waits_for_the_same_visit() {
        let changes = VisitChanges::default();
        let (one, two) = (changes.watch(&tenant(), visit(1), None), changes.watch(&tenant(), visit(1), None));
        let news = one.news();
        two.seen(Version::new(5), Some(2));
        assert!(told(news));
    }

    #[test]
    fn another_place_is_news() {
        let changes = VisitChanges::default();
        let watch = changes.watch(&tenant(), visit(1), None);
        watch.seen(Version::new(3), Some(2));
        let (same, other) = (watch.news(), watch.news());
        changes.tell_places(&tenant(), |_| 2);
        assert!(!told(same));
        changes.tell_places(&tenant(), |_| 1);
        assert!(told(other));
    }

    #[test]
    fn to_whom_the_place_is_no_matter_another_one_is_no_news() {
        let changes = VisitChanges::default();
        let watch = changes.watch(&tenant(), visit(1), None);
        watch.seen(Version::new(3), None);
        let news = watch.news();
        changes.tell_places(&tenant(), |_| 7);
        assert!(!told(news));
    }

    #[test]
    fn nothing_is_left_of_a_watch_that_ended() {
        let changes = VisitChanges::default();
        let (one, two) = (changes.watch(&tenant(), visit(1), None), changes.watch(&tenant(), visit(1), None));
        drop(one);
        assert_eq!(changes.watched(), [(tenant(), vec![visit(1)])]);
        drop(two);
        assert!(changes.watched().is_empty());
    }
}
