//! Whose fault it is in a few cases that stand for what happens in production.

use ld_dynamodb_relay::model::ItemFault as Fault;
use ld_dynamodb_relay::plan::Reason;

use crate::blame::Cause;
use crate::given::{SECOND, key};
use crate::setbacks::{Act, Scene};

#[test]
fn one_that_fails_among_others_that_are_stored_is_failing_after_three_times() {
    let mut scene = Scene::new();
    for times in 1..10 {
        scene.act(&Act::Fails(0, Cause::Lost, 0, true), 0.0);
        scene.act(&Act::Took, 0.0);
        let failing = (times >= 3).then_some(Reason::Failing);
        assert_eq!(scene.setbacks.aside(&key(0)), failing, "{times}");
        assert!(scene.setbacks.own_cause(&key(0)).is_some() && scene.setbacks.trouble().is_none());
    }
}

#[test]
fn three_that_fail_with_nothing_stored_in_between_are_the_tables_and_recovery_retries_them_once_at_once()
 {
    let mut scene = Scene::new();
    for number in [0, 0, 1, 1, 0] {
        scene.act(&Act::Fails(number, Cause::Lost, 0, true), 0.0);
        assert!(!scene.setbacks.is_wide(), "two are few");
    }
    scene.act(&Act::Over(0), 0.0);
    scene.act(&Act::Over(1), 0.0);
    for number in 0..3 {
        assert!(!scene.setbacks.is_wide(), "two are few");
        scene.act(&Act::Fails(number, Cause::Lost, 0, true), 0.0);
    }
    assert!(scene.setbacks.is_wide());
    assert_eq!(scene.setbacks.until(), Some(scene.now + SECOND));
    assert_eq!(
        scene.setbacks.retry_at(&key(4)),
        Some(scene.now + SECOND),
        "everybody waits"
    );
    scene.act(&Act::Took, 0.0);
    for number in 0..3 {
        assert_eq!(scene.setbacks.retry_at(&key(number)), Some(scene.now));
        assert_eq!(
            scene.setbacks.own_cause(&key(number)),
            None,
            "not until it fails again"
        );
    }
    for number in 0..3 {
        scene.act(&Act::Fails(number, Cause::Lost, 0, true), 0.0);
    }
    assert!(scene.setbacks.is_wide(), "nobody failed three times");
    scene.act(&Act::Took, 0.0);
    for number in 0..3 {
        assert!(
            scene.setbacks.retry_at(&key(number)) > Some(scene.now),
            "once"
        );
    }
}

#[test]
fn one_that_is_to_blame_itself_neither_makes_the_tables_trouble_nor_shares_it() {
    for (cause, times) in [(Cause::Invalid, 2), (Cause::Lost, 3), (Cause::Denied, 3)] {
        let mut scene = Scene::new();
        for _ in 1..times {
            scene.act(&Act::Fails(0, cause, 0, false), 0.0);
            assert_eq!(scene.setbacks.aside(&key(0)), None);
        }
        scene.act(&Act::Took, 0.0);
        scene.act(&Act::Fails(0, cause, 0, false), 0.0);
        let own = (
            scene.setbacks.retry_at(&key(0)),
            scene.setbacks.aside(&key(0)),
        );
        assert!(own.1.is_some());
        scene.act(&Act::Pass(100), 0.0);
        for number in 1..4 {
            assert!(!scene.setbacks.is_wide(), "two are few");
            scene.act(&Act::Fails(number, Cause::Lost, 0, false), 0.0);
        }
        assert_eq!(scene.setbacks.until(), Some(scene.now + SECOND));
        assert_eq!(
            own,
            (
                scene.setbacks.retry_at(&key(0)),
                scene.setbacks.aside(&key(0))
            )
        );
        scene.act(&Act::Fails(0, cause, 0, false), 0.0);
        assert_eq!(scene.setbacks.aside(&key(0)), own.1);
        // It is not tried at once with the others.
        scene.act(&Act::Took, 0.0);
        assert!(scene.setbacks.retry_at(&key(0)) > Some(scene.now));
    }
}

#[test]
fn refusals_by_a_table_that_takes_writes_are_its_trouble_from_twenty_on() {
    for taken in 0..3 {
        let mut scene = Scene::new();
        let refused = Some(Reason::Malformed(Fault::Refused));
        for _ in 0..taken {
            scene.act(&Act::Took, 0.0);
        }
        for number in 1..20 {
            scene.act(&Act::Fails(number, Cause::Invalid, 0, true), 0.0);
        }
        for number in [0, 20] {
            scene.act(&Act::Fails(number, Cause::Lost, 0, true), 0.0);
        }
        assert!(!scene.setbacks.is_wide(), "two are few, and so are these");
        assert_eq!(scene.setbacks.all_aside().count(), 19);
        scene.act(&Act::Fails(0, Cause::Invalid, 0, true), 0.0);
        assert!(scene.setbacks.is_wide());
        assert_eq!(scene.setbacks.all_aside().count(), 0);
        assert_eq!(scene.setbacks.until(), Some(scene.now + SECOND));
        scene.act(&Act::Took, 0.0);
        for number in 0..20 {
            assert_eq!(scene.setbacks.retry_at(&key(number)), Some(scene.now));
            assert_eq!(scene.setbacks.aside(&key(number)), None);
            scene.act(&Act::Fails(number, Cause::Invalid, 0, true), 0.0);
            assert_eq!(scene.setbacks.aside(&key(number)), refused, "again");
        }
        assert!(!scene.setbacks.is_wide());
    }
}

#[test]
fn refusals_by_a_table_of_which_nothing_is_known_are_its_trouble_from_three_on() {
    let mut scene = Scene::new();
    for number in 0..3 {
        assert!(!scene.setbacks.is_wide(), "two are few");
        scene.act(&Act::Fails(number, Cause::Invalid, 0, false), 0.0);
        assert_eq!(scene.setbacks.all_aside().count(), 0);
    }
    assert!(scene.setbacks.is_wide());
    assert_eq!(scene.setbacks.until(), Some(scene.now + SECOND));
}

#[test]
fn what_a_table_refused_before_it_took_a_write_does_not_count() {
    for before in 0..3 {
        let mut scene = Scene::new();
        for number in 0..before {
            scene.act(&Act::Fails(number, Cause::Invalid, 0, true), 0.0);
        }
        scene.act(&Act::Stored(25), 0.0);
        for number in 3..22 {
            scene.act(&Act::Fails(number, Cause::Invalid, 0, true), 0.0);
            assert!(!scene.setbacks.is_wide(), "nineteen are few");
            assert!(scene.setbacks.aside(&key(number)).is_some());
        }
        scene.act(&Act::Fails(22, Cause::Invalid, 0, true), 0.0);
        assert!(scene.setbacks.is_wide());
    }
}
