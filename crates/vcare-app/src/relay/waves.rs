//! What may be published side by side.

use std::collections::HashMap;

use crate::ports::StoredEvent;

/// Sorts events into waves: wave *k* holds the *k*-th event of each ordering key, so that one wave after another keeps every
/// key's order, and within a wave no two events share a key.
pub(super) fn waves(events: Vec<StoredEvent>) -> Vec<Vec<StoredEvent>> {
    let mut waves: Vec<Vec<StoredEvent>> = Vec::new();
    let mut next: HashMap<String, usize> = HashMap::new();
    for event in events {
        let wave = next.entry(event.ordering_key.clone()).or_default();
        match waves.get_mut(*wave) {
            Some(events) => events.push(event),
            None => waves.push(vec![event]),
        }
        *wave += 1;
    }
    waves
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;
    use vcare_domain::EventId;

    use super::*;

    #[test]
    fn a_wave_holds_one_event_of_each_key_in_the_order_of_writing() {
        let events = "aabacb".chars().zip(1..).map(|(key, position)| StoredEvent {
            position,
            id: EventId::from_uuid(Uuid::from_u128(1)),
            subject: String::new(),
            ordering_key: key.to_string(),
            body: Vec::new(),
        });
        let positions: Vec<Vec<i64>> =
            waves(events.collect()).iter().map(|wave| wave.iter().map(|event| event.position).collect()).collect();
        assert_eq!(positions, [vec![1, 3, 5], vec![2, 6], vec![4]]);
    }
}
