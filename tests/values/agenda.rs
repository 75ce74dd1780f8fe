//! The agenda against the list of everything that was put on it.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use ld_dynamodb_relay::model::Generation;
use ld_dynamodb_relay::writer::{Agenda, AgendaEntry as Entry, Why};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::given::{generation, key, keys, start};

const KEYS: u8 = 4;

#[derive(Clone, Copy, Debug)]
enum Reason {
    Announced,
    Said,
    Found,
    Expired,
}

#[derive(Clone, Debug)]
enum Act {
    /// Whether the pass under way takes care of it, and how many changes came with it.
    Put(u8, Reason, bool, u64),
    Everything(bool),
    Planned(BTreeSet<u8>, bool),
    /// With what was known so many changes ago.
    Finish(u8, u64),
    Marker,
    Clear,
}

fn act() -> impl Strategy<Value = Act> {
    let reason = prop_oneof![
        4 => Just(Reason::Announced),
        1 => Just(Reason::Said),
        2 => Just(Reason::Found),
        1 => Just(Reason::Expired),
    ];
    prop_oneof![
        8 => (0..KEYS, reason, any::<bool>(), 0..4_u64)
            .prop_map(|(key, reason, keep, more)| Act::Put(key, reason, keep, more)),
        2 => any::<bool>().prop_map(Act::Everything),
        2 => (prop::collection::btree_set(0..KEYS, 0..4), any::<bool>())
            .prop_map(|(writes, marks)| Act::Planned(writes, marks)),
        4 => (0..KEYS, 0..6_u64).prop_map(|(key, back)| Act::Finish(key, back)),
        1 => Just(Act::Marker),
        1 => Just(Act::Clear),
    ]
}

/// Everything that was put on the agenda of each item since it was last taken off.
#[derive(Default)]
struct Model {
    items: HashMap<u8, Vec<Entry>>,
    /// Of the full sets that wait: when each came, where that counts, and since when it waits.
    everything: Vec<(Option<Instant>, Generation)>,
    marker: bool,
    fresh: bool,
}

impl Model {
    /// When the last full set came that waits, where that counts of each: what they bring is not told apart.
    fn received(&self) -> Option<Instant> {
        let counts = self.everything.iter().all(|it| it.0.is_some());
        self.everything.last().filter(|_| counts)?.0
    }

    fn check(&self, agenda: &Agenda, taken: u64) {
        for (number, key) in (0..KEYS).zip(keys(KEYS)) {
            let entries = self.items.get(&number);
            assert_eq!(agenda.contains(&key), entries.is_some());
            let (Some(entries), Some(entry)) = (entries, agenda.items().get(&key)) else {
                continue;
            };
            let whys = || entries.iter().rev().map(|it| it.why);
            let announced = whys().find(|why| matches!(why, Why::Announced(_)));
            assert_eq!(Some(entry.why), announced.or(whys().next()));
            assert_eq!(Some(entry.since), entries.iter().map(|it| it.since).min());
            assert_eq!(Some(entry.latest), entries.iter().map(|it| it.latest).max());
        }
        assert_eq!(agenda.items().len(), self.items.len());
        let everything = agenda.everything().map(|it| (it.received, it.since));
        let first = self.everything.first();
        assert_eq!(everything, first.map(|first| (self.received(), first.1)));
        assert_eq!((agenda.marker, agenda.fresh), (self.marker, self.fresh));
        let done = self.items.is_empty() && self.everything.is_empty();
        assert_eq!(agenda.is_done(), done);
        assert_eq!(agenda.is_empty(), done && !self.marker);
        let items = self.items.values().flatten().map(|it| it.since);
        let waits: Vec<_> = items.chain(self.everything.iter().map(|it| it.1)).collect();
        let done = |number: &u64| *number == 0 || waits.iter().all(|it| it.number() > *number);
        let up_to = (0..=taken).rev().find(done);
        let found = agenda.done_up_to(generation(taken)).number();
        assert_eq!(Some(found), up_to);
        assert_eq!(
            agenda.keys_where(|why| why == Why::Found).len(),
            agenda
                .items()
                .values()
                .filter(|it| it.why == Why::Found)
                .count()
        );
    }
}

fn perform(act: Act, now: Instant, taken: &mut u64, agenda: &mut Agenda, model: &mut Model) {
    match act {
        Act::Put(number, reason, keep, more) => {
            // What was announced is newer than whatever was known; what was found is as old as that.
            let since = match reason {
                Reason::Announced => *taken + 1,
                _ => *taken,
            };
            *taken = since + more * (since - *taken);
            let entry = Entry {
                why: match reason {
                    Reason::Announced => Why::Announced(now),
                    Reason::Said => Why::Said(now),
                    Reason::Found => Why::Found,
                    Reason::Expired => Why::Expired,
                },
                since: generation(since),
                latest: generation(*taken),
            };
            if keep {
                agenda.keep(key(number), entry);
            } else {
                agenda.add(key(number), entry);
                model.fresh = true;
            }
            model.items.entry(number).or_default().push(entry);
        }
        Act::Everything(counts) => {
            *taken += 1;
            let received = Some(now).filter(|_| counts);
            agenda.add_everything(received, generation(*taken));
            model.everything.push((received, generation(*taken)));
            model.fresh = true;
        }
        Act::Planned(writes, marks) => {
            let keys: Vec<_> = writes.iter().map(|number| key(*number)).collect();
            agenda.planned(keys.iter(), marks, generation(*taken));
            let (first, received) = (model.everything.first(), model.received());
            let now = generation(*taken);
            let planned = Entry {
                why: received.map_or(Why::Found, Why::Said),
                since: first.map_or(now, |it| it.1),
                latest: now,
            };
            model.items.retain(|number, _| writes.contains(number));
            for number in writes {
                let entries = model.items.entry(number).or_default();
                if first.is_some() || entries.is_empty() {
                    // A full set may have said something else of each item.
                    let before = entries.first().map_or(now, |it| it.since);
                    let since = planned.since.min(before);
                    entries.insert(0, Entry { since, ..planned });
                }
            }
            model.everything.clear();
            (model.marker, model.fresh) = (marks, false);
        }
        Act::Finish(number, back) => {
            let written = generation(taken.saturating_sub(back));
            agenda.finish(&key(number), written);
            let newer = |entries: &Vec<Entry>| entries.iter().any(|it| it.latest > written);
            model
                .items
                .retain(|it, entries| *it != number || newer(entries));
            // What is left was said after that.
            for entry in model.items.get_mut(&number).into_iter().flatten() {
                entry.since = entry.since.min(written.next());
            }
        }
        Act::Marker => (agenda.marker, model.marker) = (true, true),
        Act::Clear => {
            agenda.clear();
            *model = Model::default();
        }
    }
}

proptest! {
    /// An announcement is neither lost nor measured from another one's byte; what is not written goes with its plan; what was
    /// said since a write was planned stays; and nothing is called done that waits.
    #[test]
    fn it_holds_of_each_item_what_was_put_there_since_it_was_last_done(
        acts in prop::collection::vec(act(), 0..50),
        behind in 0..4_u64,
    ) {
        let (mut agenda, mut model) = (Agenda::default(), Model::default());
        let (mut now, mut taken) = (start(), 0);
        model.check(&agenda, 0);
        for act in acts {
            now += Duration::from_millis(1);
            perform(act, now, &mut taken, &mut agenda, &mut model);
            model.check(&agenda, taken);
            model.check(&agenda, taken.saturating_sub(behind));
        }
    }
}

#[test]
fn an_announcement_takes_the_place_of_an_older_one_and_of_whatever_else() {
    let now = start();
    let later = now + Duration::from_secs(1);
    let all = [
        Why::Announced(now),
        Why::Said(now),
        Why::Found,
        Why::Expired,
    ];
    for before in all {
        for after in all.into_iter().chain([Why::Announced(later)]) {
            let mut agenda = Agenda::default();
            for (number, why) in (1..).zip([before, after]) {
                let (since, latest) = (generation(number), generation(number));
                agenda.add(key(0), Entry { why, since, latest });
            }
            let stays = matches!(before, Why::Announced(_)) && !matches!(after, Why::Announced(_));
            let expected = if stays { before } else { after };
            assert_eq!(agenda.items()[&key(0)].why, expected);
            assert_eq!(agenda.done_up_to(generation(9)), generation(0));
        }
    }
}
