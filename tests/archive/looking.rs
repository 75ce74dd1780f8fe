//! When a file is read, and when its trouble is told.

use std::time::{Duration, SystemTime};

use ld_dynamodb_relay::archive::LookDecision::{self, Read, Unchanged, Wait};
use ld_dynamodb_relay::archive::{FileStamp, FileTrouble, FileWatch};
use proptest::prelude::*;
use tokio::time::Instant;

fn stamp(seconds: u64, bytes: u64) -> FileStamp {
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    FileStamp { modified, bytes }
}

/// Looks at these one after the other; what is read is good or not.
#[track_caller]
fn check(looks: &[((u64, u64), bool, LookDecision)]) {
    let mut watch = FileWatch::default();
    for (number, ((seconds, bytes), good, expected)) in looks.iter().enumerate() {
        let now = stamp(*seconds, *bytes);
        let decision = watch.look(now);
        assert_eq!(decision, *expected, "look {number}");
        if decision == Read && *good {
            watch.was_good(now);
        }
    }
}

#[test]
fn a_file_is_read_once_it_has_stood_still_and_then_when_it_is_another_one() {
    check(&[
        ((1, 10), true, Wait),
        ((1, 10), true, Read),
        ((1, 10), true, Unchanged),
        ((1, 10), true, Unchanged),
        // Another size, another time, an older time.
        ((1, 11), true, Wait),
        ((1, 11), true, Read),
        ((2, 11), true, Wait),
        ((2, 11), true, Read),
        ((1, 11), true, Wait),
        ((1, 11), true, Read),
        ((1, 11), true, Unchanged),
    ]);
}

#[test]
fn a_file_that_is_being_written_is_left_alone() {
    check(&[
        ((1, 10), true, Wait),
        ((1, 20), true, Wait),
        ((2, 30), true, Wait),
        ((2, 40), true, Wait),
        ((2, 40), true, Read),
    ]);
}

#[test]
fn a_file_that_is_not_good_is_read_at_each_look() {
    check(&[
        ((1, 10), false, Wait),
        ((1, 10), false, Read),
        ((1, 10), false, Read),
        ((1, 10), true, Read),
        ((1, 10), true, Unchanged),
    ]);
}

#[test]
fn back_to_the_file_that_was_good_there_is_nothing_to_read() {
    check(&[
        ((1, 10), true, Wait),
        ((1, 10), true, Read),
        ((2, 10), false, Wait),
        ((2, 10), false, Read),
        ((1, 10), true, Unchanged),
    ]);
}

#[test]
fn a_file_that_was_absent_has_not_stood_still() {
    let mut watch = FileWatch::default();
    assert_eq!(watch.look(stamp(1, 10)), Wait);
    watch.is_wrong(FileTrouble::Absent, Instant::now());
    assert_eq!(watch.look(stamp(1, 10)), Wait);
    assert_eq!(watch.look(stamp(1, 10)), Read);
}

#[test]
fn a_trouble_is_told_first_and_then_once_a_minute_and_its_end_once() {
    let (mut watch, start) = (FileWatch::default(), Instant::now());
    assert!(!watch.is_right(), "there was none");
    for round in 0..2 {
        let start = start + Duration::from_hours(round);
        let told: Vec<_> = (0..=150)
            .filter(|second| {
                let now = start + Duration::from_secs(*second);
                watch.is_wrong(FileTrouble::Unusable, now)
            })
            .collect();
        assert_eq!(told, [0, 60, 120]);
        assert!(watch.is_wrong(FileTrouble::Absent, start + Duration::from_secs(151)));
        assert!(watch.is_right());
        assert!(!watch.is_right());
    }
}

proptest! {
    /// Whatever becomes of a file: it is read only when it is as it was at the look before, never when it is as it was when it
    /// was good, and always as soon as both hold.
    #[test]
    fn only_what_stands_still_and_is_new_is_read(
        looks in prop::collection::vec((prop::option::of((0..3_u64, 0..3_u64)), any::<bool>()), 1..60),
    ) {
        let (mut watch, mut before, mut good) = (FileWatch::default(), None, None);
        for (file, is_good) in looks {
            let file = file.map(|(seconds, bytes)| stamp(seconds, bytes));
            match file {
                None => {
                    watch.is_wrong(FileTrouble::Absent, Instant::now());
                }
                Some(now) => {
                    let decision = watch.look(now);
                    prop_assert_eq!(decision == Read, before == file && good != file);
                    prop_assert_eq!(decision == Unchanged, good == file);
                    if decision == Read && is_good {
                        watch.was_good(now);
                        good = file;
                    }
                }
            }
            before = file;
        }
    }
}
