//! What repeats.

use time::Duration;
use time::macros::datetime;
use vcare_app::ports::{Clock, Ids};
use vcare_testkit::{HandClock, SeededIds};

#[test]
fn a_clock_stands_until_it_is_moved_and_knows_only_whole_milliseconds() {
    let clock = HandClock::at(datetime!(2026-11-23 14:30:00.123_456_789 +4:30));
    assert_eq!(clock.now(), datetime!(2026-11-23 10:00:00.123 UTC));
    assert!(clock.now().offset().is_utc());
    clock.advance(Duration::microseconds(1_999));
    assert_eq!(clock.now(), datetime!(2026-11-23 10:00:00.124 UTC));
    clock.set(datetime!(2026-01-01 0:00 UTC));
    assert_eq!(clock.now(), datetime!(2026-01-01 0:00 UTC));
}

#[test]
fn ids_of_one_seed_repeat_and_stand_in_the_order_in_which_they_were_drawn() {
    let draw = |seed| {
        let ids = SeededIds::new(seed);
        (0..100).map(|_| ids.uuid()).collect::<Vec<_>>()
    };
    let ids = draw(7);
    assert_eq!(ids, draw(7));
    assert!(ids.is_sorted());
    assert!(ids.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
    assert!(draw(8).iter().all(|id| !ids.contains(id)));
}

#[test]
fn random_bytes_repeat_too() {
    let draw = || {
        let mut bytes = [0; 21];
        SeededIds::new(7).fill_random(&mut bytes);
        bytes
    };
    assert_eq!(draw(), draw());
    assert_ne!(draw(), [0; 21]);
}
