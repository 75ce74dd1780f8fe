//! How metrics are declared: a struct whose fields are instruments and whose comments are the help texts.

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusHandle, PrometheusRecorder};

use crate::label::Label;

static METADATA: Metadata<'_> = Metadata::new(module_path!(), Level::INFO, None);

/// What is declared of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Its name, without the prefix.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Its labels besides `environment`.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

/// Where series are made.
pub(super) struct Registry {
    recorder: PrometheusRecorder,
    prefix: String,
}

impl Registry {
    pub(super) fn new(recorder: PrometheusRecorder, prefix: &str) -> Self {
        Self {
            recorder,
            prefix: prefix.to_owned(),
        }
    }

    pub(super) fn handle(&self) -> PrometheusHandle {
        self.recorder.handle()
    }

    fn key(&self, family: &Family, labels: &[metrics::Label]) -> Key {
        Key::from_parts(format!("{}{}", self.prefix, family.name), labels.to_vec())
    }

    fn name(&self, family: &Family) -> KeyName {
        format!("{}{}", self.prefix, family.name).into()
    }
}

/// Something that can be a field: one series, or one for each value of its labels.
pub(super) trait Instrument: Sized {
    const KIND: &'static str;
    const LABELS: &'static [&'static str] = &[];

    /// Makes the series, at zero, and tells the help text.
    fn bind(registry: &Registry, family: &Family, labels: &[metrics::Label]) -> Self;
}

macro_rules! instrument {
    ($($name:ident = $kind:literal, $describe:ident, $register:ident;)+) => { $(
        impl Instrument for $name {
            const KIND: &'static str = $kind;

            fn bind(registry: &Registry, family: &Family, labels: &[metrics::Label]) -> Self {
                let help = family.help.trim().into();
                registry.recorder.$describe(registry.name(family), None, help);
                registry.recorder.$register(&registry.key(family, labels), &METADATA)
            }
        }
    )+ };
}

instrument! {
    Counter = "counter", describe_counter, register_counter;
    Gauge = "gauge", describe_gauge, register_gauge;
    Histogram = "histogram", describe_histogram, register_histogram;
}

/// The values of one label, or of two.
pub trait Labels: Copy + PartialEq + 'static {
    /// Their names.
    const NAMES: &'static [&'static str];

    /// Every combination.
    fn all() -> Vec<Self>;

    /// Names and values of this combination.
    fn texts(self) -> Vec<metrics::Label>;
}

impl<L: Label> Labels for L {
    const NAMES: &'static [&'static str] = &[L::NAME];

    fn all() -> Vec<Self> {
        L::VALUES.to_vec()
    }

    fn texts(self) -> Vec<metrics::Label> {
        vec![metrics::Label::from_static_parts(L::NAME, self.text())]
    }
}

impl<A: Label, B: Label> Labels for (A, B) {
    const NAMES: &'static [&'static str] = &[A::NAME, B::NAME];

    fn all() -> Vec<Self> {
        A::VALUES
            .iter()
            .flat_map(|a| B::VALUES.iter().map(move |b| (*a, *b)))
            .collect()
    }

    fn texts(self) -> Vec<metrics::Label> {
        [self.0.texts(), self.1.texts()].concat()
    }
}

/// A series for each value of a label, or of a pair of labels, bound when it is made.
#[derive(Debug)]
pub struct By<L, I> {
    series: Vec<(L, I)>,
}

impl<L: Labels, I: Instrument> Instrument for By<L, I> {
    const KIND: &'static str = I::KIND;
    const LABELS: &'static [&'static str] = L::NAMES;

    fn bind(registry: &Registry, family: &Family, labels: &[metrics::Label]) -> Self {
        let bind = |value: L| I::bind(registry, family, &[labels, &value.texts()].concat());
        let series = L::all().into_iter().map(|value| (value, bind(value)));
        Self {
            series: series.collect(),
        }
    }
}

impl<L: Labels, I> By<L, I> {
    /// The series of this value.
    pub fn of(&self, value: L) -> &I {
        let found = self.series.iter().position(|(bound, _)| *bound == value);
        &self.series[found.unwrap_or_default()].1
    }
}

impl<L: Labels> By<L, Gauge> {
    /// Sets this value's series to one and the others to zero.
    pub(super) fn only(&self, value: L) {
        for (bound, gauge) in &self.series {
            gauge.set(if *bound == value { 1.0 } else { 0.0 });
        }
    }
}

/// Declares a struct of instruments. A field's comment is its metric's help text.
macro_rules! families {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $( $(#[doc = $help:literal])+ $metric:literal => $field:ident: $instrument:ty, )+
        }
    ) => {
        $(#[$meta])*
        $vis struct $name {
            $( $(#[doc = $help])+ pub $field: $instrument, )+
        }

        impl $name {
            /// What is declared here.
            pub(in $crate::metrics) const FAMILIES: &'static [$crate::metrics::Family] = &[$(
                $crate::metrics::Family {
                    name: $metric,
                    kind: <$instrument as $crate::metrics::family::Instrument>::KIND,
                    labels: <$instrument as $crate::metrics::family::Instrument>::LABELS,
                    help: concat!($($help),+),
                },
            )+];

            fn bind(registry: &$crate::metrics::family::Registry, labels: &[::metrics::Label]) -> Self {
                let mut families = Self::FAMILIES.iter();
                let mut next = || families.next().unwrap_or(&Self::FAMILIES[0]);
                Self {
                    $( $field: $crate::metrics::family::Instrument::bind(registry, next(), labels), )+
                }
            }
        }
    };
}

pub(super) use families;
