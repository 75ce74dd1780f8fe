//! Where environments go.

use ld_dynamodb_relay::roster::{
    Destination, DestinationFault, Destinations, RosterChange, RosterNews, TemplateFault, Templates,
};
use serde_json::{Value, json};

use crate::world::{World, entry, environment, told, with};

fn named(id: &str, version: u64, project: &str, key: &str) -> Value {
    with(
        environment(id, version),
        &json!({"projKey": project, "envKey": key}),
    )
}

#[test]
fn templates_have_to_tell_environments_apart() {
    for (table, prefix) in [
        ("flags", "$CID"),
        ("flags-$CID", ""),
        ("flags", "ld-$PROJ_KEY-$ENV_KEY"),
        ("flags-$PROJ_KEY", "$ENV_KEY"),
    ] {
        assert!(Templates::new(table, prefix).is_ok(), "{table} {prefix}");
    }
    for (table, prefix) in [
        ("flags", "ld"),
        ("flags", "$ENV_KEY"),
        ("flags-$PROJ_KEY", "ld-$PROJ_KEY"),
    ] {
        let fault = Templates::new(table, prefix).unwrap_err();
        assert_eq!(fault, TemplateFault::NotApart, "{table} {prefix}");
    }
    for prefix in ["$CID-$", "$CID-$KEY", "$cid"] {
        let fault = Templates::new("flags", prefix).unwrap_err();
        assert_eq!(fault, TemplateFault::Placeholder, "{prefix}");
    }
}

#[test]
fn placeholders_are_filled() {
    let templates = Templates::new("t-$PROJ_KEY", "$ENV_KEY:$CID$CID").unwrap();
    let destination = templates
        .fill(&entry(&named("id", 1, "harbor", "test")))
        .unwrap();
    assert_eq!(
        destination,
        Destination {
            table: "t-harbor".to_owned(),
            prefix: "test:idid".to_owned()
        }
    );
}

#[test]
fn what_cannot_be_filled_is_refused_by_name() {
    let fill = |table, prefix, environment: &Value| {
        let templates = Templates::new(table, prefix).unwrap();
        templates.fill(&entry(environment)).unwrap_err()
    };
    assert_eq!(
        fill("flags", "$PROJ_KEY-$ENV_KEY", &named("id", 1, "", "test")),
        DestinationFault::Unsaid("$PROJ_KEY")
    );
    assert!(matches!(
        fill("flags-$PROJ_KEY", "$CID", &named("id", 1, "a b", "test")),
        DestinationFault::Table(_)
    ));
    let long = "x".repeat(1_017);
    assert_eq!(
        fill("flags", "$CID$ENV_KEY", &named("id", 1, "a", &long)),
        DestinationFault::Prefix
    );
}

#[test]
fn a_table_may_be_an_arn() {
    let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/flags";
    let templates = Templates::new(arn, "$CID").unwrap();
    let destination = templates.fill(&entry(&environment("a", 1))).unwrap();
    assert_eq!(destination.table, arn);
}

#[test]
fn a_change_of_names_moves_nothing_and_is_told() {
    let mut world = World::with("flags", "$PROJ_KEY-$ENV_KEY");
    world.put(&[named("a", 1, "harbor", "test")]);
    let step = world.patch(&named("a", 2, "port", "test"));
    assert_eq!(told(&step), ["update a names"]);
    assert!(matches!(
        &step.news[..],
        [RosterNews::NotMoved { elsewhere, .. }] if elsewhere.prefix == "port-test"
    ));
    // Not even when it goes and comes back.
    world.delete("a", 3);
    let step = world.patch(&named("a", 4, "port", "test"));
    assert!(matches!(
        &step.changes[..],
        [RosterChange::Add { destination, .. }] if destination.prefix == "harbor-test"
    ));
}

#[test]
fn of_two_with_one_destination_the_later_is_refused_by_name() {
    let mut world = World::with("flags", "$PROJ_KEY-$ENV_KEY");
    world.put(&[named("a", 1, "harbor", "test")]);
    let step = world.patch(&named("b", 1, "harbor", "test"));
    assert_eq!(told(&step), [""; 0]);
    let refused: Vec<_> = world.roster.refused().collect();
    assert_eq!(refused.len(), 1);
    assert!(!refused[0].serving);
    let reason = &refused[0].reason;
    assert!(reason.contains("environment a;"), "{reason}");
    assert!(reason.contains("`harbor-test`"), "{reason}");
    // It is waited for without noise.
    world.reconnect();
    let both = [
        named("a", 1, "harbor", "test"),
        named("b", 1, "harbor", "test"),
    ];
    let step = world.put(&both);
    assert_eq!((told(&step).len(), step.news.len()), (0, 0));
    assert_eq!(world.refused(), [("b".to_owned(), false)]);
}

#[test]
fn whoever_waits_for_a_destination_has_it_once_its_owner_is_gone() {
    let mut world = World::with("flags", "$PROJ_KEY-$ENV_KEY");
    let (old, new) = (
        named("a", 1, "harbor", "test"),
        named("b", 1, "harbor", "test"),
    );
    let other = named("c", 1, "harbor", "production");
    world.put(&[old.clone(), other.clone()]);
    world.reconnect();
    // Deleted and made anew under the same names.
    assert_eq!(told(&world.put(&[new, other])), ["remove a", "add b"]);
    assert_eq!(world.refused(), []);
    // Should the former come back, it waits in its turn.
    assert_eq!(told(&world.patch(&old)), [""; 0]);
    assert_eq!(told(&world.delete("b", 2)), ["remove b", "add a"]);
}

#[test]
fn a_name_that_comes_later_gives_a_destination() {
    let mut world = World::with("flags", "$PROJ_KEY-$ENV_KEY");
    world.patch(&named("a", 1, "", "test"));
    assert_eq!(world.refused(), [("a".to_owned(), false)]);
    assert_eq!(
        told(&world.patch(&named("a", 2, "harbor", "test"))),
        ["add a"]
    );
    assert_eq!(world.refused(), []);
}

#[test]
fn an_environment_that_waits_can_be_removed() {
    let mut world = World::with("flags", "$PROJ_KEY-$ENV_KEY");
    world.patch(&named("a", 1, "harbor", "test"));
    world.patch(&named("b", 1, "harbor", "test"));
    assert_eq!(told(&world.delete("b", 2)), [""; 0]);
    assert_eq!(told(&world.delete("a", 2)), ["remove a"]);
    assert_eq!(world.refused(), []);
}

#[test]
fn releasing_what_is_not_ones_own_releases_nothing() {
    let templates = Templates::new("flags", "$PROJ_KEY-$ENV_KEY").unwrap();
    let mut destinations = Destinations::new(templates);
    let (a, b) = (named("a", 1, "p", "e"), named("b", 1, "p", "e"));
    destinations.claim(&entry(&a)).unwrap();
    destinations.release(&"b".into());
    assert!(matches!(
        destinations.claim(&entry(&b)),
        Err(DestinationFault::Taken { owner, .. }) if *owner == *"a"
    ));
    destinations.release(&"a".into());
    destinations.claim(&entry(&b)).unwrap();
    destinations.release(&"a".into());
    assert!(destinations.claim(&entry(&a)).is_err());
}
