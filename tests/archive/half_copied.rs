//! A part of an archive is never taken for an archive, however it was cut.

use std::io::Read as _;

use ld_dynamodb_relay::archive::{Archive, MAX_ARCHIVE_BYTES};
use proptest::prelude::*;

use crate::pack::{OFFICIAL, Pack, gzip, ids, read};

/// All that is told of it.
fn told(archive: &Archive) -> String {
    let mut told = format!("{:?}{archive:?}", ids(archive));
    for environment in &archive.environments {
        let mut items: Vec<_> = environment.data.iter().collect();
        items.sort_by_key(|(key, _)| *key);
        for (key, item) in items {
            told.extend([key.to_string(), item.text.to_string()]);
        }
    }
    told
}

fn kinds() -> [Vec<u8>; 3] {
    let pack = Pack::official().sealed();
    [OFFICIAL.to_vec(), pack.tar(), gzip(&pack.tar())]
}

/// The same without the size: a tar may lack the zeros that stand at its end.
fn contents(archive: &Archive) -> String {
    told(archive).replace(&format!("bytes: {}", archive.bytes), "")
}

#[test]
fn a_copy_that_grows_is_refused_until_all_of_it_is_there() {
    for whole in kinds() {
        let expected = contents(&read(&whole));
        let end = whole.len() - 2_000;
        let lengths = (0..end).step_by(97).chain(end..=whole.len());
        let good = lengths.filter(|length| {
            let archive = Archive::read(&whole[..*length], MAX_ARCHIVE_BYTES);
            let said = archive.as_ref().map(contents);
            said.inspect(|said| assert_eq!(*said, expected, "{length}"))
                .is_ok()
        });
        let good: Vec<_> = good.collect();
        assert_eq!(good.last(), Some(&whole.len()));
        // Not before its last member began.
        assert!(good[0] > end, "{} of {}", good[0], whole.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// In whatever pieces it comes.
    #[test]
    fn pieces_make_no_difference(kind in 0..3_usize, cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4)) {
        let whole = &kinds()[kind];
        let mut cuts: Vec<_> = cuts.iter().map(|it| it.index(whole.len() + 1)).collect();
        cuts.extend([0, whole.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|it| &whole[it[0]..it[1]]);
        let input = pieces.fold(Box::new(std::io::empty()) as Box<dyn std::io::Read>, |before, piece| {
            Box::new(before.chain(piece))
        });
        prop_assert_eq!(told(&Archive::read(input, MAX_ARCHIVE_BYTES).unwrap()), told(&read(whole)));
    }

    /// The beginning of a new file over the rest of the old one, as copying in place leaves it: one of the two, or nothing.
    #[test]
    fn a_copy_over_another_one_is_one_of_the_two_or_refused(at in any::<prop::sample::Index>(), is_gzip in any::<bool>()) {
        let [old, new] = [Pack::official(), Pack::second()].map(|pack| {
            let tar = pack.sealed().tar();
            if is_gzip { gzip(&tar) } else { tar }
        });
        let at = at.index(new.len() + 1);
        let mut mixed = new[..at].to_vec();
        mixed.extend(old.get(at..).unwrap_or_default());
        if let Ok(archive) = Archive::read(&mixed[..], MAX_ARCHIVE_BYTES) {
            let is_old = archive.checksum == read(&old).checksum;
            prop_assert_eq!(contents(&archive), contents(&read(if is_old { &old } else { &new })));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(at in any::<prop::sample::Index>(), with in any::<u8>(), is_gzip in any::<bool>()) {
        let tar = Pack::official().sealed().tar();
        let mut bytes = if is_gzip { gzip(&tar) } else { tar };
        let at = at.index(bytes.len());
        bytes[at] = with;
        if let Ok(archive) = Archive::read(&bytes[..], MAX_ARCHIVE_BYTES) {
            prop_assert_eq!(archive.checksum, read(OFFICIAL).checksum);
        }
    }
}
