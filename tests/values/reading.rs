//! Schedules: any at all, and a few that stand for what happens in production.

use std::time::Duration;

use proptest::prelude::*;

use crate::given::{MINUTE, SECOND, jitter};
use crate::looks::{Act, Sim, is_throttled};

const GIVEN: Act = Act::Answer(1, true, true);

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        16 => (0..3_u8, any::<bool>(), any::<bool>())
            .prop_map(|(rows, there, was_there)| Act::Answer(rows, there, was_there)),
        3 => Just(Act::Refuse),
        1 => Just(Act::Fail),
        1 => Just(Act::Deny),
        2 => prop_oneof![0..200_u32, 0..40_000_u32].prop_map(Act::Pass),
        12 => Just(Act::Wait),
        1 => Just(Act::Order),
        3 => Just(Act::Outdate),
        3 => Just(Act::Marked),
        1 => Just(Act::VerifySoon),
        1 => Just(Act::VerifyNow),
        1 => Just(Act::LookNow),
        3 => (0..8_u8).prop_map(Act::Touch),
    ]
}

proptest! {
    /// One request at a time; a reading goes on where it was refused and reads every page once; the waits and the times of
    /// the next verify and the next look at the marker are what they should be; only an outdated answer does not count.
    #[test]
    fn whatever_happens_the_table_is_read_in_order_and_in_its_time(
        intervals in (1..1_200_u32, 1..120_u32),
        pages in (1..4_u8, 1..4_u8),
        acts in prop::collection::vec((act(), jitter()), 0..120),
    ) {
        let (verify, marker) = (intervals.0 * SECOND, intervals.1 * SECOND);
        let mut sim = Sim::new(verify, marker, [pages.0, pages.1]);
        for (act, jitter) in acts {
            sim.act(&act, jitter);
        }
    }

    /// Refusals only make it slower.
    #[test]
    fn a_reading_ends_after_each_page_was_given_once_however_often_it_was_refused(
        refused in prop::collection::vec(0..6_u8, 8),
        jitter in jitter(),
    ) {
        // The marker is never due.
        let mut sim = Sim::new(15 * MINUTE, 60 * MINUTE, [3, 4]);
        for times in refused {
            prop_assert_eq!(sim.readings, 0);
            for _ in 0..times {
                sim.act(&Act::Refuse, jitter);
                sim.act(&Act::Wait, jitter);
            }
            sim.act(&GIVEN, jitter);
            sim.act(&Act::Wait, jitter);
        }
        prop_assert_eq!(sim.readings, 1);
    }
}

/// Reads everything once.
fn read(sim: &mut Sim, jitter: f64) {
    let before = sim.readings;
    while sim.readings == before {
        sim.act(&GIVEN, jitter);
        if sim.readings == before {
            sim.act(&Act::Wait, jitter);
        }
    }
}

#[test]
fn verifies_drift_apart_by_a_tenth_and_the_first_by_half() {
    for (jitter, first, later) in [(0.0, 0.5, 0.9), (0.5, 0.75, 1.0), (1.0, 1.0, 1.1)] {
        // The marker is never due.
        let mut sim = Sim::new(1_000 * SECOND, 3_000 * SECOND, [1, 1]);
        for factor in [first, later, later, later] {
            read(&mut sim, jitter);
            let due = sim.looks.due().unwrap() - sim.now;
            let expected = (1_000 * SECOND).mul_f64(factor);
            assert!(due.abs_diff(expected) < Duration::from_millis(1), "{due:?}");
            sim.act(&Act::Wait, jitter);
        }
    }
}

#[test]
fn the_marker_is_looked_at_once_in_its_interval_while_nothing_else_is_read() {
    let mut sim = Sim::new(100_000 * SECOND, 30 * SECOND, [1, 1]);
    read(&mut sim, 0.5);
    let began = sim.now;
    for look in 1..100 {
        sim.act(&Act::Wait, 0.5);
        assert_eq!(sim.now - began, look * 30 * SECOND);
        sim.act(&GIVEN, 0.5);
    }
    assert_eq!((sim.markers, sim.readings), (99, 1));
}

#[test]
fn what_is_ordered_during_a_reading_leads_to_one_more_and_no_third() {
    for when in 0..3 {
        let mut sim = Sim::new(15 * MINUTE, MINUTE / 2, [1, 1]);
        read(&mut sim, 0.5);
        sim.act(&Act::Order, 0.5);
        for _ in 0..when {
            sim.act(&GIVEN, 0.5);
        }
        // Twice is as good as once.
        sim.act(&Act::Order, 0.5);
        sim.act(&Act::Order, 0.5);
        let began = sim.now;
        read(&mut sim, 0.5);
        read(&mut sim, 0.5);
        assert_eq!((sim.now, sim.readings), (began, 3), "at once");
        assert!(!sim.is_asking());
        for _ in 0..20 {
            sim.act(&Act::Wait, 0.5);
            sim.act(&GIVEN, 0.5);
        }
        assert_eq!((sim.markers, sim.readings), (20, 3));
    }
}

#[test]
fn who_removed_the_marker_may_have_removed_more() {
    let mut sim = Sim::new(15 * MINUTE, MINUTE / 2, [1, 1]);
    read(&mut sim, 0.5);
    sim.act(&Act::Wait, 0.5);
    let began = sim.now;
    sim.act(&Act::Answer(0, false, true), 0.5);
    read(&mut sim, 0.5);
    assert_eq!(
        (sim.now, sim.readings),
        (began, 2),
        "everything is read at once"
    );
}

/// A reading that takes hours because it is throttled.
#[test]
fn the_marker_is_looked_at_between_two_pages_where_the_reading_is_slow() {
    let mut sim = Sim::new(15 * MINUTE, MINUTE / 2, [4, 4]);
    sim.act(&GIVEN, 0.5);
    for page in 1..8 {
        // A page comes late, and then the marker is looked at.
        sim.act(&Act::Pass(31_000), 0.5);
        sim.act(&GIVEN, 0.5);
        sim.act(&GIVEN, 0.5);
        assert_eq!((sim.markers, sim.readings), (page, 0));
    }
    sim.act(&GIVEN, 0.5);
    assert_eq!((sim.markers, sim.readings), (7, 1));
}

#[test]
fn a_marker_that_vanishes_during_a_reading_has_everything_read_once_more() {
    for there in [false, true] {
        let mut sim = Sim::new(15 * MINUTE, MINUTE / 2, [2, 2]);
        read(&mut sim, 0.5);
        sim.act(&Act::Order, 0.5);
        for _ in 0..2 {
            sim.act(&GIVEN, 0.5);
        }
        // The page under way comes late, and then the marker is looked at.
        sim.act(&Act::Pass(31_000), 0.5);
        sim.act(&GIVEN, 0.5);
        sim.act(&Act::Answer(0, false, true), 0.5);
        assert!(sim.looks.is_marker_gone());
        // Somebody stores it again, or nobody does.
        sim.act(&Act::Pass(31_000), 0.5);
        sim.act(&GIVEN, 0.5);
        sim.act(&Act::Answer(0, there, true), 0.5);
        assert_eq!(sim.looks.is_marker_gone(), !there);
        let began = sim.now;
        read(&mut sim, 0.5);
        assert_eq!(
            sim.looks.is_marker_gone(),
            !there,
            "until it was read again"
        );
        read(&mut sim, 0.5);
        assert_eq!((sim.now, sim.readings), (began, 3), "at once");
        assert!(!sim.looks.is_marker_gone());
    }
}

#[test]
fn a_marker_that_was_missing_is_not_once_it_was_stored_and_nothing_else_brings_it_back() {
    for (stored, gone) in [(Act::Marked, false), (Act::Outdate, true)] {
        let mut sim = Sim::new(15 * MINUTE, MINUTE / 2, [1, 1]);
        sim.act(&Act::Answer(0, false, true), 0.5);
        sim.act(&stored, 0.5);
        assert_eq!(sim.looks.is_marker_gone(), gone);
        read(&mut sim, 0.5);
    }
}

/// What vanished is soon looked for again, and a verify that is sooner than that stays where it is.
#[test]
fn a_verify_is_hastened_and_never_delayed() {
    for (verify, expected) in [(MINUTE * 15, 30), (MINUTE / 6, 10)] {
        let mut sim = Sim::new(verify, MINUTE / 2, [1, 1]);
        for _ in 0..2 {
            read(&mut sim, 0.5);
            sim.act(&Act::Wait, 0.5);
        }
        read(&mut sim, 0.5);
        let began = sim.now;
        sim.looks.look_now(began + MINUTE * 60);
        sim.looks.verify_soon(began, 0.5);
        assert_eq!(sim.looks.due(), Some(began + expected * SECOND));
        sim.looks.verify_now(began);
        assert_eq!(sim.looks.due(), Some(began));
    }
}

/// Waits for what is due, which goes wrong in these ways before it is given.
fn given_after(sim: &mut Sim, acts: &[Act]) {
    for act in acts {
        sim.act(&Act::Wait, 0.0);
        sim.act(act, 0.0);
    }
    sim.act(&Act::Wait, 0.0);
    sim.act(&GIVEN, 0.0);
}

/// One that has read everything, and does so again much later.
fn looking() -> Sim {
    let mut sim = Sim::new(100_000 * SECOND, MINUTE / 2, [1, 1]);
    read(&mut sim, 0.0);
    sim
}

/// How long the next attempt waits after a look that is refused now.
fn refused(sim: &mut Sim) -> Duration {
    sim.act(&Act::Wait, 0.0);
    sim.act(&Act::Refuse, 0.0);
    sim.looks.due().unwrap() - sim.now
}

#[test]
fn looks_that_are_refused_once_each_are_one_trouble_until_one_is_not() {
    let mut sim = looking();
    for _ in 0..2 {
        for times in 0..12 {
            let wait = (Duration::from_millis(100) * (1 << times)).min(MINUTE / 2);
            assert_eq!(refused(&mut sim), wait, "longer and longer");
            given_after(&mut sim, &[]);
            assert!(sim.looks.trouble().is_some_and(is_throttled));
        }
        given_after(&mut sim, &[]);
        assert_eq!(sim.looks.trouble(), None, "and the pace starts anew");
    }
    assert_eq!((sim.markers, sim.readings), (26, 1));
}

#[test]
fn the_trouble_of_a_look_is_over_with_it_unless_it_was_refused() {
    for (acts, lasts) in [
        (vec![Act::Fail], false),
        (vec![Act::Deny, Act::Fail], false),
        (vec![Act::Fail, Act::Outdate, GIVEN], false),
        (vec![Act::Refuse], true),
        (vec![Act::Refuse, Act::Refuse], true),
        (vec![Act::Fail, Act::Refuse], true),
        // What does not count says nothing.
        (vec![Act::Refuse, Act::Outdate, GIVEN], true),
    ] {
        let mut sim = looking();
        given_after(&mut sim, &acts);
        let throttled = sim.looks.trouble().is_some_and(is_throttled);
        assert_eq!((throttled, sim.markers), (lasts, 1), "{acts:?}");
        given_after(&mut sim, &[]);
        assert_eq!((sim.looks.trouble(), sim.markers), (None, 2), "{acts:?}");
    }
}

/// A refusal before the end of a reading, of a look or of a page, says nothing of the look after it.
#[test]
fn whatever_was_refused_is_over_when_the_whole_is_read() {
    for steps in 0..3 {
        let mut sim = looking();
        sim.act(&Act::Order, 0.0);
        for _ in 0..steps {
            given_after(&mut sim, &[]);
        }
        refused(&mut sim);
        read(&mut sim, 0.0);
        assert_eq!(sim.looks.trouble(), None);
        given_after(&mut sim, &[Act::Fail]);
        assert_eq!((sim.looks.trouble(), sim.markers), (None, 1));
    }
    let mut sim = looking();
    refused(&mut sim);
    sim.act(&Act::Order, 0.0);
    sim.act(&Act::Wait, 0.0);
    read(&mut sim, 0.0);
    given_after(&mut sim, &[Act::Fail]);
    assert_eq!((sim.looks.trouble(), sim.markers), (None, 1));
}

#[test]
fn a_page_ends_all_trouble_but_being_throttled_which_lasts_until_the_whole_is_read() {
    for (act, lasts) in [(Act::Fail, false), (Act::Deny, false), (Act::Refuse, true)] {
        // The marker goes first, and is no page.
        for steps in 0..4 {
            let mut sim = Sim::new(15 * MINUTE, MINUTE / 2, [2, 2]);
            for _ in 0..steps {
                given_after(&mut sim, &[]);
            }
            sim.act(&Act::Wait, 0.0);
            sim.act(&act, 0.0);
            if steps == 0 {
                given_after(&mut sim, &[]);
            }
            assert!(sim.looks.trouble().is_some());
            while sim.readings == 0 {
                given_after(&mut sim, &[]);
                let expected = lasts && sim.readings == 0;
                assert_eq!(sim.looks.trouble().is_some(), expected, "{act:?}, {steps}");
            }
        }
    }
}
