//! numpy's `default_rng`: SeedSequence (O'Neill 2015) and PCG64 (O'Neill 2014, XSL-RR), with the draws that resampling needs.

const MULTIPLIER: u128 = 0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645;

/// The generator that `numpy.random.default_rng(seed)` gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generator {
    state: u128,
    increment: u128,
    /// The upper half of a number of which the lower one was used.
    half: Option<u32>,
}

impl Generator {
    /// Seeded with a number.
    pub fn new(seed: u64) -> Self {
        let words = SeedSequence::new(seed).words();
        let pair = |i: usize| (u128::from(words[i]) << 64) | u128::from(words[i + 1]);
        let mut generator = Self { state: 0, increment: (pair(2) << 1) | 1, half: None };
        generator.step();
        generator.state = generator.state.wrapping_add(pair(0));
        generator.step();
        generator
    }

    fn step(&mut self) {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(self.increment);
    }

    /// 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.step();
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        folded.rotate_right((self.state >> 122) as u32)
    }

    /// 32 bits: the lower half of a 64-bit number, then its upper half.
    pub fn next_u32(&mut self) -> u32 {
        if let Some(half) = self.half.take() {
            return half;
        }
        let whole = self.next_u64();
        self.half = Some((whole >> 32) as u32);
        whole as u32
    }

    /// A number below `bound`, as `integers` and `choice` draw it (Lemire 2019); 0 for bounds of 0 and 1, without a draw.
    pub fn below(&mut self, bound: u32) -> u32 {
        if bound <= 1 {
            return 0;
        }
        let mut product = u64::from(self.next_u32()) * u64::from(bound);
        if (product as u32) < bound {
            let threshold = bound.wrapping_neg() % bound;
            while (product as u32) < threshold {
                product = u64::from(self.next_u32()) * u64::from(bound);
            }
        }
        (product >> 32) as u32
    }
}

/// Bits as `integers(2, size=…, dtype=bool)` draws them: 32 from a number, the lowest first.
#[derive(Default)]
pub(super) struct Bits {
    word: u32,
    left: u32,
}

impl Bits {
    pub(super) fn next(&mut self, generator: &mut Generator) -> bool {
        if self.left == 0 {
            self.word = generator.next_u32();
            self.left = 32;
        } else {
            self.word >>= 1;
        }
        self.left -= 1;
        self.word & 1 == 1
    }
}

/// A seed spread over four words.
struct SeedSequence([u32; 4]);

impl SeedSequence {
    fn new(seed: u64) -> Self {
        let entropy = [seed as u32, (seed >> 32) as u32];
        let mut constant = 0x43b0_d7e5_u32;
        let mut hash = |value: u32| {
            let value = value ^ constant;
            constant = constant.wrapping_mul(0x931e_8875);
            let value = value.wrapping_mul(constant);
            value ^ (value >> 16)
        };
        let mix = |x: u32, y: u32| {
            let mixed = x.wrapping_mul(0xca01_f9dd).wrapping_sub(y.wrapping_mul(0x4973_f715));
            mixed ^ (mixed >> 16)
        };
        let mut pool = [0u32; 4];
        for (i, word) in pool.iter_mut().enumerate() {
            *word = hash(entropy.get(i).copied().unwrap_or(0));
        }
        for from in 0..4 {
            for to in (0..4).filter(|to| *to != from) {
                pool[to] = mix(pool[to], hash(pool[from]));
            }
        }
        Self(pool)
    }

    fn words(&self) -> [u64; 4] {
        let mut constant = 0x8b51_f9dd_u32;
        let mut halves = self.0.iter().cycle().map(|word| {
            let value = word ^ constant;
            constant = constant.wrapping_mul(0x58f3_8ded);
            let value = value.wrapping_mul(constant);
            u64::from(value ^ (value >> 16))
        });
        let mut half = move || halves.next().unwrap_or(0);
        std::array::from_fn(|_| half() | (half() << 32))
    }
}
