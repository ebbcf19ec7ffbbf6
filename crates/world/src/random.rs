//! Counter-based randomness: hashes, streams of them, and a keyed permutation.

/// The finaliser of SplitMix64 (Steele et al., 2014): a bijection on 64 bits.
pub(crate) fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// A hash of `seed`, the purpose `label` and further numbers.
pub(crate) fn hash(seed: u64, label: &str, parts: &[u64]) -> u64 {
    let start = mix(seed ^ mix(hash_text(label)));
    parts.iter().fold(start, |state, part| mix(state ^ mix(*part)))
}

/// FNV-1a of the bytes of `text`.
pub(crate) fn hash_text(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

/// Independent draws, the n-th a function of the key and n alone.
pub(crate) struct Stream {
    key: u64,
    counter: u64,
}

impl Stream {
    pub(crate) fn new(seed: u64, label: &str, parts: &[u64]) -> Self {
        Self { key: hash(seed, label, parts), counter: 0 }
    }

    fn next(&mut self) -> u64 {
        self.counter += 1;
        mix(self.key ^ mix(self.counter))
    }

    /// A number in `0..n`; 0 when `n` is 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// True `share` times in `of`.
    pub(crate) fn chance(&mut self, share: u64, of: u64) -> bool {
        self.below(of) < share
    }

    /// An element of a non-empty slice, the first ones more often.
    pub(crate) fn skewed<T: Copy>(&mut self, items: &[T]) -> T {
        let n = items.len() as u64;
        let index = self.below(n).min(self.below(n));
        items[index as usize]
    }
}

const ROUNDS: u64 = 4;

/// A keyed permutation of `0..size`: a Feistel network with cycle walking
/// (Black and Rogaway, 2002, "Ciphers with arbitrary finite domains").
pub(crate) struct Permutation {
    key: u64,
    size: u64,
    half_bits: u32,
}

impl Permutation {
    pub(crate) fn new(key: u64, size: u64) -> Self {
        let bits = u64::BITS - size.saturating_sub(1).leading_zeros();
        Self { key, size, half_bits: bits.div_ceil(2).max(1) }
    }

    /// How many numbers it permutes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Where `x < size` goes.
    pub(crate) fn forward(&self, x: u64) -> u64 {
        self.walk(x, |x| {
            (0..ROUNDS).fold(x, |x, round| {
                let (left, right) = self.halves(x);
                self.join(right, left ^ self.round(round, right))
            })
        })
    }

    /// What comes to `y < size`: `backward(forward(x)) == x`.
    pub(crate) fn backward(&self, y: u64) -> u64 {
        self.walk(y, |y| {
            (0..ROUNDS).rev().fold(y, |y, round| {
                let (left, right) = self.halves(y);
                self.join(right ^ self.round(round, left), left)
            })
        })
    }

    fn walk(&self, mut x: u64, step: impl Fn(u64) -> u64) -> u64 {
        loop {
            x = step(x);
            if x < self.size {
                return x;
            }
        }
    }

    fn mask(&self) -> u64 {
        (1 << self.half_bits) - 1
    }

    fn halves(&self, x: u64) -> (u64, u64) {
        (x >> self.half_bits, x & self.mask())
    }

    fn join(&self, left: u64, right: u64) -> u64 {
        (left << self.half_bits) | right
    }

    fn round(&self, round: u64, half: u64) -> u64 {
        mix(self.key ^ mix(half.wrapping_mul(ROUNDS).wrapping_add(round))) & self.mask()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permutation_reaches_everything_once_and_turns_back() {
        for size in [1, 2, 10, 1000] {
            let permutation = Permutation::new(99, size);
            let mut seen: Vec<u64> = (0..size).map(|x| permutation.forward(x)).collect();
            assert!((0..size).all(|x| permutation.backward(permutation.forward(x)) == x));
            seen.sort_unstable();
            assert_eq!(seen, (0..size).collect::<Vec<_>>());
        }
    }

    #[test]
    fn draws_stay_below_and_reach_every_value() {
        let mut stream = Stream::new(1, "test", &[]);
        let mut counts = [0; 5];
        (0..1000).for_each(|_| counts[stream.below(5) as usize] += 1);
        assert!(counts.iter().all(|count| (120..280).contains(count)));
    }
}
