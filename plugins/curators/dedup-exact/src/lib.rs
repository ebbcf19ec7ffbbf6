//! # dedup-exact
//!
//! Drops records whose text occurred before.
//! Paper: none of its own; that repeated documents make models worse and tests too easy is shown by Lee et al. 2022,
//! "Deduplicating Training Data Makes Language Models Better" (arXiv 2107.06499).
//!
//! ## What it does
//! Keeps the first record of each text, in the data's order, and counts the others under the rule `duplicate`. Texts are
//! compared by the first 128 bits of the SHA-256 of their normalised form, so that no text need be held: two different texts
//! of a billion share them with a probability below 2⁻⁶⁸.
//!
//! ## When to use
//! On every corpus from the web, before it is split. It does not see texts that differ by a word.
//!
//! ## Differences from the paper
//! The paper drops repeated substrings and near-duplicates; this is the exact case, over whole texts.
//!
//! ## Reproduces
//! Nothing published.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use tongues_kernel::{Context, Curator, Records, Result, Sink, register};

/// Removal of equal texts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DedupExact {
    /// The field that is compared.
    #[serde(default = "field")]
    pub field: String,
    /// What does not count as a difference.
    #[serde(default)]
    pub normalize: Normalize,
}

fn field() -> String {
    "text".into()
}

/// What does not count as a difference between texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Normalize {
    /// Everything counts.
    None,
    /// White space at the ends, and how much of it stands between words.
    #[default]
    Whitespace,
    /// The same, and upper or lower case (Unicode's lower case, word by word).
    Casefold,
}

impl Normalize {
    /// The first 128 bits of the SHA-256 of the normalised text.
    pub fn fingerprint(self, text: &str) -> u128 {
        let mut hash = Sha256::new();
        let mut words = |each: &dyn Fn(&str) -> String| {
            for (i, word) in text.split_whitespace().enumerate() {
                hash.update(if i == 0 { "" } else { " " });
                hash.update(each(word));
            }
        };
        match self {
            Self::None => hash.update(text),
            Self::Whitespace => words(&str::to_owned),
            Self::Casefold => words(&str::to_lowercase),
        }
        let digest = hash.finalize();
        digest[..16].iter().fold(0, |bits, byte| (bits << 8) | u128::from(*byte))
    }
}

impl Curator for DedupExact {
    fn curate(&self, input: &dyn Records, out: &mut Sink, _: &mut dyn Context) -> Result<()> {
        let mut seen = HashSet::new();
        for record in input.open()? {
            let record = record?;
            if seen.insert(self.normalize.fingerprint(&record.said(&self.field)?)) {
                out.keep(record);
            } else {
                out.drop("duplicate");
            }
        }
        Ok(())
    }
}

register!(Curator, "dedup-exact", "Keeps the first record of each text", DedupExact);
