//! # param-delta
//!
//! Where training moved the weights of a model.
//! Paper: Bandarkar et al. 2024, "Layer swapping for zero-shot cross-lingual transfer in large language models" (arXiv 2410.01335, §3).
//!
//! ## What it does
//! For every tensor, the mean of |θ − θ₀| over its numbers, where θ₀ is the model that training began with. One score for all tensors,
//! and one a layer (or a kind of tensor); the items of a score are its tensors. It reads no data.
//!
//! ## When to use
//! Before models are merged: the paper swaps layers because experts in a language move the outer layers and experts in a task the
//! middle ones. `tongues merge --report` draws the same numbers as a map over layers and kinds.
//!
//! ## Differences from the paper
//! The paper also looks at rows and heads; here a tensor is the smallest unit.
//!
//! ## Reproduces
//! No published number. The tests change known tensors by known amounts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tongues_kernel::merging::compare;
use tongues_kernel::{Aggregate, Better, Evaluation, Evaluator, Finding, Item, ModelRef, Result, Role, Site, Slice, for_each_value, refuse, register};

/// Changes against a base.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParamDelta {
    /// The model that training began with.
    pub base: ModelRef,
    /// What gets a score of its own.
    #[serde(default)]
    pub by: By,
}

/// What gets a score of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Every layer.
    #[default]
    Layer,
    /// Every kind of tensor, such as `mlp.up_proj.weight`.
    Kind,
    /// Nothing: all tensors together.
    All,
}

impl Evaluator for ParamDelta {
    fn needs_data(&self) -> bool {
        false
    }

    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let base = evaluation.cx.model(&self.base)?;
        let mut before: BTreeMap<String, Vec<f32>> = BTreeMap::new();
        for_each_value(&base.net.backbone, "", &mut |name, _, values| {
            before.insert(name.into(), values);
            Ok(())
        })?;
        let mut found: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        let blocks = blocks(evaluation);
        for_each_value(&evaluation.model.net.backbone, "", &mut |name, shape, values| {
            let Some(old) = before.get(name).filter(|old| old.len() == values.len()) else {
                let at = format!("param-delta: base `{}`, tensor {name}", self.base.0);
                return refuse(at, format!("the shape {shape:?}"), "another one, or none", "name the model that training began with");
            };
            // |θ − θ₀|, summed
            let change = compare(Slice::of(old), &[Slice::of(&values)]);
            let item = Item { id: name.into(), value: change.models[0].absolute, weight: change.count, ..Item::default() };
            if let Some(group) = self.group(&blocks, name) {
                found.entry(group).or_default().push(item.clone());
            }
            found.entry("mean |change|".into()).or_default().push(item);
            Ok(())
        })?;
        let finding = |(metric, items)| Finding { metric, better: Better::Lower, aggregate: Aggregate::Ratio, items, reference: None };
        Ok(found.into_iter().map(finding).collect())
    }
}

impl ParamDelta {
    /// The score that a tensor belongs to, beside the one of all.
    fn group(&self, blocks: &str, name: &str) -> Option<String> {
        let (number, rest) = name.strip_prefix(blocks)?.split_once('.')?;
        match self.by {
            By::Layer => number.parse::<usize>().ok().map(|layer| format!("mean |change|, layer {layer:02}")),
            By::Kind => Some(format!("mean |change|, {rest}")),
            By::All => None,
        }
    }
}

/// What stands before the number of a layer in names.
fn blocks(evaluation: &Evaluation<'_>) -> String {
    let spec = evaluation.model.spec();
    let path = spec.info(Site::new(spec.main(), 0, Role::Block)).map(|i| i.path.as_str());
    path.and_then(|p| p.strip_suffix('0')).unwrap_or_default().into()
}

register!(Evaluator, "param-delta", "Where training moved the weights: mean change a layer or kind of tensor", ParamDelta);
