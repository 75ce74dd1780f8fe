//! Changes inputs a little, always in the same way.

/// Splitmix: a few lines, and the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        let number = usize::try_from(self.next() >> 33).unwrap_or_default();
        number % end.max(1)
    }

    fn one_of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    /// Part of `bytes`, short ones more often than long ones.
    fn part<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self.below(bytes.len());
        let most = 1 + self.below(bytes.len() - start);
        &bytes[start..][..self.below(most + 1).min(bytes.len() - start)]
    }
}

/// What matters to those who read the inputs.
const TOKENS: &[&[u8]] = &[
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b":",
    b";",
    b"*",
    b"/",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b",",
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"\\ud800",
    b"\xEF\xBB\xBF",
    b"\xFF",
    b"\0",
    b"data: ",
    b"event: put\n",
    b"event: patch\n",
    b"event: delete\n",
    b"retry: 7\n",
    b":\n",
    b"\"deleted\":true,",
    b"\"version\":2,",
    b"proj/",
    b"env/*",
    b"flag/",
    b"segment/",
    b":env/production",
    b"\"kind\":\"segment\",",
    b"\"accesses\":[],",
    b"updateName",
];

/// Longer inputs say nothing that shorter ones do not, and take their time.
const MOST: usize = 2_048;

pub(crate) struct Mutator<'a> {
    random: Random,
    seeds: &'a [Vec<u8>],
}

impl<'a> Mutator<'a> {
    pub(crate) const fn new(seeds: &'a [Vec<u8>]) -> Self {
        Self {
            random: Random(7),
            seeds,
        }
    }

    /// A piece of the seed, changed in one to four places.
    pub(crate) fn mutated(&mut self, seed: &[u8]) -> Vec<u8> {
        let start = self.random.below((seed.len() + 1).saturating_sub(MOST));
        let mut input = seed[start..][..seed.len().min(MOST)].to_vec();
        for _ in 0..=self.random.below(4) {
            self.change(&mut input);
            input.truncate(2 * MOST);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let random = &mut self.random;
        let at = random.below(input.len() + 1);
        match random.below(7) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => input[at] = random.one_of(TOKENS)[0],
            2 => input.truncate(at),
            3 => {
                let end = at + random.part(&input[at..]).len();
                input.drain(at..end);
            }
            4 => {
                let part = random.part(input).to_vec();
                input.splice(at..at, part);
            }
            5 => {
                let seed = random.below(self.seeds.len());
                let part = random.part(&self.seeds[seed]);
                input.splice(at..at, part.iter().copied());
            }
            _ => {
                let token = random.one_of(TOKENS);
                input.splice(at..at, token.iter().copied());
            }
        }
    }
}
