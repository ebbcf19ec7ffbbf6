//! # __name__
//!
//! Drops records whose text is short.
//! Paper: none; this is the skeleton that `cargo xtask new-plugin` writes. Name the paper, its number and its section here.
//!
//! ## What it does
//! Keeps a record whose text has at least `min_characters` characters; counts the others as `short`.
//!
//! ## When to use
//! As a starting point for a curator that decides record by record.
//!
//! ## Differences from the paper
//! There is no paper yet.
//!
//! ## Reproduces
//! No published number.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Context, Curator, Records, Result, Sink, register};

/// The shortest text that is kept.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct __Type__ {
    /// Characters (Unicode scalar values).
    #[schemars(range(min = 1))]
    pub min_characters: usize,
}

impl Curator for __Type__ {
    fn curate(&self, input: &dyn Records, out: &mut Sink, _: &mut dyn Context) -> Result<()> {
        for record in input.open()? {
            let record = record?;
            if record.text("text")?.chars().count() >= self.min_characters {
                out.keep(record);
            } else {
                out.drop("short");
            }
        }
        Ok(())
    }
}

register!(Curator, "__name__", "Drops records whose text is short", __Type__);
