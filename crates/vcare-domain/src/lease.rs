//! Who is there, by what was last heard of them: a lease that ends by itself.

use std::fmt;

use time::{Duration, OffsetDateTime};

use crate::ids::ParticipantId;

/// A text that names no device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 8 to 64 letters, digits, '-' and '_'")]
pub struct InvalidDevice;

/// A person's device, by a name that its page drew: tells two devices apart and nothing about either.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DeviceId(String);

impl DeviceId {
    /// Checks a name from outside.
    ///
    /// # Errors
    /// [`InvalidDevice`].
    pub fn parse(text: &str) -> Result<Self, InvalidDevice> {
        let fits = (8..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidDevice) }
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceId(…)")
    }
}

/// What is known of somebody's page: since when, until when, and on which device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Whose.
    pub participant_id: ParticipantId,
    /// The device that holds it; `None` while no page named one.
    pub device: Option<DeviceId>,
    /// The moment that the newest news of them is about.
    pub heard_at: OffsetDateTime,
    /// When it ends by itself.
    pub expires_at: OffsetDateTime,
    /// A beacon promised the next one before [`Self::expires_at`]: who breaks that has lost the connection.
    pub promised: bool,
}

impl Lease {
    /// How long one sign of life holds. A phone on 2G may be silent for a minute and still be there.
    pub const LASTS: Duration = Duration::seconds(120);
    /// How old the last sign of life must be before another one is worth writing down.
    pub const WRITE_AFTER: Duration = Duration::seconds(30);

    /// Whether the person is taken to be there.
    #[must_use]
    pub fn is_live(&self, now: OffsetDateTime) -> bool {
        self.expires_at > now
    }

    /// Whether another device than that one is there. A device without a name is nobody's rival.
    #[must_use]
    pub fn is_anothers(&self, device: Option<&DeviceId>, now: OffsetDateTime) -> bool {
        match (&self.device, device) {
            (Some(holder), Some(device)) => self.is_live(now) && holder != device,
            _ => false,
        }
    }

    /// Whether a sign of life of that device would change nothing worth writing down.
    #[must_use]
    pub fn is_fresh(&self, device: Option<&DeviceId>, now: OffsetDateTime) -> bool {
        let same = device.is_none() || self.device.as_ref() == device;
        same && self.is_live(now) && now - self.heard_at < Self::WRITE_AFTER
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn device(name: &str) -> DeviceId {
        DeviceId::parse(name).unwrap()
    }

    fn lease(name: Option<&str>) -> Lease {
        Lease {
            participant_id: ParticipantId::from_uuid(Uuid::from_u128(1)),
            device: name.map(device),
            heard_at: NOON,
            expires_at: NOON + Lease::LASTS,
            promised: false,
        }
    }

    #[test]
    fn a_device_has_a_plain_name_of_some_length() {
        for good in ["a1b2c3d4", "A-_9A-_9", &"x".repeat(64)] {
            assert!(DeviceId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "short", "with blank", "مبایلمبایل", "semi;colon", &"x".repeat(65), &"x".repeat(1 << 20)]
        {
            assert!(DeviceId::parse(bad).is_err());
        }
    }

    #[test]
    fn a_lease_is_anothers_only_while_it_lives_and_only_for_devices_with_a_name() {
        let (own, other) = (device("phone-one"), device("phone-two"));
        let held = lease(Some("phone-one"));
        let (last, over) = (NOON + Lease::LASTS - Duration::MILLISECOND, NOON + Lease::LASTS);
        assert!(held.is_anothers(Some(&other), last) && !held.is_anothers(Some(&other), over));
        assert!(!held.is_anothers(Some(&own), last) && !held.is_anothers(None, last));
        assert!(!lease(None).is_anothers(Some(&other), NOON));
    }

    #[test]
    fn a_sign_of_life_is_written_down_every_half_minute_and_for_a_new_device() {
        let held = lease(Some("phone-one"));
        let (soon, later) = (NOON + Duration::seconds(29), NOON + Duration::seconds(30));
        assert!(held.is_fresh(Some(&device("phone-one")), soon) && held.is_fresh(None, soon));
        assert!(!held.is_fresh(None, later) && !held.is_fresh(Some(&device("phone-two")), soon));
    }
}
