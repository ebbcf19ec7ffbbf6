//! # __name__
//!
//! How long the texts are.
//! Paper: none; this is the skeleton that `cargo xtask new-plugin` writes. Name the paper, its number and its section here.
//!
//! ## What it does
//! Characters per record; does not look at the model.
//!
//! ## When to use
//! As a starting point for an evaluator, and to see what a data set holds.
//!
//! ## Differences from the paper
//! There is no paper yet.
//!
//! ## Reproduces
//! No published number.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Aggregate, Better, Evaluation, Evaluator, Finding, Item, Result, register};

/// No options.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct __Type__ {}

impl Evaluator for __Type__ {
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let mut items = vec![];
        for record in evaluation.data.open()? {
            let record = record?;
            let characters = record.text("text")?.chars().count();
            items.push(Item { id: record.id.clone(), value: characters as f64, weight: 1.0, ..Item::default() });
        }
        Ok(vec![Finding { metric: "characters".into(), better: Better::Higher, aggregate: Aggregate::Ratio, items, reference: None }])
    }

    fn ignores_model(&self) -> bool {
        true
    }
}

register!(Evaluator, "__name__", "Characters per record", __Type__);
