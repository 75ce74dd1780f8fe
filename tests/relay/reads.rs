//! Reading the table is bounded work: what is throttled goes on slowly, at the page at which it was refused.

use ld_dynamodb_relay::model::ItemKey;
use ld_dynamodb_relay::simulator::generate;
use ld_dynamodb_relay::simulator::store::{Fault, Operation, StoreRefusal};
use ld_dynamodb_relay::status::{HeldReason, TablePhase};

use crate::support::named::relay_named;
use crate::support::{World, flag, flags, segment};

/// A table with few read units and much to read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_prefix_in_a_table_with_few_read_units_is_read_slowly_and_not_never() {
    let world = World::new().await;
    world.production.replace(generate(2_000, 5));
    let relay = world.relay().await;
    relay.settled().await;
    relay.stop().await;
    world.store.reset_counts();
    // Some 4 MB are a thousand units; a page takes more than a second has.
    world.store.read_limit(Some(150.0));
    let relay = world.relay().await;
    relay
        .until("throttled", |facts| facts.table.0 == TablePhase::Throttled)
        .await;
    let advice = relay.facts().table_advice.unwrap();
    assert!(advice.contains("throttled"), "{advice}");
    relay.settled().await;
    let refused = relay.count("write_errors_total", &["throttled"]);
    assert!(refused > 0, "refused reads are counted");
    let read = relay.count("capacity_units_total", &["first_look"]);
    let counts = world.store.counts();
    assert_eq!(counts.writes(), 0);
    // Each page once: no more units than a reading that is never refused.
    world.store.read_limit(None);
    relay.stop().await;
    let again = world.relay().await;
    again.settled().await;
    let unrefused = again.count("capacity_units_total", &["first_look"]);
    assert!(
        read <= unrefused + 5,
        "{read} units, and {unrefused} without"
    );
    again.stop().await;
}

/// A verify that is throttled harms nothing: all is stored, changes go on, and it is one condition from begin to end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_verify_is_throttled_everything_is_up_to_date() {
    let world = World::with_flags(500).await;
    let (relay, control) = relay_named(&world, "read slowly", |_| {}).await;
    relay.settled().await;
    let refused = Fault::refuse(StoreRefusal::ProvisionedThroughputExceeded).on(Operation::Query);
    let refused = world.store.inject(refused);
    control.sync();
    relay
        .until("throttled", |facts| facts.table.0 == TablePhase::Throttled)
        .await;
    world.production.put_flag(&flag("flag-7", 2));
    relay
        .until("stored", |facts| {
            facts.written == 501 && facts.complete && facts.stored_up_to >= facts.said.0
        })
        .await;
    assert_eq!(relay.facts().table.0, TablePhase::Throttled);
    let verified = relay.facts().verified.unwrap().monotonic;
    refused.withdraw();
    relay
        .until("verified", |facts| {
            facts.verified.unwrap().monotonic > verified && facts.table.0 == TablePhase::Settled
        })
        .await;
    assert!(relay.facts().table_advice.is_none());
    relay.stop().await;
}

/// A segment whose writes never have an answer keeps no flag from being written, and the environment says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_that_always_fails_harms_no_other() {
    let world = World::with_flags(50).await;
    world.production.put_segment(&segment("stuck", 1));
    world.production.put_segment(&segment("fine", 1));
    let fault = Fault::cut_before_acting().on_writes().for_key("stuck");
    let fault = world.store.inject(fault);
    let relay = world.relay().await;
    let stuck = ItemKey::segment("stuck");
    relay
        .until("it is set aside", |facts| {
            let held = facts.held.get(&stuck);
            held.is_some_and(|it| it.reason == HeldReason::Failing) && facts.written == 51
        })
        .await;
    assert!(!relay.facts().initialized, "the marker vouches for it, too");
    world.production.put_flag(&flag("flag-3", 2));
    relay.until("a change", |facts| facts.written == 52).await;
    fault.withdraw();
    relay.written(53).await;
    assert!(relay.facts().held.is_empty());
    world.assert_equal();
    relay.stop().await;
}

/// Whatever DynamoDB refuses with, if it hits everything it is the table's trouble.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_validation_error_for_everything_is_the_tables_trouble() {
    let world = World::new().await;
    world.production.replace(flags(0..20, 1));
    let words = "The words that nobody knew";
    let refusal = StoreRefusal::Other(
        400,
        "com.amazon.coral.validate#ValidationException".into(),
        words.into(),
    );
    let fault = world
        .store
        .inject(Fault::refuse(refusal).on(Operation::PutItem));
    let relay = world.relay().await;
    relay
        .until("misconfigured", |facts| {
            facts.table.0 == TablePhase::Misconfigured
        })
        .await;
    let facts = relay.facts();
    assert!(facts.held.is_empty(), "nobody is blamed: {:?}", facts.held);
    assert!(!facts.initialized);
    assert!(
        !facts.table_advice.unwrap().contains(words),
        "it may hold contents"
    );
    fault.withdraw();
    relay.settled().await;
    world.assert_equal();
    relay.stop().await;
}
