//! # __name__
//!
//! Next-token prediction of one text a row.
//! Paper: none; this is the skeleton that `cargo xtask new-plugin` writes. Name the paper, its number and its section here.
//!
//! ## What it does
//! Minimises `Σ −ln p(token | tokens before)` over the tokens of all texts, divided by their number; a text longer than a row is cut.
//!
//! ## When to use
//! As a starting point for an objective over texts.
//!
//! ## Differences from the paper
//! There is no paper yet.
//!
//! ## Reproduces
//! No published number.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::burn::module::Module;
use tongues_kernel::{Context, Example, ExampleContext, Objective, Record, Result, Run, Sequence, Step, Term, burn, refuse, register};

/// The factor of the loss.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct __Type__Options {
    /// Weight among several objectives.
    #[serde(default = "weight")]
    #[schemars(range(min = 0.0))]
    pub weight: f64,
}

fn weight() -> f64 {
    1.0
}

/// The objective.
#[derive(Module, Debug)]
pub struct __Type__ {
    #[module(skip)]
    options: __Type__Options,
}

impl __Type__ {
    /// With these options.
    ///
    /// # Errors
    /// None.
    pub fn new(options: __Type__Options, _: &mut dyn Context) -> Result<Self> {
        Ok(Self { options })
    }
}

impl Objective for __Type__ {
    fn examples(&self, record: &Record, cx: &ExampleContext<'_>) -> Result<Vec<Example>> {
        let mut ids = cx.tokenizer.encode(record.text("text")?)?;
        ids.truncate(cx.max_length);
        if ids.len() < 2 {
            return refuse(format!("record {}", record.id), "a text of at least 2 tokens", ids.len(), "leave the record out");
        }
        Ok(vec![Example { language: record.language.clone(), ..Example::of_text(record.id.clone(), Sequence::of("text", ids, 1.0)) }])
    }

    fn loss(&self, step: &mut Step<'_>) -> Result<Vec<Term>> {
        let out = step.run("text", &Run::default())?;
        let sum = tongues_nn::cross_entropy(step.model, &out, false)?;
        let own = Term { name: "__name__".into(), sum, over: step.batch.loss_tokens(), weight: self.options.weight };
        Ok(std::iter::once(own).chain(out.notes.losses).collect())
    }
}

register!(Objective, "__name__", "Next-token prediction of one text a row", __Type__Options => __Type__::new);
