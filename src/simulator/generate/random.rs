//! Random numbers that are the same on every machine and in every release.

/// Sebastiano Vigna's `SplitMix64`.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to `end` - 1; 0 if there is nothing to choose from.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        // The bias of a remainder does not matter here.
        usize::try_from(self.next() % end).unwrap_or_default()
    }

    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(super) fn choose<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    pub(super) fn word(&mut self, from: &[&'static str]) -> &'static str {
        self.choose(from).copied().unwrap_or_default()
    }

    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        // The upper 32 bits, which a float holds exactly.
        let bits = u32::try_from(self.next() >> 32).unwrap_or(u32::MAX);
        f64::from(bits) / f64::from(u32::MAX)
    }

    /// Log-normal: `median`, and `spread` as the standard deviation of its logarithm.
    pub(super) fn size(&mut self, median: f64, spread: f64) -> f64 {
        // Twelve uniform numbers make a normal one that is good enough.
        let normal = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
        median * exp(spread * normal)
    }
}

/// The exponential function from multiplications alone, whose results are the same on every machine.
fn exp(x: f64) -> f64 {
    const HALVINGS: i32 = 20;
    let mut power = 1.0 + x / f64::from(1 << HALVINGS);
    for _ in 0..HALVINGS {
        power *= power;
    }
    power
}
