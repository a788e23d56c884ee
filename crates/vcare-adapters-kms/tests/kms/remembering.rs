//! What the vault remembers, for how long, and what it does meanwhile.

use time::Duration;
use vcare_app::ports::{Secret, SecretName, SecretStore, TenantSecrets};

use crate::support::{BROUGHT, Bench, denied, tenant, timed_out, told};

const NAME: SecretName = SecretName::JitsiJwtSecret;

#[tokio::test]
async fn a_key_is_asked_for_once_in_five_minutes() {
    let bench = Bench::new();
    let first = bench.managed("kabul").await.unwrap();
    bench.clock.advance(Duration::seconds(299));
    assert_eq!(bench.managed("kabul").await.unwrap().expose(), first.expose());
    assert_eq!(bench.keeper.asked(), 1);
    bench.clock.advance(Duration::SECOND);
    assert_eq!(bench.managed("kabul").await.unwrap().expose(), first.expose());
    assert_eq!(bench.keeper.asked(), 2);
    bench.managed("herat").await.unwrap();
    assert_eq!(bench.keeper.asked(), 3, "each tenant's own");
}

#[tokio::test]
async fn of_several_who_want_a_key_one_asks() {
    let bench = Bench::new();
    let held = bench.keeper.hold_back();
    let let_go = async { drop(held) };
    let (a, b, c, ()) = tokio::join!(bench.managed("kabul"), bench.managed("kabul"), bench.managed("kabul"), let_go);
    let a = a.unwrap();
    assert!([b.unwrap(), c.unwrap()].iter().all(|other| other.expose() == a.expose()));
    assert_eq!(bench.keeper.asked(), 1);
}

#[tokio::test]
async fn of_several_who_want_a_key_that_cannot_be_had_one_asks_and_all_are_told() {
    let bench = Bench::new();
    bench.keeper.be(Some(timed_out()));
    let held = bench.keeper.hold_back();
    let let_go = async { drop(held) };
    let (a, b, c, ()) = tokio::join!(bench.managed("kabul"), bench.managed("kabul"), bench.managed("kabul"), let_go);
    assert!(a.is_err() && b.is_err() && c.is_err());
    assert_eq!(bench.keeper.asked(), 1);
    assert!(bench.managed("kabul").await.is_err());
    assert_eq!(bench.keeper.asked(), 1, "nor in the second after it");
    bench.clock.advance(Duration::SECOND);
    bench.keeper.be(None);
    assert!(bench.managed("kabul").await.is_ok());
}

#[tokio::test]
async fn who_asked_and_went_away_leaves_the_question_to_the_next() {
    let bench = Bench::new();
    let held = bench.keeper.hold_back();
    let gone = tokio::select! {
        biased;
        _ = bench.managed("kabul") => false,
        () = std::future::ready(()) => true,
    };
    drop(held);
    assert!(gone && bench.managed("kabul").await.is_ok());
    assert_eq!(bench.keeper.asked(), 2);
}

#[tokio::test]
async fn while_the_keeper_is_down_what_is_remembered_goes_on_for_an_hour() {
    let bench = Bench::new();
    let secret = bench.managed("kabul").await.unwrap();
    bench.keeper.be(Some(timed_out()));
    bench.clock.advance(Duration::minutes(5));
    for _ in 0..3 {
        assert_eq!(bench.managed("kabul").await.unwrap().expose(), secret.expose());
    }
    assert_eq!(bench.keeper.asked(), 2, "who comes while it is known to be down does not wait for it");
    bench.clock.advance(Duration::seconds(5));
    bench.managed("kabul").await.unwrap();
    assert_eq!(bench.keeper.asked(), 3, "it is asked now and then");
    assert!(bench.managed("herat").await.is_err(), "who was not in use is told so");
    bench.clock.advance(Duration::minutes(60) - Duration::seconds(6));
    assert!(bench.managed("kabul").await.is_ok());
    bench.clock.advance(Duration::SECOND);
    assert!(bench.managed("kabul").await.is_err(), "and no longer");
    bench.clock.advance(Duration::SECOND);
    bench.keeper.be(None);
    assert_eq!(bench.managed("kabul").await.unwrap().expose(), secret.expose(), "it heals by itself");
}

#[tokio::test]
async fn who_comes_while_an_old_key_is_asked_for_anew_is_served_the_old_one() {
    let bench = Bench::new();
    bench.managed("kabul").await.unwrap();
    bench.clock.advance(Duration::minutes(5));
    let held = bench.keeper.hold_back();
    let second = async {
        let served = bench.managed("kabul").await;
        drop(held);
        served
    };
    let (first, second) = tokio::join!(bench.managed("kabul"), second);
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(bench.keeper.asked(), 2);
}

#[tokio::test]
async fn a_no_is_meant_and_ends_what_is_remembered() {
    let bench = Bench::new();
    bench.managed("kabul").await.unwrap();
    bench.clock.advance(Duration::minutes(5));
    bench.keeper.be(Some(denied()));
    assert!(bench.managed("kabul").await.is_err());
    bench.clock.advance(Duration::seconds(10));
    bench.keeper.be(Some(timed_out()));
    assert!(bench.managed("kabul").await.is_err(), "an outage after it brings nothing back");
}

#[tokio::test]
async fn a_clock_that_is_set_makes_no_key_younger_or_older() {
    let bench = Bench::new();
    bench.managed("kabul").await.unwrap();
    for step in [-Duration::HOUR, Duration::DAY, -Duration::DAY] {
        bench.clock.step(step);
        bench.managed("kabul").await.unwrap();
        assert_eq!(bench.keeper.asked(), 1);
    }
    bench.clock.advance(Duration::HOUR);
    bench.managed("kabul").await.unwrap();
    assert_eq!(bench.keeper.asked(), 2);
}

#[tokio::test]
async fn a_brought_secret_goes_before_the_derived_one_until_it_is_removed() {
    let bench = Bench::new();
    let kabul = tenant("kabul");
    let managed = bench.vault.jitsi_secret(&kabul).await.unwrap();
    bench.bring("kabul", NAME, 1, BROUGHT).await;
    assert_eq!(bench.vault.jitsi_secret(&kabul).await.unwrap().expose(), managed.expose(), "for half a minute");
    bench.clock.advance(Duration::seconds(30));
    assert_eq!(bench.vault.jitsi_secret(&kabul).await.unwrap().expose(), BROUGHT.as_bytes());
    assert_eq!(bench.vault.brought(&kabul, NAME).await.unwrap().unwrap().expose(), BROUGHT.as_bytes());
    assert!(bench.vault.brought(&kabul, SecretName::ZoomApiKey).await.unwrap().is_none());
    assert!(bench.vault.brought(&tenant("herat"), NAME).await.unwrap().is_none());
    bench.shelf.change(&kabul, |kept| kept.sealed.clear());
    bench.vault.forget(&kabul);
    assert_eq!(
        bench.vault.jitsi_secret(&kabul).await.unwrap().expose(),
        managed.expose(),
        "at once where it was removed"
    );
}

#[tokio::test]
async fn a_secret_that_was_removed_and_set_again_is_the_new_one() {
    let bench = Bench::new();
    let kabul = tenant("kabul");
    bench.bring("kabul", NAME, 1, BROUGHT).await;
    bench.vault.jitsi_secret(&kabul).await.unwrap();
    let other = BROUGHT.replace("brought", "BROUGHT");
    bench.bring("kabul", NAME, 1, &other).await;
    bench.vault.forget(&kabul);
    assert_eq!(bench.vault.jitsi_secret(&kabul).await.unwrap().expose(), other.as_bytes());
}

#[tokio::test]
async fn a_sealed_value_in_another_tenants_row_or_under_another_name_or_version_does_not_open() {
    let bench = Bench::new();
    let sealed = bench.bring("kabul", NAME, 2, BROUGHT).await;
    bench.shelve("herat", NAME, sealed.clone());
    assert!(bench.vault.jitsi_secret(&tenant("herat")).await.is_err());
    bench.shelve("ghazni", SecretName::ZoomApiKey, sealed.clone());
    assert!(bench.vault.brought(&tenant("ghazni"), SecretName::ZoomApiKey).await.is_err());
    let mut older = sealed;
    older.version = 1;
    bench.shelve("kabul", NAME, older);
    let refused = bench.vault.jitsi_secret(&tenant("kabul")).await.unwrap_err();
    assert!(!told(&refused).contains(BROUGHT), "{}", told(&refused));
}

#[tokio::test]
async fn what_opens_and_cannot_be_that_secret_is_not_used() {
    let bench = Bench::new();
    bench.bring("kabul", NAME, 1, "too short").await;
    assert!(bench.vault.jitsi_secret(&tenant("kabul")).await.is_err());
}

#[tokio::test]
async fn nothing_is_guessed_when_the_database_does_not_say_what_there_is() {
    let bench = Bench::new();
    let kabul = tenant("kabul");
    bench.vault.jitsi_secret(&kabul).await.unwrap();
    bench.shelf.be_down(true);
    assert!(bench.vault.jitsi_secret(&kabul).await.is_ok(), "known for half a minute");
    bench.clock.advance(Duration::seconds(30));
    assert!(bench.vault.jitsi_secret(&kabul).await.is_err());
}

#[tokio::test]
async fn nothing_that_can_be_printed_holds_a_secret() {
    let bench = Bench::new();
    let kabul = tenant("kabul");
    bench.bring("kabul", NAME, 1, BROUGHT).await;
    let secret = bench.vault.jitsi_secret(&kabul).await.unwrap();
    let brought = Secret::new(BROUGHT);
    let mut kept = None;
    bench.shelf.change(&kabul, |stored| kept = Some(stored.clone()));
    let printed = format!("{:?} {secret:?} {brought:?} {kept:?} {:?}", bench.vault, bench.shelf);
    assert!(printed.contains("SealedSecret(") && !printed.contains(BROUGHT), "{printed}");
}
