//! What DynamoDB cannot take is set aside by name, its previous version stays, and the others go on. Row 26a of the table of
//! faults.

use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::simulator::store::{Fault, Operation, StoreRefusal};
use ld_dynamodb_relay::status::HeldReason;

use crate::support::{World, flag, flag_with};

/// A flag whose row has so many bytes as DynamoDB counts: names and values in UTF-8, a small number as two bytes.
fn flag_of_row(key: &str, version: u64, row_bytes: usize) -> String {
    let around = "namespacekeyversionitem".len() + "features".len() + key.len() + 2;
    let padded = |padding: usize| {
        flag_with(
            key,
            version,
            &format!(
                r#","description":"{}""#,
                "ü".repeat(padding / 2) + &"x".repeat(padding % 2)
            ),
        )
    };
    let text = padded(row_bytes - around - padded(0).len());
    assert_eq!(around + text.len(), row_bytes);
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_26a_an_item_of_just_the_limit_is_stored_and_one_byte_more_is_held() {
    let world = World::with_flags(3).await;
    world.production.quietly(|items| {
        items.insert(Kind::Flag, flag_of_row("largest", 1, 409_600));
        items.insert(Kind::Flag, flag_of_row("never", 1, 409_601));
    });
    let relay = world.relay().await;
    relay.settled().await;
    let largest = flag_of_row("largest", 1, 409_600);
    assert_eq!(world.stored("features", "largest"), Some(largest.clone()));
    assert_eq!(world.stored("features", "never"), None);
    assert!(relay.facts().initialized, "the others are there");
    assert_eq!(relay.facts().largest_item, 409_601);

    world
        .production
        .put_flag(&flag_of_row("largest", 2, 409_601));
    world.production.put_flag(&flag("flag-0", 2));
    relay
        .until("held", |facts| facts.held.len() == 2 && facts.written == 5)
        .await;
    assert_eq!(
        world.stored("features", "largest"),
        Some(largest),
        "its previous version stays"
    );
    for key in ["largest", "never"] {
        let held = &relay.facts().held[&ItemKey::flag(key)];
        assert_eq!(held.reason, HeldReason::TooLarge);
        assert!(held.detail.contains("409601"), "{}", held.detail);
    }
    // Small again, it goes like any other.
    world.production.put_flag(&flag("largest", 3));
    relay.written(6).await;
    assert_eq!(
        world.stored("features", "largest"),
        Some(flag("largest", 3))
    );
    assert_eq!(relay.facts().held.len(), 1);
    assert_eq!(
        relay.count("writes_total", &["invalid"]),
        0,
        "never even sent"
    );
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_dynamodb_refuses_as_invalid_is_held_until_its_bytes_change() {
    let world = World::with_flags(40).await;
    let relay = world.relay().await;
    relay.settled().await;
    let refused = world.store.inject(
        Fault::refuse(StoreRefusal::Validation)
            .on(Operation::PutItem)
            .for_key("flag-3"),
    );
    for number in 0..6 {
        world
            .production
            .put_flag(&flag(&format!("flag-{number}"), 2));
    }
    relay
        .until("the others are stored", |facts| {
            facts.written == 45 && facts.held.len() == 1
        })
        .await;
    let key = ItemKey::flag("flag-3");
    assert_eq!(relay.facts().held[&key].reason, HeldReason::Malformed);
    assert_eq!(world.stored("features", "flag-3"), Some(flag("flag-3", 1)));
    // Neither another change nor another full set has it tried again.
    world.production.disconnect_all();
    world.production.wait_for_connections(2).await;
    world.production.put_flag(&flag("flag-0", 3));
    relay.written(46).await;
    assert_eq!(refused.hits(), 1);
    refused.withdraw();
    world.production.put_flag(&flag("flag-3", 3));
    relay.written(47).await;
    world.assert_equal();
    assert!(relay.facts().held.is_empty());
    relay.stop().await;
}
