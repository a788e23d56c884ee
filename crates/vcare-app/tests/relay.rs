//! The relay, against an outbox and a stream in memory that fail to order.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod relay_support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use relay_support::{Chance, Fate, Running, Stream, Table, event, quick, relay};
use vcare_app::relay::{Drained, Pace};
use vcare_testkit::until;

fn assert_all_in_order(stream: &Stream, table: &Table, total: usize) {
    assert_eq!(table.positions(), [0_i64; 0], "something stayed in the outbox");
    assert_eq!(stream.stored().len(), total, "something was lost or stored twice");
    for (key, positions) in stream.by_key() {
        assert!(positions.is_sorted(), "key {key} is out of order: {positions:?}");
    }
}

fn random_keys(chance: &Chance, count: usize, keys: u64) -> Vec<String> {
    (0..count).map(|_| format!("key {}", chance.next() % keys)).collect()
}

#[tokio::test]
async fn events_of_different_keys_are_published_side_by_side() {
    let table = Table::with(["a", "b", "c", "a", "b", "a"]);
    let stream = Stream::new(|_| Fate::Taken);
    let drained = relay(&table, &stream, quick()).drain().await.unwrap();
    assert_eq!(drained, Drained { led: true, published: 6, held: 0 });
    assert_eq!(stream.calls.load(Ordering::SeqCst), 3);
    assert_all_in_order(&stream, &table, 6);
}

#[tokio::test]
async fn whatever_fails_nothing_is_lost_and_every_key_keeps_its_order() {
    for seed in 0..200 {
        let chance = Arc::new(Chance::new(seed));
        let keys = random_keys(&chance, 60, 1 + seed % 20);
        let table = Table::with(keys.iter().map(String::as_str));
        let luck = Arc::clone(&chance);
        let stream = Stream::new(move |_| match luck.next() % 6 {
            0 | 1 => Fate::Refused,
            2 => Fate::AcknowledgementLost,
            _ => Fate::Taken,
        });
        let relay = relay(&table, &stream, quick());
        while !table.positions().is_empty() {
            // A crash between publishing and deleting, now and then.
            table.deletes_to_fail.store(u32::from(chance.one_in(4)), Ordering::SeqCst);
            let _ = relay.drain().await;
        }
        assert_all_in_order(&stream, &table, 60);
    }
}

#[tokio::test]
async fn two_relays_that_crash_and_take_over_lose_nothing_and_keep_the_order() {
    for seed in 0..20 {
        let chance = Arc::new(Chance::new(seed));
        let keys = random_keys(&chance, 300, 7);
        let table = Table::with(keys.iter().map(String::as_str));
        let luck = Arc::clone(&chance);
        let stream = Stream::new(move |_| if luck.one_in(3) { Fate::AcknowledgementLost } else { Fate::Taken });
        let start = || Running::start(relay(&table, &stream, quick()));
        let mut running = [start(), start()];
        while !table.positions().is_empty() {
            let stored = stream.stored().len();
            until("some more is stored", async || stream.stored().len() > stored || table.positions().is_empty()).await;
            let victim = usize::from(chance.one_in(2));
            std::mem::replace(&mut running[victim], start()).crash().await;
        }
        for relay in running {
            relay.stop().await;
        }
        assert_all_in_order(&stream, &table, 300);
    }
}

#[tokio::test]
async fn an_event_is_published_again_only_after_a_crash_between_publishing_and_deleting() {
    let keys: Vec<String> = random_keys(&Chance::new(1), 100, 10);
    let table = Table::with(keys.iter().map(String::as_str));
    let chance = Chance::new(2);
    let stream = Stream::new(move |_| if chance.one_in(3) { Fate::Refused } else { Fate::Taken });
    let relay = relay(&table, &stream, quick());

    table.deletes_to_fail.store(1, Ordering::SeqCst);
    assert!(relay.drain().await.is_err());
    let published_before_the_crash = stream.stored().len();
    assert!((1..=8).contains(&published_before_the_crash), "a crash concerns one batch");

    while !table.positions().is_empty() {
        relay.drain().await.unwrap();
    }
    assert_eq!(stream.duplicates(), published_before_the_crash);
    assert_all_in_order(&stream, &table, 100);
}

#[tokio::test(start_paused = true)]
async fn acknowledged_events_are_deleted_before_a_slow_batch_is_through() {
    let table = Table::with(["a", "a", "a", "a"]);
    let stream = {
        let table = Arc::clone(&table);
        Stream::slow(Duration::from_millis(150), move |event| {
            let pending = table.positions();
            assert!(event.position < 4 || pending.len() < 4, "all four are still in the outbox");
            Fate::Taken
        })
    };
    relay(&table, &stream, quick()).drain().await.unwrap();
    assert_all_in_order(&stream, &table, 4);
}

#[tokio::test]
async fn a_refused_event_holds_back_its_own_key_only_however_many_wait_behind_it() {
    let stuck = std::iter::repeat_n("stuck", 30);
    let table = Table::with(stuck.chain(["a", "b", "a"]));
    let stream = Stream::new(|event| if event.ordering_key == "stuck" { Fate::Refused } else { Fate::Taken });
    let running = Running::start(relay(&table, &stream, quick()));
    until("the others are published", async || stream.stored().len() == 3).await;

    table.insert(event(50, "late"));
    running.wake.ring();
    until("a later one is published too", async || stream.stored().len() == 4).await;

    stream.fate(|_| Fate::Taken);
    until("the key goes on when its event is taken", async || table.positions().is_empty()).await;
    running.stop().await;
    assert_all_in_order(&stream, &table, 34);
}

#[tokio::test]
async fn an_outbox_full_of_stuck_events_is_not_read_again_and_again() {
    let table = Table::with(["a"].into_iter().chain(std::iter::repeat_n("stuck", 30)));
    let stream = Stream::new(|event| if event.ordering_key == "stuck" { Fate::Refused } else { Fate::Taken });
    let wait = Duration::from_millis(20);
    let pace = Pace { window: 8, poll: wait, shortest_backoff: wait, longest_backoff: wait, ..quick() };
    let running = Running::start(relay(&table, &stream, pace));
    until("it has tried five times", async || stream.calls.load(Ordering::SeqCst) >= 5).await;
    let reads = table.reads.load(Ordering::SeqCst);
    assert!(reads <= 25, "{reads} reads for five attempts");
    running.stop().await;
}

#[tokio::test]
async fn draining_stops_when_nothing_of_what_is_left_goes_through() {
    let table = Table::with(["a", "b", "a", "c"]);
    let stream = Stream::new(|event| if event.ordering_key == "a" { Fate::Refused } else { Fate::Taken });
    let drained = relay(&table, &stream, quick()).drain().await.unwrap();
    assert_eq!(drained, Drained { led: true, published: 2, held: 2 });
    assert_eq!(table.positions(), [1, 3]);
}

#[tokio::test]
async fn draining_does_nothing_while_another_process_leads() {
    let table = Table::with(["a"]);
    let stream = Stream::new(|_| Fate::Refused);
    let leader = Running::start(relay(&table, &stream, quick()));
    until("it leads", async || table.is_led()).await;
    assert_eq!(relay(&table, &stream, quick()).drain().await.unwrap(), Drained::default());
    leader.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_stream_is_waited_out_without_asking_all_the_time() {
    let table = Table::with(["a", "b", "c"]);
    let stream = Stream::new(|_| Fate::Refused);
    let pace =
        Pace { shortest_backoff: Duration::from_millis(40), longest_backoff: Duration::from_millis(80), ..quick() };
    let begun = tokio::time::Instant::now();
    let running = Running::start(relay(&table, &stream, pace));
    for attempts in 1..=5 {
        running.wake.ring();
        until("it asks again", async || stream.calls.load(Ordering::SeqCst) >= attempts).await;
    }
    // 40 + 80 + 80 + 80 ms, less the spread of 20 %.
    assert!(begun.elapsed() >= Duration::from_millis(220), "five attempts within {:?}", begun.elapsed());

    stream.fate(|_| Fate::Taken);
    until("all is published", async || table.positions().is_empty()).await;
    assert_eq!(table.leads_given.load(Ordering::SeqCst), 1, "it kept the lead through the outage");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_answers_is_not_waited_for_and_nothing_is_lost() {
    let table = Table::with(["a", "b", "a"]);
    let stream = Stream::new(|_| Fate::Taken);
    stream.gate.forget_permits(usize::MAX);
    let relay = relay(&table, &stream, quick());
    assert_eq!(relay.drain().await.unwrap(), Drained { led: true, published: 0, held: 3 });
    assert_eq!(table.positions(), [1, 2, 3]);
    stream.gate.add_permits(1);
    assert_eq!(relay.drain().await.unwrap(), Drained { led: true, published: 3, held: 0 });
    assert_all_in_order(&stream, &table, 3);
}

#[tokio::test]
async fn a_ring_wakes_the_relay_at_once() {
    let table = Table::with([]);
    let stream = Stream::new(|_| Fate::Taken);
    let pace = Pace { poll: Duration::from_secs(3600), ..quick() };
    let running = Running::start(relay(&table, &stream, pace));
    until("it leads", async || table.is_led()).await;
    for position in 1..=20 {
        table.insert(event(position, "a"));
        running.wake.ring();
        until("it is published", async || stream.stored().len() == usize::try_from(position).unwrap()).await;
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn of_many_rings_the_first_is_answered_at_once_and_the_others_by_one_look() {
    let table = Table::with([]);
    let stream = Stream::new(|_| Fate::Taken);
    let long = Duration::from_secs(3600);
    let pace = Pace { poll: long, gather: Duration::from_secs(1), keep: Duration::ZERO, ..quick() };
    let running = Running::start(relay(&table, &stream, pace));
    until("it leads", async || table.reads.load(Ordering::SeqCst) == 1).await;
    tokio::time::advance(Duration::from_secs(2)).await;

    let rung = tokio::time::Instant::now();
    table.insert(event(1, "a"));
    running.wake.ring();
    until("it is published", async || stream.stored().len() == 1).await;
    assert!(rung.elapsed() < Duration::from_millis(500), "it took {:?}", rung.elapsed());
    for position in 2..=6 {
        table.insert(event(position, "a"));
        running.wake.ring();
        tokio::task::yield_now().await;
    }
    assert_eq!(stream.stored().len(), 1);
    until("the others are published", async || stream.stored().len() == 6).await;
    assert!(rung.elapsed() >= Duration::from_secs(1), "it took {:?}", rung.elapsed());
    // Whatever rang before it looked, it does not look for again.
    tokio::time::advance(long / 2).await;
    assert_eq!(table.reads.load(Ordering::SeqCst), 3);
    running.stop().await;
    assert_all_in_order(&stream, &table, 6);
}

#[tokio::test]
async fn events_written_by_another_process_are_found_without_a_ring() {
    let table = Table::with([]);
    let stream = Stream::new(|_| Fate::Taken);
    let running = Running::start(relay(&table, &stream, quick()));
    until("it leads", async || table.is_led()).await;
    table.insert(event(1, "a"));
    until("it is published", async || table.positions().is_empty()).await;
    running.stop().await;
}

#[tokio::test]
async fn a_lead_lost_with_the_database_is_won_again() {
    let table = Table::with(["a", "a", "b"]);
    let stream = Stream::new(|_| Fate::Taken);
    table.deletes_to_fail.store(2, Ordering::SeqCst);
    let running = Running::start(relay(&table, &stream, quick()));
    until("all is published", async || table.positions().is_empty()).await;
    assert_eq!(table.leads_given.load(Ordering::SeqCst), 3);
    running.stop().await;
    assert_all_in_order(&stream, &table, 3);
}

#[tokio::test]
async fn shutting_down_finishes_the_wave_under_way_and_gives_the_lead_away() {
    let table = Table::with(["a", "b", "a"]);
    let stream = Stream::new(|_| Fate::Taken);
    stream.gate.forget_permits(usize::MAX);
    let running = Running::start(relay(&table, &stream, quick()));
    until("a wave is under way", async || stream.calls.load(Ordering::SeqCst) == 1).await;
    running.tell_to_stop();
    assert!(!running.has_stopped());
    stream.gate.add_permits(1);
    running.stop().await;

    assert_eq!(table.positions(), [3], "the first wave is deleted, the second was not begun");
    assert_eq!(stream.calls.load(Ordering::SeqCst), 1);
    assert!(!table.is_led());
}

#[tokio::test]
async fn the_backlog_is_measured_while_leading_even_during_a_slow_publish() {
    let table = Table::with(["a"]);
    let stream = Stream::new(|_| Fate::Taken);
    stream.gate.forget_permits(usize::MAX);
    let leader = Running::start(relay(&table, &stream, quick()));
    until("it is measured again and again", async || table.measured.load(Ordering::SeqCst) >= 3).await;
    stream.gate.add_permits(1);
    leader.stop().await;
}

#[tokio::test]
async fn events_that_the_stream_acknowledged_and_lost_are_published_again() {
    let table = Table::with(["a", "b", "a", "c", "b", "a", "c", "c"]);
    let stream = Stream::new(|_| Fate::Taken);
    let running = Running::start(relay(&table, &stream, quick()));
    until("all are published", async || stream.stored().len() == 8 && table.kept() == 8).await;
    stream.forget_from(3);
    until("the lost ones are published again", async || stream.stored().len() == 8 && table.kept() == 8).await;
    running.stop().await;
    assert_all_in_order(&stream, &table, 8);
}

#[tokio::test]
async fn numbers_that_are_used_again_tell_that_the_stream_has_lost_events() {
    let table = Table::with(["a", "b", "a", "b", "a", "b"]);
    let stream = Stream::new(|_| Fate::Taken);
    // It never looks by itself: only the acknowledgements can tell.
    let pace = Pace { look_every: Duration::from_secs(3600), ..quick() };
    let running = Running::start(relay(&table, &stream, pace));
    until("all are published", async || table.kept() == 6).await;
    stream.forget_from(2);
    for position in 7..20 {
        table.insert(event(position, "c"));
    }
    until("nothing is missing", async || stream.stored().len() == 19 && table.positions().is_empty()).await;
    running.stop().await;
    let mut stored = stream.stored();
    stored.sort_unstable();
    assert_eq!(stored, (1..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_event_that_was_deleted_by_hand_is_put_back_only_once() {
    let table = Table::with(["a", "b", "c", "d"]);
    let stream = Stream::new(|_| Fate::Taken);
    let running = Running::start(relay(&table, &stream, quick()));
    until("all are published", async || table.kept() == 4).await;
    stream.delete(4);
    // The stream drops it by its id: it is not kept again, and so not looked for again.
    until("it is looked for no more", async || table.kept() == 3 && table.positions().is_empty()).await;
    table.insert(event(5, "e"));
    until("the others go on", async || table.kept() == 4).await;
    running.stop().await;
    assert_eq!((table.put_back.load(Ordering::SeqCst), stream.duplicates()), (1, 1));
}

#[tokio::test]
async fn an_acknowledgement_that_was_lost_makes_nobody_look_through_the_stream() {
    let chance = Arc::new(Chance::new(3));
    let keys = random_keys(&chance, 60, 20);
    let table = Table::with(keys.iter().map(String::as_str));
    let stream = Stream::new(move |_| if chance.one_in(3) { Fate::AcknowledgementLost } else { Fate::Taken });
    let pace = Pace { look_every: Duration::from_secs(3600), ..quick() };
    let running = Running::start(relay(&table, &stream, pace));
    until("all are published", async || table.positions().is_empty()).await;
    table.insert(event(61, "last"));
    until("the last one as well", async || table.positions().is_empty()).await;
    running.stop().await;
    assert!(stream.duplicates() > 0);
    assert_eq!(stream.looked_through.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn nothing_is_kept_where_that_is_switched_off() {
    let table = Table::with(["a", "b"]);
    let stream = Stream::new(|_| Fate::Taken);
    let pace = Pace { keep: Duration::ZERO, ..quick() };
    let drained = relay(&table, &stream, pace).drain().await.unwrap();
    assert_eq!((drained.published, table.kept()), (2, 0));
}
