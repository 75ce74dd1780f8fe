//! Tables that the relay wrote, before and after a storm of patches and deletes.

use ld_dynamodb_relay::simulator;

use super::reader::Reader;
use super::relay::Relay;
use super::table::Table;
use super::world::{self, Contexts, Environment};

/// The generated set, as large as that of a large customer.
const FLAGS: usize = 500;
/// The storm over it.
const CHANGES: usize = 400;
/// What flags are answered with.
const REASONS: [&str; 6] = [
    "FALLTHROUGH",
    "FLAG_NOT_FOUND",
    "OFF",
    "PREREQUISITE_FAILED",
    "RULE_MATCH",
    "TARGET_MATCH",
];
/// The fixture's flags with targets and prerequisites are off or gone after its storm.
const REASONS_LEFT: [&str; 4] = ["FALLTHROUGH", "FLAG_NOT_FOUND", "OFF", "RULE_MATCH"];

/// Both environments are in one table, written by one relay.
#[tokio::test]
async fn readers_of_what_the_relay_wrote_agree_with_their_streams() {
    let launchdarkly = world::launchdarkly().await;
    let table = Table::create().await;
    let (flags, contexts) = (world::fixture(), Contexts::All);
    let mut fixture = Environment::new(&launchdarkly, "fixture", flags, contexts);
    let (flags, contexts) = (simulator::generate(FLAGS, 7), Contexts::Few);
    let mut generated = Environment::new(&launchdarkly, "generated", flags, contexts);

    // That the rows are what LaunchDarkly says byte for byte is what is waited for.
    let mut relay = Relay::start(&[&fixture, &generated], &table);
    relay.settled(&[&fixture, &generated], &table).await;
    agree(&fixture, &table, &REASONS).await;
    agree(&generated, &table, &REASONS).await;

    fixture.storm(&world::storm_over(&fixture.items()));
    generated.storm(&simulator::storm(&generated.items(), CHANGES, 11));
    relay.settled(&[&fixture, &generated], &table).await;
    agree(&fixture, &table, &REASONS_LEFT).await;
    agree(&generated, &table, &REASONS).await;
    relay.stop().await;
    table.remove().await;
}

/// Rust's SDK parses a full set as a whole, and a tombstone lacks what it demands of a flag. From a table it reads the same
/// set. So its oracle is told what is left of the set without tombstones: that a deleted flag is not found is the same.
#[tokio::test]
async fn rust_takes_no_full_set_with_a_tombstone_from_a_stream() {
    let launchdarkly = world::launchdarkly().await;
    let items = world::fixture();
    let environment = Environment::new(&launchdarkly, "fixture", items, Contexts::Few);
    let refused = Reader::Rust
        .run(&environment, environment.sdk_key, None)
        .await;
    assert!(!refused.status.success());
    let why = String::from_utf8_lossy(&refused.stderr);
    assert!(why.contains("not initialised"), "{why}");
    let sdk_key = environment.without_tombstones();
    let taken = Reader::Rust.run(&environment, &sdk_key, None).await;
    assert!(taken.status.success());
}

/// Every reader, one after the other: the machines that run this are small.
async fn agree(environment: &Environment<'_>, table: &Table, reasons: &[&str]) {
    for reader in Reader::ALL {
        let (stream, differences) = reader.compare(environment, table).await;
        assert!(
            differences.is_empty(),
            "{reader:?}, {}: {differences}",
            environment.prefix
        );

        let (contexts, single, all) = stream.size();
        assert!(contexts >= 12, "{contexts}");
        assert_eq!(single, environment.asked());
        assert!(all >= contexts * environment.live_flags(), "{all}");
        // An oracle that found nothing to evaluate, or could not, would prove nothing.
        let given = stream.reasons();
        assert!(given.keys().eq(reasons), "{reader:?}: {given:?}");
    }
}
