//! Whatever happens in whatever order. [`World`] checks after each step that there are two connections at most, that never
//! two are opened at once, that none is opened before its time or without a key, that reopenings keep to their allowance,
//! that nothing counts before a full set, and that nothing spins.

use std::time::Duration;

use ld_dynamodb_relay::launchdarkly::fdv1::{Malformed, Said, Unknown};
use ld_dynamodb_relay::launchdarkly::{Refusal, Signal, Transport};
use ld_dynamodb_relay::listener::{Context, Role as Which, Wakes};
use ld_dynamodb_relay::model::ReopenCause;
use proptest::prelude::*;

use crate::world::{Key, World, flag, greeting};

/// The longest wait, and as long as an allowance may take.
const LONGEST: Duration = Duration::from_mins(62);

#[derive(Clone, Debug)]
enum Happening {
    Connected(Which),
    Everything(Which, u8, u64),
    Newer(Which, u8, u64),
    /// The current session polls, and something changed.
    Polled(u8, u64),
    Hinted(Which),
    Unknown(Which),
    Alive(Which),
    RetryDelay(Which, u64),
    Ended(Which, Ending),
    Rekeyed,
    Ordered,
    KeyReset,
    /// A webhook: of this item if any, so many seconds late.
    Webhook(Option<u8>, u64),
    /// The writing half wants something confirmed.
    Wished,
    Passed(u64),
    /// Until the loop looks by itself.
    Due,
    Jitter(f64),
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    Closed,
    Silent,
    Malformed,
    Refused,
    Busy(Option<u64>),
}

impl From<Ending> for Refusal {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Closed => Self::Closed,
            Ending::Silent => Self::Silent(Duration::from_mins(5)),
            Ending::Malformed => Self::Malformed(Malformed::Json("put")),
            Ending::Refused => Self::Status {
                status: 401,
                retry_after: None,
            },
            Ending::Busy(seconds) => Self::Status {
                status: 503,
                retry_after: seconds.map(Duration::from_secs),
            },
        }
    }
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![Just(Which::New), Just(Which::Current)]
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        3 => Just(Ending::Closed),
        2 => Just(Ending::Silent),
        2 => Just(Ending::Malformed),
        1 => Just(Ending::Refused),
        1 => prop::option::of(0..3_600_u64).prop_map(Ending::Busy),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening as H;
    prop_oneof![
        3 => which().prop_map(H::Connected),
        6 => (which(), 0..4_u8, 1..6_u64).prop_map(|(which, flags, version)| H::Everything(which, flags, version)),
        4 => (which(), 0..4_u8, 1..6_u64).prop_map(|(which, flag, version)| H::Newer(which, flag, version)),
        3 => (0..4_u8, 1..6_u64).prop_map(|(flags, version)| H::Polled(flags, version)),
        2 => which().prop_map(H::Hinted),
        1 => which().prop_map(H::Unknown),
        1 => which().prop_map(H::Alive),
        1 => (which(), 0..100_000_u64).prop_map(|(which, delay)| H::RetryDelay(which, delay)),
        4 => (which(), ending()).prop_map(|(which, ending)| H::Ended(which, ending)),
        1 => Just(H::Rekeyed),
        3 => Just(H::Ordered),
        1 => Just(H::KeyReset),
        2 => (prop::option::of(0..4_u8), 0..20_u64).prop_map(|(item, late)| H::Webhook(item, late)),
        2 => Just(H::Wished),
        6 => prop_oneof![0..500_u64, 0..40_000_u64, 0..400_000_u64].prop_map(H::Passed),
        6 => Just(H::Due),
        1 => (0.0..=1.0).prop_map(H::Jitter),
    ]
}

fn happen(world: &mut World, happening: &Happening) {
    match *happening {
        Happening::Connected(which)
        | Happening::Everything(which, ..)
        | Happening::Newer(which, ..)
        | Happening::Hinted(which)
        | Happening::Unknown(which)
        | Happening::Alive(which)
        | Happening::RetryDelay(which, _)
        | Happening::Ended(which, _)
            if !world.is_open(which) => {}
        Happening::Connected(which) => world.signal(which, greeting(None)),
        Happening::Everything(which, flags, version) => world.say_everything(which, flags, version),
        Happening::Newer(which, number, version) => {
            let (key, item) = flag(number, version);
            world.say(which, Said::Newer(key, item));
        }
        Happening::Polled(flags, version) => {
            if world.current {
                world.signal(Which::Current, Signal::Asked(world.now));
                world.say_everything(Which::Current, flags, version);
            }
        }
        Happening::Hinted(which) => world.say(which, Said::Hint),
        Happening::Unknown(which) => world.say(which, Said::Unknown(Unknown::Path)),
        Happening::Alive(which) => world.signal(which, Signal::Alive),
        Happening::RetryDelay(which, delay) => {
            world.signal(which, Signal::RetryDelay(Duration::from_millis(delay)));
        }
        Happening::Ended(which, ending) => world.end(which, ending.into()),
        Happening::Rekeyed => world.rekey(),
        Happening::Ordered => world.order(),
        Happening::KeyReset => world.wake(Wakes {
            key_resets: 1,
            ..Wakes::default()
        }),
        Happening::Webhook(item, late) => {
            world.hint(item, Duration::from_secs(late));
        }
        Happening::Wished => {
            world.shared.wish(world.now, ReopenCause::Held);
            world.step(None);
        }
        Happening::Passed(milliseconds) => {
            world.pass(world.now + Duration::from_millis(milliseconds));
        }
        Happening::Due => {
            if let Some(due) = world.due {
                world.pass(due);
            }
        }
        Happening::Jitter(jitter) => world.jitter = jitter,
    }
}

/// From now on all is well: connections say everything a tenth of a second after they were opened. Returns when there is one
/// that has said everything, and nothing is wished.
fn heal(world: &mut World) -> Duration {
    let healed = world.now;
    if world.key != Key::There {
        world.rekey();
    }
    while !world.current || world.is_wished() || world.new {
        if !world.new {
            let due = world.due;
            assert!(due.is_some(), "it waits for nothing");
            world.pass(due.unwrap_or(world.now));
        }
        if world.new {
            world.pass(world.now + Duration::from_millis(100));
            world.say_everything(Which::New, 3, 7);
        }
        let took = world.now - healed;
        assert!(took < 2 * LONGEST, "{:?}", world.listener);
    }
    world.now - healed
}

proptest! {
    #[test]
    fn whatever_happens_a_connection_is_open_soon_after_the_last_fault(
        first_delay in 0..5_000_u64,
        keyless in any::<bool>(),
        polls in any::<bool>(),
        happenings in prop::collection::vec(happening(), 1..120),
    ) {
        let key = if keyless { Key::Unread } else { Key::There };
        let transport = if polls {
            Transport::Poll(Duration::from_secs(40))
        } else {
            Transport::Stream
        };
        let mut world = World::hearing_by(transport, Duration::from_millis(first_delay), key);
        for happening in &happenings {
            happen(&mut world, happening);
        }
        let took = heal(&mut world);
        prop_assert!(took <= LONGEST, "{took:?}");
    }
}
