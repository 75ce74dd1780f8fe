//! How auto-configuration is doing.

use ld_dynamodb_relay::roster::{AutoConfigErrorKind, AutoConfigState};

use crate::world::{World, entry, environment};

#[track_caller]
fn check(world: &World, state: AutoConfigState, since_ms: u64) {
    let status = world.roster.status();
    assert_eq!((status.state, status.since_ms), (state, since_ms));
}

#[test]
fn it_initializes_until_the_first_event_whatever_fails_before() {
    let mut world = World::default();
    world.roster.failed(AutoConfigErrorKind::Response(401), 5);
    check(&world, AutoConfigState::Initializing, 0);
    let error = world.roster.status().last_error.unwrap();
    assert_eq!(
        (error.kind, error.time_ms),
        (AutoConfigErrorKind::Response(401), 5)
    );
    world.roster.opened();
    world.roster.heed_cache(vec![entry(&environment("a", 1))]);
    check(&world, AutoConfigState::Initializing, 0);
    world.hear("put", "{");
    check(&world, AutoConfigState::Initializing, 0);
    world.roster.opened();
    world.hear("surprise", "");
    check(&world, AutoConfigState::Valid, world.now_ms);
}

#[test]
fn a_failure_interrupts_and_an_event_ends_that() {
    let mut world = World::default();
    world.put(&[environment("a", 1)]);
    let since = world.now_ms;
    world.put(&[environment("a", 1)]);
    check(&world, AutoConfigState::Valid, since);
    world
        .roster
        .failed(AutoConfigErrorKind::Network, 77_000_000);
    check(&world, AutoConfigState::Interrupted, 77_000_000);
    world
        .roster
        .failed(AutoConfigErrorKind::Response(503), 78_000_000);
    check(&world, AutoConfigState::Interrupted, 77_000_000);
    world.roster.opened();
    check(&world, AutoConfigState::Interrupted, 77_000_000);
    world.put(&[environment("a", 1)]);
    check(&world, AutoConfigState::Valid, world.now_ms);
    let error = world.roster.status().last_error.unwrap();
    assert_eq!(
        error.kind,
        AutoConfigErrorKind::Response(503),
        "it is remembered"
    );
}

#[test]
fn a_malformed_event_interrupts_as_invalid_data() {
    let mut world = World::default();
    world.put(&[environment("a", 1)]);
    world.hear("put", "{");
    check(&world, AutoConfigState::Interrupted, world.now_ms);
    let error = world.roster.status().last_error.unwrap();
    assert_eq!(error.kind, AutoConfigErrorKind::InvalidData);
}

#[test]
fn an_event_of_a_connection_that_has_failed_since_makes_nothing_valid() {
    let mut world = World::default();
    world.put(&[environment("a", 1)]);
    world
        .roster
        .failed(AutoConfigErrorKind::Network, 77_000_000);
    world.patch(&environment("b", 1));
    check(&world, AutoConfigState::Interrupted, 77_000_000);
    assert_eq!(world.served(), ["a@1", "b@1"], "but it counts");
}

#[test]
fn it_is_off_once_it_is_closed() {
    let mut world = World::default();
    world.put(&[environment("a", 1)]);
    world.roster.close(9);
    world.roster.failed(AutoConfigErrorKind::Unknown, 10);
    check(&world, AutoConfigState::Off, 9);
}

#[test]
fn the_words_are_the_relay_proxys() {
    let states = [
        AutoConfigState::Initializing,
        AutoConfigState::Valid,
        AutoConfigState::Interrupted,
        AutoConfigState::Off,
    ];
    assert_eq!(
        states.map(AutoConfigState::text),
        ["INITIALIZING", "VALID", "INTERRUPTED", "OFF"]
    );
    let kinds = [
        AutoConfigErrorKind::Network,
        AutoConfigErrorKind::Response(500),
        AutoConfigErrorKind::InvalidData,
        AutoConfigErrorKind::Unknown,
    ];
    assert_eq!(
        kinds.map(AutoConfigErrorKind::text),
        ["NETWORK_ERROR", "ERROR_RESPONSE", "INVALID_DATA", "UNKNOWN"]
    );
}
