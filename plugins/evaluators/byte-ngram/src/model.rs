//! The counts and what they predict.

use std::collections::HashMap;
use tongues_kernel::{Result, refuse};

/// Bytes that a context's key can hold.
const LONGEST: usize = 8;

/// Up to 8 bytes before a byte, and whether the text begins there.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Context {
    bytes: u64,
    length: u8,
    starts: bool,
}

/// What followed a context.
#[derive(Clone, Default)]
struct Followers {
    /// How often any byte did.
    count: u64,
    /// How often each did, in the order of their first time.
    each: Vec<(u8, u64)>,
}

impl Followers {
    fn add(&mut self, byte: u8) {
        self.count += 1;
        match self.each.iter_mut().find(|(b, _)| *b == byte) {
            Some((_, count)) => *count += 1,
            None => self.each.push((byte, 1)),
        }
    }

    /// The Witten-Bell estimate of a byte that has probability `shorter` behind the next shorter context.
    fn estimate(&self, byte: u8, shorter: f64) -> f64 {
        let count = self.each.iter().find(|(b, _)| *b == byte).map_or(0, |(_, count)| *count);
        let kinds = self.each.len() as f64;
        (count as f64 + kinds * shorter) / (self.count as f64 + kinds)
    }
}

/// Interpolated Witten-Bell estimates over bytes.
pub struct ByteModel {
    order: usize,
    bytes: u64,
    contexts: HashMap<Context, Followers>,
}

impl ByteModel {
    /// Without counts: every byte has 1/256. `order` is the length of the longest context; the beginning of a text counts as
    /// one place of it.
    ///
    /// # Errors
    /// More than 8.
    pub fn new(order: usize) -> Result<Self> {
        if order > LONGEST {
            return refuse("byte-ngram: order", format!("at most {LONGEST}"), order, "choose a shorter context");
        }
        Ok(Self { order, bytes: 0, contexts: HashMap::new() })
    }

    /// Bytes counted so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Counts a text.
    pub fn learn(&mut self, text: &[u8]) {
        self.bytes += text.len() as u64;
        for (i, byte) in text.iter().enumerate() {
            for context in contexts(&text[..i], self.order) {
                self.contexts.entry(context).or_default().add(*byte);
            }
        }
    }

    /// The probability of `byte` in a text that begins with `before`; over all 256 bytes they sum to 1.
    pub fn probability(&self, before: &[u8], byte: u8) -> f64 {
        let mut p = 1.0 / 256.0;
        for context in contexts(before, self.order) {
            // Longer contexts that were never seen add nothing, and neither do those that extend them.
            let Some(followers) = self.contexts.get(&context) else { break };
            p = followers.estimate(byte, p);
        }
        p
    }

    /// Bits of a whole text.
    pub fn bits(&self, text: &[u8]) -> f64 {
        text.iter().enumerate().map(|(i, byte)| -self.probability(&text[..i], *byte).log2()).sum()
    }
}

/// The contexts behind `before`, from the empty one to the longest; each extends the one before it.
fn contexts(before: &[u8], order: usize) -> impl Iterator<Item = Context> {
    let plain = order.min(before.len());
    let context = move |length: usize| Context { bytes: key(&before[before.len() - length..]), length: length as u8, starts: false };
    let start = (order > before.len()).then(|| Context { starts: true, ..context(before.len()) });
    (0..=plain).map(context).chain(start)
}

fn key(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |key, byte| (key << 8) | u64::from(*byte))
}
