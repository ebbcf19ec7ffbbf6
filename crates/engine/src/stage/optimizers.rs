//! The optimisers of a stage, from its recipe.

use std::collections::BTreeMap;
use tongues_recipe::ast::{AdjustLrFn, OptimizerName, OptimizerTable, OptimizerUse, Train, WeightRule};
use tongues_train::{Adafactor, AdamW, AdjustLr, Lion, Muon, Optimizer, Optimizers};

/// The name of the group of a weight rule's tensors.
pub fn group(rule: usize) -> String {
    format!("weights.{rule}")
}

/// The stage's optimiser, and those of weight rules that name one.
pub fn optimizers(train: &Train, rules: &[WeightRule]) -> Optimizers {
    let own = |(i, rule): (usize, &WeightRule)| Some((group(i), optimizer(rule.optimizer.as_ref()?, train)));
    let groups: BTreeMap<String, Optimizer> = rules.iter().enumerate().filter_map(own).collect();
    Optimizers { stage: optimizer(&train.optimizer, train), groups, fallback: adamw(&OptimizerTable::default(), train) }
}

/// What a person should know where not everything is trained by AdamW.
pub fn told(counts: &BTreeMap<&'static str, usize>) -> Option<String> {
    let list: Vec<String> = counts.iter().map(|(name, count)| format!("{name} for {count} tensors")).collect();
    let mixed = counts.contains_key("muon") && counts.contains_key("adamw");
    let why = if mixed { "; muon is for matrices, vectors and (unless a rule says otherwise) embeddings and head get adamw" } else { "" };
    (counts.keys().any(|name| *name != "adamw")).then(|| format!("optimisers: {}{why}", list.join(", ")))
}

fn optimizer(entry: &OptimizerUse, train: &Train) -> Optimizer {
    let table = entry.table();
    match table.name {
        OptimizerName::AdamW => Optimizer::AdamW(adamw(&table, train)),
        OptimizerName::Adafactor => Optimizer::Adafactor(adafactor(&table)),
        OptimizerName::Lion => Optimizer::Lion(lion(&table)),
        OptimizerName::Muon => Optimizer::Muon(muon(&table)),
    }
}

fn adamw(t: &OptimizerTable, train: &Train) -> AdamW {
    AdamW { beta1: t.beta1.unwrap_or(train.beta1), beta2: t.beta2.unwrap_or(train.beta2), epsilon: t.epsilon.unwrap_or(train.epsilon) }
}

fn adafactor(t: &OptimizerTable) -> Adafactor {
    let d = Adafactor::default();
    Adafactor {
        epsilon1: t.epsilon1.unwrap_or(d.epsilon1),
        epsilon2: t.epsilon2.unwrap_or(d.epsilon2),
        clip_threshold: t.clip_threshold.unwrap_or(d.clip_threshold),
        decay_rate: t.decay_rate.unwrap_or(d.decay_rate),
        beta1: t.beta1,
        scale_parameter: t.scale_parameter.unwrap_or(d.scale_parameter),
        relative_step: t.relative_step.unwrap_or(d.relative_step),
    }
}

fn lion(t: &OptimizerTable) -> Lion {
    let d = Lion::default();
    Lion { beta1: t.beta1.unwrap_or(d.beta1), beta2: t.beta2.unwrap_or(d.beta2) }
}

fn muon(t: &OptimizerTable) -> Muon {
    let d = Muon::default();
    let adjust_lr = match t.adjust_lr_fn {
        None | Some(AdjustLrFn::Original) => AdjustLr::Original,
        Some(AdjustLrFn::MatchRmsAdamw) => AdjustLr::MatchRmsAdamW,
        Some(AdjustLrFn::SpectralUnclamped) => AdjustLr::SpectralUnclamped,
    };
    Muon {
        momentum: t.momentum.unwrap_or(d.momentum),
        nesterov: t.nesterov.unwrap_or(d.nesterov),
        ns_steps: t.ns_steps.unwrap_or(d.ns_steps),
        adjust_lr,
        epsilon: t.epsilon.unwrap_or(d.epsilon),
    }
}
