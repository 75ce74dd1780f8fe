use super::*;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn flag(key: &str) -> ItemKey {
    ItemKey::flag(key)
}

/// What became of hints: on time, no change, late.
const fn told(answered: &HintOutcomes) -> (u64, u64, u64) {
    (answered.on_time, answered.no_change, answered.late)
}

/// Hints of an environment that is connected unless a test says otherwise. Times are in seconds since its start.
struct World {
    hints: Hints,
    start: Instant,
}

impl World {
    fn new() -> Self {
        Self::with(Transport::Stream)
    }

    fn with(transport: Transport) -> Self {
        Self {
            hints: Hints::new(transport),
            start: Instant::now(),
        }
    }

    fn at(&self, second: u64) -> Instant {
        self.start + seconds(second)
    }

    /// A webhook that took no time.
    fn hint(&mut self, second: u64, item: Option<&str>) -> (u64, u64, u64) {
        self.late_hint(second, second, item)
    }

    fn late_hint(&mut self, happened: u64, came: u64, item: Option<&str>) -> (u64, u64, u64) {
        let hint = Hint {
            item: item.map(flag),
            happened: self.at(happened),
        };
        let came = self.at(came);
        told(&self.hints.hint(hint, came))
    }

    fn delivered(&mut self, second: u64, item: &str) -> (u64, u64, u64) {
        let received = self.at(second);
        told(&self.hints.delivered(&flag(item), received))
    }

    fn full(&mut self, asked: u64, received: u64, changed: &[&str]) -> (u64, u64, u64) {
        let changed = changed.iter().copied().map(flag).collect();
        let (asked, received) = (self.at(asked), self.at(received));
        told(&self.hints.everything(asked, &changed, received))
    }

    fn wishes(&mut self, second: u64) -> bool {
        let now = self.at(second);
        self.hints.look(now, true, None)
    }

    fn due(&self) -> Option<u64> {
        let due = self.hints.due(None)?;
        Some((due - self.start).as_secs())
    }
}

#[test]
fn what_the_stream_delivered_before_or_delivers_within_5_seconds_wishes_nothing() {
    let mut world = World::new();
    world.delivered(10, "a");
    for happened in [8, 10, 15] {
        assert_eq!(world.late_hint(happened, 20, Some("a")), (1, 0, 0));
    }
    assert_eq!(world.due(), None);
    // This one happened later.
    assert_eq!(world.late_hint(16, 20, Some("a")), (0, 0, 0));
    assert_eq!(world.hint(21, Some("b")), (0, 0, 0));
    assert_eq!(world.due(), Some(25));
    assert_eq!(world.delivered(22, "other"), (0, 0, 0));
    assert_eq!(world.delivered(24, "a"), (1, 0, 0));
    assert_eq!(world.due(), Some(26));
    assert_eq!(world.delivered(25, "b"), (1, 0, 0));
    assert_eq!(world.due(), None);
    assert!(!world.wishes(60));
}

#[test]
fn what_is_not_delivered_is_asked_for_once_and_judged_by_what_that_brings() {
    let mut world = World::new();
    for item in [Some("changed"), Some("same"), None] {
        world.hint(0, item);
    }
    assert!(!world.wishes(4));
    assert!(world.wishes(5));
    assert!(!world.wishes(5), "it is wished already");
    assert_eq!(world.due(), None);
    let changed = HashSet::from([flag("changed")]);
    let (asked, received) = (world.at(5), world.at(6));
    let answered = world.hints.everything(asked, &changed, received);
    assert_eq!(told(&answered), (0, 1, 2), "the one without item as well");
    assert_eq!(answered.late_item, Some(flag("changed")));
    assert_eq!(world.full(7, 8, &["changed"]), (0, 0, 0), "each once");
}

#[test]
fn a_full_set_settles_what_came_before_it_was_asked_for() {
    let mut world = World::new();
    world.hint(0, Some("a"));
    world.hint(2, None);
    world.hint(2, Some("brought"));
    world.hint(3, Some("b"));
    // It is not late for any of them; what it brings is delivered, whenever it was asked for.
    assert_eq!(world.full(1, 3, &["brought"]), (1, 1, 0));
    assert_eq!(world.due(), Some(7));
    assert_eq!(world.full(2, 4, &["other"]), (1, 0, 0));
    assert_eq!(world.due(), Some(8));
    assert_eq!(world.late_hint(4, 9, Some("other")), (1, 0, 0), "delivered");
}

#[test]
fn a_hint_without_item_is_answered_by_no_patch() {
    let mut world = World::new();
    world.hint(0, None);
    assert_eq!(world.delivered(1, "a"), (0, 0, 0));
    assert!(world.wishes(5));
    assert_eq!(world.full(5, 6, &[]), (0, 1, 0));
}

#[test]
fn while_there_is_no_stream_none_is_late() {
    let mut world = World::new();
    world.hint(0, Some("a"));
    world.hint(0, None);
    let now = world.at(5);
    assert!(!world.hints.look(now, false, None));
    assert_eq!(world.due(), None);
    assert_eq!(world.full(20, 21, &["a"]), (2, 0, 0));
}

#[test]
fn what_came_while_a_connection_was_made_has_its_time_once_that_is_there() {
    let mut world = World::new();
    world.hint(1, Some("late"));
    world.hint(1, Some("on time"));
    let (asking, now) = (Some(world.at(0)), world.at(6));
    assert!(!world.hints.look(now, false, asking));
    world.hint(6, Some("after that"));
    // It was asked for before, and brings none of them.
    assert_eq!(world.full(0, 8, &[]), (0, 0, 0));
    assert_eq!(world.due(), Some(11), "the one that was never excused");
    assert_eq!(world.delivered(9, "on time"), (1, 0, 0));
    assert_eq!(world.delivered(10, "after that"), (1, 0, 0));
    assert_eq!(world.due(), Some(13));
    assert!(!world.wishes(12));
    assert!(world.wishes(13));
    assert_eq!(world.full(13, 14, &["late"]), (0, 0, 1));
    assert_eq!(world.due(), None);
}

#[test]
fn a_connection_that_asked_since_then_needs_no_wish() {
    let mut world = World::new();
    world.hint(0, Some("a"));
    world.hint(3, Some("b"));
    let (now, asking) = (world.at(5), Some(world.at(2)));
    assert!(!world.hints.look(now, true, asking));
    assert_eq!(world.hints.due(asking), Some(world.at(8)));
    let now = world.at(8);
    assert!(world.hints.look(now, true, asking), "it came later");
    assert_eq!(world.full(2, 9, &["a"]), (0, 0, 1));
    assert_eq!(world.full(8, 10, &[]), (0, 1, 0));
}

#[test]
fn the_stream_delivers_too_late() {
    let mut world = World::new();
    world.hint(0, Some("a"));
    assert!(world.wishes(5));
    assert_eq!(world.delivered(6, "a"), (0, 0, 1));
    assert_eq!(world.full(5, 7, &[]), (0, 0, 0));
}

/// Each item's hint, one a millisecond for two minutes; nothing is ever delivered, but asking takes a second.
#[test]
fn a_flood_wishes_once_in_30_seconds_and_is_bounded() {
    let mut world = World::new();
    let (mut wishes, mut answered) = (Vec::new(), (0, 0));
    for millisecond in 0..120_000_u64 {
        let now = world.start + Duration::from_millis(millisecond);
        let hint = Hint {
            item: Some(flag(&format!("flag-{millisecond}"))),
            happened: now,
        };
        world.hints.hint(hint, now);
        assert!(world.hints.pending.len() <= MOST + 1);
        if world.hints.look(now, true, None) {
            wishes.push(now);
        }
        if let Some(asked) = wishes.last().filter(|at| **at + seconds(1) == now) {
            let told = world.hints.everything(*asked, &HashSet::new(), now);
            answered = (answered.0 + told.on_time, answered.1 + told.no_change);
        }
    }
    let at: Vec<_> = wishes
        .iter()
        .map(|it| (*it - world.start).as_secs())
        .collect();
    assert_eq!(at, [5, 35, 65, 95]);
    assert!(answered.1 > 0, "{answered:?}");
}

#[test]
fn a_hint_within_30_seconds_of_a_wish_waits_for_the_next() {
    let mut world = World::new();
    world.hint(0, Some("a"));
    assert!(world.wishes(5));
    world.full(5, 6, &[]);
    world.hint(7, Some("b"));
    assert_eq!(world.due(), Some(12));
    assert!(!world.wishes(12));
    assert_eq!(world.due(), Some(35));
    assert!(!world.wishes(34));
    assert!(world.wishes(35));
    assert_eq!(world.full(35, 36, &["b"]), (0, 0, 1));
    assert_eq!(world.due(), None);
}

#[test]
fn who_polls_asks_at_once_and_each_5_seconds_at_most() {
    let mut world = World::with(Transport::Poll(seconds(30)));
    world.hint(0, Some("a"));
    assert_eq!(world.due(), Some(0));
    assert!(world.wishes(0) && !world.wishes(0));
    assert_eq!(world.full(0, 1, &["a"]), (1, 0, 0));
    // What came just before tells nothing of what happens now.
    world.hint(1, Some("a"));
    assert!(!world.wishes(1));
    assert_eq!(world.due(), Some(5));
    assert!(!world.hints.is_late());
    assert!(world.wishes(5));
    assert_eq!(world.full(5, 6, &[]), (0, 1, 0));
    assert_eq!(world.due(), None);
}

/// The poll failed, say: until one answers, something is known to be missing.
#[test]
fn what_a_poll_does_not_bring_within_10_seconds_is_late() {
    let mut world = World::with(Transport::Poll(seconds(30)));
    world.hint(0, Some("a"));
    assert!(world.wishes(0) && !world.hints.is_late());
    assert_eq!(world.due(), Some(10));
    assert!(!world.wishes(10), "it is being asked for");
    assert!(world.hints.is_late());
    assert_eq!(world.full(11, 12, &["a"]), (0, 0, 1));
    assert!(!world.hints.is_late());
}

#[test]
fn who_polls_and_has_no_answer_yet_asks_once_it_has() {
    let mut world = World::with(Transport::Poll(seconds(30)));
    world.hint(1, Some("a"));
    let now = world.at(1);
    assert!(!world.hints.look(now, false, None));
    // It was asked for before the hint came.
    assert_eq!(world.full(0, 2, &[]), (0, 0, 0));
    assert_eq!(world.due(), Some(2));
    assert!(world.wishes(2));
    assert_eq!(world.full(2, 3, &["a"]), (1, 0, 0));
}
