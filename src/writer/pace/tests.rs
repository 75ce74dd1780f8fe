//! A simulation, event by event, of passes that write before a partition with a limit: 4 ms a request, 32 in flight.

use std::collections::VecDeque;

use super::*;
use crate::simulator::store::Bucket;

const IN_FLIGHT: usize = 32;
const PASS_TIME: Duration = Duration::from_millis(250);
/// One way.
const WIRE: Duration = Duration::from_millis(2);

/// What the simulation is about.
struct Scene {
    /// Write units a second; none for a store without a limit.
    limit: Option<f64>,
    items: usize,
    seed: u64,
    /// How often a patch of one unit comes.
    patches_every: Option<Duration>,
    /// From when until when the store refuses everything.
    outage: Option<(Duration, Duration)>,
}

/// What came of it.
#[derive(Debug)]
struct Figures {
    seconds: f64,
    units: f64,
    sent: u32,
    refused: u32,
    worst_patch: Duration,
    /// When the rate was again what it had been before the outage, counted from its end.
    recovered: Option<Duration>,
}

impl Scene {
    fn new(limit: Option<f64>, items: usize, seed: u64) -> Self {
        Self {
            limit,
            items,
            seed,
            patches_every: None,
            outage: None,
        }
    }

    fn run(self) -> Figures {
        Simulation::new(self).run()
    }
}

struct Request {
    sent: Instant,
    units: f64,
    patch: Option<Instant>,
}

struct Simulation {
    scene: Scene,
    start: Instant,
    now: Instant,
    pace: Pace,
    bucket: Option<Bucket>,
    undone: VecDeque<(f64, Option<Instant>)>,
    /// In the order in which they were sent, which is that of the answers.
    flight: VecDeque<Request>,
    next_patch: Option<Instant>,
    rate_before: Option<f64>,
    figures: Figures,
}

impl Simulation {
    fn new(scene: Scene) -> Self {
        let start = Instant::now();
        let sizes = sizes(scene.items, scene.seed);
        Self {
            start,
            now: start,
            pace: Pace::default(),
            bucket: scene.limit.map(|limit| Bucket::full(limit, start)),
            flight: VecDeque::new(),
            next_patch: scene.patches_every.map(|every| start + every),
            rate_before: None,
            figures: Figures {
                seconds: 0.0,
                units: sizes.iter().sum(),
                sent: 0,
                refused: 0,
                worst_patch: Duration::ZERO,
                recovered: None,
            },
            undone: sizes.into_iter().map(|units| (units, None)).collect(),
            scene,
        }
    }

    fn run(mut self) -> Figures {
        while !self.undone.is_empty() {
            self.pass();
        }
        self.figures.seconds = (self.now - self.start).as_secs_f64();
        self.figures
    }

    /// As the writing half does it: what is not sent in time is planned again, what changed last first.
    fn pass(&mut self) {
        let deadline = self.now + PASS_TIME;
        let (urgent, rest): (Vec<_>, Vec<_>) = self
            .undone
            .drain(..)
            .partition(|(_, patch)| patch.is_some());
        let mut queue: VecDeque<_> = urgent.into_iter().chain(rest).collect();
        loop {
            let mut pause = None;
            while self.flight.len() < IN_FLIGHT && !queue.is_empty() {
                if self.now >= deadline {
                    self.undone.extend(queue.drain(..));
                    break;
                }
                let at = self.pace.next(self.now);
                if at > self.now {
                    pause = Some(at.min(deadline));
                    break;
                }
                if let Some((units, patch)) = queue.pop_front() {
                    self.send(units, patch);
                }
            }
            let answer = self.flight.front().map(|it| it.sent + 2 * WIRE);
            let Some(next) = [pause, answer].into_iter().flatten().min() else {
                return;
            };
            self.now = self.now.max(next);
            self.patches();
            if answer.is_some_and(|at| at <= self.now)
                && let Some(again) = self.answer()
            {
                queue.push_front(again);
            }
        }
    }

    fn send(&mut self, units: f64, patch: Option<Instant>) {
        self.pace.send(self.now, units);
        self.figures.sent += 1;
        self.flight.push_back(Request {
            sent: self.now,
            units,
            patch,
        });
    }

    /// Takes the next answer; what was refused is to be sent again.
    fn answer(&mut self) -> Option<(f64, Option<Instant>)> {
        let Request { sent, units, patch } = self.flight.pop_front()?;
        let arrived = sent + WIRE;
        let outage = self
            .scene
            .outage
            .map(|(from, to)| (self.start + from, self.start + to));
        let out = outage.is_some_and(|(from, to)| (from..to).contains(&arrived));
        if out && self.rate_before.is_none() {
            self.rate_before = self.pace.rate();
        }
        let admitted = !out && self.bucket.as_mut().is_none_or(|it| it.admits(arrived));
        if !admitted {
            self.figures.refused += 1;
            self.pace.refused(self.now, sent, units);
            return Some((units, patch));
        }
        if let Some(bucket) = &mut self.bucket {
            bucket.take(units);
        }
        self.pace.accepted(sent, units);
        if let (Some((_, to)), Some(before)) = (outage, self.rate_before)
            && self.pace.rate().is_none_or(|rate| rate >= 0.9 * before)
        {
            self.figures.recovered.get_or_insert(self.now - to);
        }
        if let Some(came) = patch {
            self.figures.worst_patch = self.figures.worst_patch.max(self.now - came);
        }
        None
    }

    fn patches(&mut self) {
        while let (Some(at), Some(every)) = (self.next_patch, self.scene.patches_every)
            && at <= self.now
        {
            self.undone.push_back((1.0, Some(at)));
            self.figures.units += 1.0;
            self.next_patch = Some(at + every);
        }
    }
}

/// Units of so many rows: a median of 1.5 KB, a tail to 60 KB.
fn sizes(items: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 33).unwrap_or_default()) / f64::from(1_u32 << 31)
    };
    let normal = |uniform: [f64; 12]| uniform.iter().sum::<f64>() - 6.0;
    (0..items)
        .map(|_| {
            let uniform = std::array::from_fn(|_| random());
            (1.5 * (0.85 * normal(uniform)).exp()).min(60.0).ceil()
        })
        .collect()
}

/// Finding the limit costs some requests; after that few are refused.
fn assert_few_refused(figures: &Figures) {
    let allowed = 40.0 + 0.035 * f64::from(figures.sent);
    assert!(f64::from(figures.refused) <= allowed, "{figures:?}");
}

#[test]
fn a_first_write_takes_the_time_that_the_partition_gives_it() {
    for limit in [100.0, 1_000.0, 5_000.0] {
        for seed in 1..=4 {
            let figures = Scene::new(Some(limit), 5_500, seed).run();
            assert!((13_000.0..16_500.0).contains(&figures.units), "{figures:?}");
            assert!(
                figures.seconds <= 1.15 * figures.units / limit,
                "{limit}: {figures:?}"
            );
            assert_few_refused(&figures);
        }
    }
}

#[test]
fn there_is_no_pace_without_a_limit() {
    let scene = Scene::new(None, 5_500, 1);
    let mut simulation = Simulation::new(scene);
    simulation.pass();
    assert_eq!(simulation.pace.rate(), None);
    let figures = simulation.run();
    assert_eq!(figures.refused, 0);
    // 32 at once, 4 ms each; a pass ends now and then.
    assert!(
        figures.seconds <= 1.05 * 5_500.0 / 32.0 * 0.004,
        "{figures:?}"
    );
}

#[test]
fn a_patch_in_the_middle_does_not_wait_behind_a_first_write() {
    for limit in [1_000.0, 5_000.0] {
        for seed in 1..=4 {
            let mut scene = Scene::new(Some(limit), 5_500, seed);
            scene.patches_every = Some(Duration::from_millis(230));
            let figures = scene.run();
            assert!(figures.worst_patch > Duration::ZERO);
            assert!(
                figures.worst_patch < Duration::from_millis(500),
                "{limit}: {figures:?}"
            );
            assert!(
                figures.seconds <= 1.15 * figures.units / limit,
                "{limit}: {figures:?}"
            );
            assert_few_refused(&figures);
        }
    }
}

#[test]
fn the_rate_recovers_soon_after_an_outage() {
    for seed in 1..=4 {
        let mut scene = Scene::new(Some(1_000.0), 5_500, seed);
        scene.outage = Some((Duration::from_secs(5), Duration::from_secs(25)));
        let figures = scene.run();
        let recovered = figures.recovered.expect("it recovers");
        assert!(recovered < Duration::from_secs(2), "{figures:?}");
        assert!(
            figures.seconds <= 20.0 + 1.15 * figures.units / 1_000.0 + 2.0,
            "{figures:?}"
        );
    }
}

/// Of a table of little provisioned capacity, one large row takes the budget of many seconds.
#[test]
fn to_wait_for_the_partition_is_not_to_be_idle() {
    for seed in 1..=4 {
        let figures = Scene::new(Some(5.0), 550, seed).run();
        assert!(figures.seconds <= 1.15 * figures.units / 5.0, "{figures:?}");
    }
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let mut pace = Pace {
        rate: Some(5.0),
        ..Pace::default()
    };
    pace.send(start, 60.0);
    assert_eq!(pace.next(start), at(12));
    pace.send(at(12), 1.0);
    assert_eq!(pace.rate(), Some(5.0));
    pace.send(at(23), 1.0);
    assert_eq!(
        pace.rate(),
        None,
        "a burst after ten idle seconds finds its own rate"
    );
}

/// What was on its way when the rate was cut belongs to the overload that was answered by the cut.
#[test]
fn one_overload_is_answered_once() {
    let start = Instant::now();
    let at = |milliseconds| start + Duration::from_millis(milliseconds);
    let mut pace = Pace::default();
    for _ in 0..IN_FLIGHT {
        pace.refused(at(4), start, 1.0);
    }
    assert_eq!(pace.rate(), Some(1_000.0));
    assert_eq!(pace.next(at(4)), at(54));
    pace.refused(at(64), at(60), 1.0);
    assert_eq!(
        pace.rate(),
        Some(1_000.0),
        "nothing was accepted since: an outage"
    );
    pace.accepted(at(130), 1.0);
    pace.refused(at(144), at(140), 1.0);
    assert!((500.0..501.0).contains(&pace.rate().unwrap()));
}
