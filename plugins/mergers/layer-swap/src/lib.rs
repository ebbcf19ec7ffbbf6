//! # layer-swap
//!
//! The outer layers of a language expert around the middle layers of a task expert.
//! Paper: Bandarkar et al. 2024, "Layer swapping for zero-shot cross-lingual transfer in large language models" (arXiv 2410.01335, §4).
//!
//! ## What it does
//! Of L layers, the `bottom` first and the `top` last ones are those of the language expert, the ones between are those of the task expert.
//! At both seams lie `transition` layers that are weighted averages of both: half and half, or with `ramp = "linear"` from one expert to
//! the other in even steps. A layer is all its tensors. Embeddings, final norm and head are chosen together by `embeddings`, so that a
//! tied pair stays one.
//!
//! ## When to use
//! Where data for a task exist in one language only and general instructions in another: train an expert for each from one base, briefly,
//! and swap. Choose `bottom`, `top` and `transition` on one language and report the others, else the result is not zero-shot. Experts from
//! unlike bases have nothing in common, and their mixture writes noise.
//!
//! ## Differences from the paper
//! The paper's choice for embeddings and head was not found; the language expert's is the default here, for they are the language's
//! side of the model. The linear ramp is a variant.
//!
//! ## Reproduces
//! No published number. The tests look at which layer comes from where, with numbers that tell the experts apart.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tongues_kernel::{Context, MergeInputs, MergePlan, Merged, Merger, ModelRef, Piece, Planned, Read, Result, Setting, Settings, Slice, refuse, register};

/// Which layers come from which expert. `models` are the task expert and the language expert, in this order, unless `task` and `language`
/// name them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LayerSwap {
    /// The first layers, which come from the language expert.
    pub bottom: usize,
    /// The last layers, which come from the language expert.
    pub top: usize,
    /// Layers of both experts at each seam.
    #[serde(default = "one")]
    pub transition: usize,
    /// How both experts count in these layers.
    #[serde(default)]
    pub ramp: Ramp,
    /// Where everything outside the layers comes from: embeddings, final norm and head.
    #[serde(default)]
    pub embeddings: Embeddings,
    /// The task expert among the models; the first where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<ModelRef>,
    /// The language expert among the models; the second where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<ModelRef>,
}

fn one() -> usize {
    1
}

/// How both experts count in the layers of a transition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ramp {
    /// Half and half.
    #[default]
    Half,
    /// In even steps from one to the other.
    Linear,
}

/// Where everything outside the layers comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Embeddings {
    /// The language expert.
    #[default]
    Language,
    /// The task expert.
    Task,
    /// Both, half and half.
    Average,
    /// The base model.
    Base,
}

/// Numbers of the inputs.
struct Experts {
    task: usize,
    language: usize,
    base: Option<usize>,
}

impl LayerSwap {
    fn experts(&self, inputs: &MergeInputs) -> Result<Experts> {
        let models: Vec<usize> = (0..inputs.models.len()).filter(|i| inputs.base != Some(*i)).collect();
        let found = || inputs.models.iter().map(|m| m.name.as_str()).collect::<Vec<_>>().join(", ");
        let [first, second] = models.as_slice() else {
            return refuse("layer-swap: models", "the task expert and the language expert, beside a base model at most", found(), "list these two");
        };
        let named = |key: &str, name: &Option<ModelRef>, place: usize| match name {
            None => Ok(place),
            Some(name) => match models.iter().find(|i| inputs.models[**i].name == name.0) {
                Some(input) => Ok(*input),
                None => refuse(format!("layer-swap: {key}"), format!("one of {}", found()), format!("`{}`", name.0), "name one of `models`"),
            },
        };
        // Where one is named, the other is the other.
        let other = |i: usize| if i == *first { *second } else { *first };
        let (task, language) = match (&self.task, &self.language) {
            (Some(_), None) => named("task", &self.task, *first).map(|task| (task, other(task)))?,
            (None, Some(_)) => named("language", &self.language, *second).map(|language| (other(language), language))?,
            _ => (named("task", &self.task, *first)?, named("language", &self.language, *second)?),
        };
        if task == language {
            return refuse("layer-swap: task and language", "two experts", format!("`{}` for both", inputs.models[task].name), "");
        }
        Ok(Experts { task, language, base: inputs.base })
    }

    /// How much the language expert counts in a layer.
    fn language_share(&self, layer: usize, layers: usize) -> f64 {
        let (b, u, t) = (self.bottom, self.top, self.transition);
        // Steps from the nearer outer part: 1 is the first layer behind it.
        let steps = if layer < b || layer >= layers - u { 0 } else { (layer - b + 1).min(layers - u - layer) };
        match self.ramp {
            _ if steps == 0 => 1.0,
            _ if steps > t => 0.0,
            Ramp::Half => 0.5,
            Ramp::Linear => 1.0 - steps as f64 / (t + 1) as f64,
        }
    }

    /// Numbers of the inputs and what they count outside the layers.
    fn outside(&self, experts: &Experts) -> Result<Vec<(usize, f64)>> {
        Ok(match (self.embeddings, experts.base) {
            (Embeddings::Language, _) => vec![(experts.language, 1.0)],
            (Embeddings::Task, _) => vec![(experts.task, 1.0)],
            (Embeddings::Average, _) => vec![(experts.language, 0.5), (experts.task, 0.5)],
            (Embeddings::Base, Some(base)) => vec![(base, 1.0)],
            (Embeddings::Base, None) => return refuse("layer-swap: embeddings", "a base model", "none", "name it as `base_model`"),
        })
    }
}

impl Merger for LayerSwap {
    fn plan(&self, inputs: &MergeInputs, cx: &mut dyn Context) -> Result<MergePlan> {
        let experts = self.experts(inputs)?;
        if !inputs.slices.is_empty() {
            return refuse("layer-swap: slices", "whole models", "slices", "`bottom`, `top` and `transition` say which layers are taken");
        }
        let mut plan = inputs.aligned(cx)?;
        let layers = inputs.models[experts.task].depth();
        let asked = self.bottom.saturating_add(self.top).saturating_add(self.transition.saturating_mul(2));
        if asked > layers {
            let remedy = "lower them: none of the task expert would be left";
            return refuse("layer-swap: bottom + top + 2 · transition", format!("at most the {layers} layers"), asked, remedy);
        }
        let outside = self.outside(&experts)?;
        plan.tokenizer = outside[0].0;
        for out in &mut plan.outputs {
            let counts = out.block.map_or_else(
                || outside.clone(),
                |block| {
                    let w = self.language_share(block, layers);
                    vec![(experts.language, w), (experts.task, 1.0 - w)]
                },
            );
            take(out, &counts);
        }
        Ok(plan)
    }

    fn merge<'m>(&'m self, out: &'m Planned, _: &[Slice<'m>], _: &mut dyn Context) -> Result<Merged<'m>> {
        if out.reads.len() == 1 {
            return Ok(Merged::Copy(0));
        }
        let w = out.number(0, WEIGHT, None).unwrap_or(0.5);
        let average = move |piece: Piece<'_>| {
            for ((out, language), task) in piece.out.iter_mut().zip(piece.inputs[0]).zip(piece.inputs[1]) {
                *out = (w * f64::from(*language) + (1.0 - w) * f64::from(*task)) as f32;
            }
        };
        Ok(Merged::elements(average))
    }
}

/// Under this name the plan carries what a read counts.
const WEIGHT: &str = "weight";

/// Leaves the reads of a tensor that count, the language expert's first.
fn take(out: &mut Planned, counts: &[(usize, f64)]) {
    let read = |(input, w): &(usize, f64)| {
        let name = out.reads.iter().find(|r| r.input == *input)?.name.clone();
        Some(Read { input: *input, name, settings: Arc::new(Settings::from([(WEIGHT.into(), Setting::Number(*w))])) })
    };
    out.reads = counts.iter().filter(|(_, w)| *w > 0.0).filter_map(read).collect();
    out.base = None;
}

register!(Merger, "layer-swap", "Puts the outer layers of a language expert around a task expert", LayerSwap);
