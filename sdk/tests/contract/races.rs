//! Several writers.

use std::thread;

use launchdarkly_server_sdk::DataKind;

use crate::place::{live, one, places, set};

/// Each writer announces the versions in its own order; whoever comes late is refused.
#[test]
fn the_highest_version_wins_whoever_writes_it() {
    const WRITERS: u64 = 4;
    const VERSIONS: u64 = 24;
    for place in places() {
        let written: u64 = thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let mut store = place.store();
                    scope.spawn(move || {
                        let mut written = 0;
                        for step in 1..=VERSIONS {
                            let version = step * WRITERS + writer;
                            let by = format!(r#","by":{writer}"#);
                            let item = live("a", version, &by);
                            written += u64::from(store.upsert(DataKind::Flag, "a", item).unwrap());
                        }
                        written
                    })
                })
                .collect();
            writers
                .into_iter()
                .map(|writer| writer.join().unwrap())
                .sum()
        });
        let highest = VERSIONS * WRITERS + WRITERS - 1;
        let (version, text) = place.flag_row("a").unwrap();
        assert_eq!(version, highest.to_string());
        assert!(
            text.contains(r#""by":3"#),
            "the text is that of the version: {text}"
        );
        assert!(written >= VERSIONS, "{written}");
    }
}

#[test]
fn a_lower_version_of_somebody_elses_does_not_stop_a_higher_one_of_ours() {
    for place in places() {
        let (mut ours, mut theirs) = (place.store(), place.store());
        ours.init(set(&[("a", 1)], &[])).unwrap();
        for version in 2..5 {
            assert!(
                theirs
                    .upsert(DataKind::Flag, "a", live("a", version, ""))
                    .unwrap()
            );
        }
        assert!(ours.upsert(DataKind::Flag, "a", live("a", 10, "")).unwrap());
        assert_eq!(one(theirs.flag("a").unwrap()), Some((10, false)));
    }
}

#[test]
fn a_higher_version_of_somebody_elses_stops_a_lower_one_of_ours() {
    for place in places() {
        let (mut ours, mut theirs) = (place.store(), place.store());
        ours.init(set(&[("a", 1)], &[])).unwrap();
        assert!(
            theirs
                .upsert(DataKind::Flag, "a", live("a", 3, ""))
                .unwrap()
        );
        assert!(!ours.upsert(DataKind::Flag, "a", live("a", 2, "")).unwrap());
        assert_eq!(one(ours.flag("a").unwrap()), Some((3, false)));
    }
}

/// Versions that another writer put behind the SDK's back count as well.
#[test]
fn what_is_in_the_table_counts_and_not_what_is_remembered() {
    for place in places() {
        let mut store = place.store();
        store.init(set(&[("a", 1), ("b", 1)], &[])).unwrap();
        place
            .store()
            .init(set(&[("a", 100), ("b", 100)], &[]))
            .unwrap();
        let other = place.flag_row("b");
        for (version, written) in [(2, false), (100, false), (200, true)] {
            assert_eq!(
                store
                    .upsert(DataKind::Flag, "a", live("a", version, ""))
                    .unwrap(),
                written
            );
        }
        assert_eq!(one(store.flag("a").unwrap()), Some((200, false)));
        assert_eq!(place.flag_row("b"), other);
    }
}
