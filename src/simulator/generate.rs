//! Flags and segments as real environments have them, made from a seed: the same on every machine.

mod random;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::file_data::Step;
use super::launchdarkly::Items;
use crate::model::{ItemKey, Kind};
use random::Random;
use text::Flag;

/// Measured environments: half of the flags are below, the mean is 2.1 KB.
const MEDIAN: f64 = 1_500.0;
const SPREAD: f64 = 0.82;
const SMALLEST: f64 = 650.0;
const LARGEST: f64 = 60_000.0;
/// One flag in so many names many people.
const RARELY: usize = 400;
const FLAGS_PER_SEGMENT: usize = 10;
const MAX_DEPTH: usize = 4;

/// `flags` flags and a segment for ten of them, valid for all SDKs.
///
/// Sizes have a median of about 1.5 KB, a mean of about 2.1 KB and a tail to 60 KB. Prerequisites have no cycles and are at
/// most four deep. Texts hold escaped and literal astral characters, numbers in odd notation and members that no SDK knows.
pub fn generate(flags: usize, seed: u64) -> Items {
    let mut random = Random::new(seed);
    let mut items = Items::default();
    let mut segments = Vec::new();
    for number in 0..flags.div_ceil(FLAGS_PER_SEGMENT) {
        let key = format!("segment-{}", text::key(&mut random, number));
        let (version, size) = (version(&mut random), size(&mut random));
        let text = text::segment(&mut random, &key, version, size);
        items.insert_as(ItemKey::segment(&*key), text);
        segments.push(key);
    }
    // With how deep their prerequisites are.
    let mut earlier: Vec<(String, usize)> = Vec::new();
    for number in 0..flags {
        let key = text::key(&mut random, number);
        let (prerequisites, depth) = prerequisites(&mut random, &earlier);
        let flag = Flag {
            key: &key,
            version: version(&mut random),
            prerequisites: &prerequisites,
            segments: &segments,
            size: size(&mut random),
        };
        items.insert_as(ItemKey::flag(&*key), flag.write(&mut random));
        earlier.push((key, depth));
    }
    items
}

/// `count` changes over what [`generate`] made: mostly flags that change, some that are deleted or come back. Versions rise.
pub fn storm(items: &Items, count: usize, seed: u64) -> Vec<Step> {
    let mut random = Random::new(!seed);
    let keys: Vec<_> = items.iter().map(|(key, _)| key.clone()).collect();
    let segments: Vec<String> = keys
        .iter()
        .filter(|key| key.kind == Kind::Segment)
        .map(|key| key.key.to_string())
        .collect();
    let mut versions: BTreeMap<_, _> = items
        .iter()
        .map(|(key, _)| (key.clone(), items.version(key).unwrap_or_default()))
        .collect();
    let mut gone = std::collections::BTreeSet::new();
    let mut steps = Vec::with_capacity(count);
    while steps.len() < count {
        let Some(key) = random.choose(&keys) else {
            break;
        };
        let version = versions.entry(key.clone()).or_default();
        *version += 1;
        if random.one_in(10) && gone.insert(key.clone()) {
            steps.push(Step::Delete(key.clone(), *version));
            continue;
        }
        gone.remove(key);
        let size = size(&mut random);
        let text = match key.kind {
            Kind::Segment => text::segment(&mut random, &key.key, *version, size),
            Kind::Flag => Flag {
                key: &key.key,
                version: *version,
                // Kept, so that there are no cycles.
                prerequisites: &prerequisites_of(items.get(key)),
                segments: &segments,
                size,
            }
            .write(&mut random),
        };
        steps.push(Step::Put(key.clone(), text));
    }
    steps
}

/// A data set whose `put` has at least so many bytes.
pub fn huge(bytes: usize) -> Items {
    const EACH: usize = 300_000;
    let padding = "x".repeat(EACH);
    let flags = (0..bytes.div_ceil(EACH)).map(|number| {
        let text = format!(
            r#"{{"key":"huge-{number}","version":1,"on":false,"prerequisites":[],"targets":[],"contextTargets":[],"rules":[],"fallthrough":{{"variation":0}},"offVariation":0,"variations":["{padding}"],"clientSide":false,"salt":"","trackEvents":false,"deleted":false}}"#
        );
        (ItemKey::flag(format!("huge-{number}")), Arc::from(text))
    });
    flags.collect()
}

fn version(random: &mut Random) -> u64 {
    1 + random.next() % 400
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to what fits"
)]
fn size(random: &mut Random) -> usize {
    let size = if random.one_in(RARELY) {
        random.size(30_000.0, 0.5)
    } else {
        random.size(MEDIAN, SPREAD)
    };
    size.clamp(SMALLEST, LARGEST - 1_000.0) as usize
}

fn prerequisites(random: &mut Random, earlier: &[(String, usize)]) -> (String, usize) {
    if !random.one_in(8) {
        return ("[]".into(), 0);
    }
    match random.choose(earlier) {
        Some((key, depth)) if *depth < MAX_DEPTH => {
            let variation = random.below(2);
            (
                format!(r#"[{{"key":"{key}","variation":{variation}}}]"#),
                depth + 1,
            )
        }
        _ => ("[]".into(), 0),
    }
}

fn prerequisites_of(text: Option<&Arc<str>>) -> String {
    #[derive(Deserialize)]
    struct Has<'a> {
        #[serde(borrow)]
        prerequisites: &'a RawValue,
    }
    text.and_then(|text| serde_json::from_str::<Has<'_>>(text).ok())
        .map_or_else(|| "[]".into(), |has| has.prerequisites.get().into())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::model::Item;

    fn read(key: &ItemKey, text: &str) -> Item {
        Item::parse(key, &RawValue::from_string(text.to_owned()).unwrap())
    }

    #[test]
    fn sizes_are_those_of_real_environments() {
        let items = generate(5_000, 1);
        let flags = items.iter().filter(|(key, _)| key.kind == Kind::Flag);
        let mut sizes: Vec<_> = flags.map(|(_, text)| text.len()).collect();
        sizes.sort_unstable();
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        let (median, largest) = (sizes[sizes.len() / 2], sizes[sizes.len() - 1]);
        assert!((1_350..1_650).contains(&median), "median {median}");
        assert!((1_900..2_300).contains(&mean), "mean {mean}");
        assert!((40_000..61_000).contains(&largest), "largest {largest}");
        assert_eq!(items.len(), 5_500);
    }

    #[test]
    fn every_item_is_sound_and_depends_on_what_there_is() {
        let items = generate(800, 7);
        let mut depths: HashMap<ItemKey, usize> = HashMap::new();
        let depth = |key: &ItemKey| {
            let mut key = key.clone();
            for depth in 0..=10 {
                let item = read(&key, items.get(&key).unwrap());
                assert!(item.version().is_some(), "{key}");
                match item.prerequisites.first() {
                    None => return depth,
                    Some(next) => key = ItemKey::flag(Arc::clone(next)),
                }
            }
            panic!("{key} has a cycle");
        };
        for (key, text) in items.iter() {
            serde_json::from_str::<serde_json::Value>(text).unwrap();
            depths.insert(key.clone(), depth(key));
        }
        let deepest = *depths.values().max().unwrap();
        assert!((2..=MAX_DEPTH).contains(&deepest), "{deepest}");
        let all = items.to_json();
        for oddity in [r"\ud83d\ude80", "🚀", "1E2", "addedLater", "segmentMatch"] {
            assert!(all.contains(oddity), "{oddity}");
        }
    }

    #[test]
    fn a_seed_makes_the_same_everywhere() {
        assert_eq!(generate(50, 3), generate(50, 3));
        assert_ne!(generate(50, 3), generate(50, 4));
        let items = generate(50, 3);
        assert_eq!(storm(&items, 90, 5), storm(&items, 90, 5));
        // Changes of this number are changes of every figure that was measured with a generated set.
        let mut sum = flate2::Crc::new();
        sum.update(items.to_json().as_bytes());
        assert_eq!(sum.sum(), 453_728_675);
    }

    #[test]
    fn a_storm_raises_versions_and_brings_back_what_it_deleted() {
        let items = generate(100, 2);
        let mut versions: HashMap<ItemKey, u64> = items
            .iter()
            .map(|(key, _)| (key.clone(), items.version(key).unwrap()))
            .collect();
        let (mut deleted, mut revived) = (std::collections::HashSet::new(), 0);
        let steps = storm(&items, 1_000, 9);
        assert_eq!(steps.len(), 1_000);
        for step in steps {
            let (key, version) = match step {
                Step::Delete(key, version) => {
                    assert!(deleted.insert(key.clone()), "{key} was gone already");
                    (key, version)
                }
                Step::Put(key, text) => {
                    let version = read(&key, &text).version().unwrap();
                    revived += usize::from(deleted.remove(&key));
                    (key, version)
                }
            };
            let before = versions.insert(key, version).unwrap();
            assert_eq!(version, before + 1);
        }
        assert!(revived > 10, "{revived}");
    }

    #[test]
    fn huge_is_as_large_as_it_is_told() {
        assert!(huge(2_000_000).to_put().len() >= 2_000_000);
    }
}
