//! Who and what there is in a test.

/// The tenant of most tests.
pub const TENANT: &str = "hosp-kabul";
/// Another tenant, whose people must see nothing of the first.
pub const OTHER_TENANT: &str = "hosp-herat";
/// A patient with every consent.
pub const CONSENTED: &str = "pat-ahmad-rahimi";
/// A patient with none.
pub const NO_CONSENT: &str = "pat-no-consent";
/// A patient who may be cared for but not recorded.
pub const NO_RECORDING_CONSENT: &str = "pat-no-recording";
/// What a Jitsi server shows that both tenants share.
pub const INTERNAL_TOKEN: &str = "internal-token-of-the-tests-0123456789";
