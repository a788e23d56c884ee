//! The stream: created when it is missing, widened when it is too narrow, otherwise left alone.

use std::time::Duration;

use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::jetstream::{Context, ErrorCode};

use crate::config::StreamConfig;
use crate::contents;
use crate::error::NatsError;

/// The stream's name.
pub const STREAM: &str = "VIRTUAL_CARE";

/// The subjects it takes.
pub const STREAM_SUBJECTS: &str = "virtual_care.>";

/// The stream as we create it.
fn wanted(config: &StreamConfig) -> Config {
    Config {
        name: STREAM.to_owned(),
        description: Some("Events of the virtual care service".to_owned()),
        subjects: vec![STREAM_SUBJECTS.to_owned()],
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        max_age: config.max_age,
        duplicate_window: config.duplicate_window,
        num_replicas: config.replicas,
        // An event that was published stays published; operators may still purge.
        deny_delete: true,
        ..Config::default()
    }
}

/// The existing stream made as wide as we want it, or `None` when it is. Nothing that an operator set wider is narrowed, and
/// nothing that would delete events is changed.
fn widened(existing: &Config, wanted: &Config) -> Option<Config> {
    let mut config = existing.clone();
    let takes_all = |subject: &String| subject == STREAM_SUBJECTS || subject == ">";
    if !config.subjects.iter().any(takes_all) {
        // JetStream refuses subjects of one stream that overlap.
        let prefix = STREAM_SUBJECTS.trim_end_matches('>');
        config.subjects.retain(|subject| !subject.starts_with(prefix));
        config.subjects.push(STREAM_SUBJECTS.to_owned());
    }
    config.max_age = longer_age(config.max_age, wanted.max_age);
    config.duplicate_window = config.duplicate_window.max(wanted.duplicate_window);
    config.num_replicas = config.num_replicas.max(wanted.num_replicas);
    (config != *existing).then_some(config)
}

/// The longer of two ages, where zero is for ever.
fn longer_age(a: Duration, b: Duration) -> Duration {
    if a.is_zero() || b.is_zero() { Duration::ZERO } else { a.max(b) }
}

/// The existing stream with the age that we want, or `None` when it keeps events no longer than that.
fn shortened(existing: &Config, max_age: Duration) -> Option<Config> {
    if longer_age(existing.max_age, max_age) == max_age {
        return None;
    }
    // JetStream refuses to know ids for longer than it keeps messages.
    Some(Config { max_age, duplicate_window: existing.duplicate_window.min(max_age), ..existing.clone() })
}

/// Shortens how long a stream keeps messages to what is configured. The server deletes at once what is older. Answers whether it
/// kept them for longer before; `false` for a stream that does not exist.
pub(crate) async fn shorten(jetstream: &Context, name: &str, config: &StreamConfig) -> Result<bool, NatsError> {
    let Some(stream) = contents::named(jetstream, name).await? else { return Ok(false) };
    let Some(shorter) = shortened(&stream.cached_info().config, config.max_age) else { return Ok(false) };
    jetstream.update_stream(&shorter).await.map_err(|error| NatsError::Refused(Box::new(error)))?;
    tracing::info!(stream = name, "the stream keeps messages for a shorter time than before");
    Ok(true)
}

/// Creates or widens the stream.
pub(crate) async fn ensure(jetstream: &Context, config: &StreamConfig) -> Result<(), NatsError> {
    let wanted = wanted(config);
    let existing = match jetstream.get_stream(STREAM).await {
        Ok(stream) => stream.cached_info().config.clone(),
        Err(error) => {
            return match error.kind() {
                GetStreamErrorKind::JetStream(reason) if reason.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                    jetstream.create_stream(wanted).await.map_err(|error| NatsError::Refused(Box::new(error)))?;
                    tracing::info!(stream = STREAM, "the stream was created");
                    Ok(())
                }
                _ => Err(NatsError::Refused(Box::new(error))),
            };
        }
    };
    if existing.storage != StorageType::File || existing.retention != RetentionPolicy::Limits {
        tracing::warn!(
            stream = STREAM,
            "the existing stream is not on file or not kept by limits: events may get lost"
        );
    }
    if let Some(config) = widened(&existing, &wanted) {
        match jetstream.update_stream(&config).await {
            Ok(_) => tracing::info!(stream = STREAM, "the existing stream was widened"),
            // Publishing is tried all the same: a stream that is too narrow in some way still keeps events.
            Err(error) => {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::warn!(error, stream = STREAM, "the existing stream could not be widened");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn existing(change: impl FnOnce(&mut Config)) -> Config {
        let mut config = wanted(&StreamConfig::default());
        change(&mut config);
        config
    }

    fn widened_by_default(existing: &Config) -> Option<Config> {
        widened(existing, &wanted(&StreamConfig::default()))
    }

    #[test]
    fn a_nats_stream_as_wide_as_wanted_or_wider_is_left_alone() {
        assert_eq!(widened_by_default(&existing(|_| {})), None);
        let wider = existing(|config| {
            config.subjects = vec![">".to_owned()];
            config.max_age = Duration::ZERO;
            config.duplicate_window = 24 * HOUR;
            config.num_replicas = 5;
            config.max_messages = 10;
            config.deny_delete = false;
        });
        assert_eq!(widened_by_default(&wider), None);
    }

    #[test]
    fn a_nats_stream_that_is_too_narrow_is_widened_and_keeps_the_rest() {
        let narrow = existing(|config| {
            config.subjects =
                ["other.>", "virtual_care.session.>", "virtual_care.audit.*.v1"].map(str::to_owned).into();
            config.max_age = HOUR;
            config.duplicate_window = HOUR / 30;
            config.max_bytes = 1 << 30;
        });
        let widened = widened_by_default(&narrow).unwrap();
        assert_eq!(widened.subjects, ["other.>", STREAM_SUBJECTS]);
        assert_eq!((widened.max_age, widened.duplicate_window), (30 * 24 * HOUR, 2 * HOUR));
        assert_eq!(widened.max_bytes, 1 << 30);
    }

    #[test]
    fn a_nats_stream_is_shortened_to_the_age_that_is_wanted_and_never_lengthened() {
        let of_age = |max_age| existing(|config| config.max_age = max_age);
        for longer in [Duration::ZERO, 31 * 24 * HOUR] {
            let shorter = shortened(&of_age(longer), 30 * 24 * HOUR).unwrap();
            assert_eq!(shorter, of_age(30 * 24 * HOUR), "only its age is changed");
        }
        for kept in [30 * 24 * HOUR, HOUR] {
            assert_eq!(shortened(&of_age(kept), 30 * 24 * HOUR), None);
        }
        let long_memory = existing(|config| config.duplicate_window = 48 * HOUR);
        assert_eq!(shortened(&long_memory, 24 * HOUR).unwrap().duplicate_window, 24 * HOUR);
    }
}
