//! How a stage trains: budget, optimiser, validation, and what trains.

use super::{EvaluatorUse, OptimizerUse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Training of one stage.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// The model to start from: a name under `[models]` or an earlier stage.
    #[schemars(extend("x-ref" = "model"))]
    pub model: String,
    /// The training data.
    #[schemars(extend("x-ref" = "data"))]
    pub data: String,
    /// How its records become text: `chat`, or a name under `[formats]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ref" = "format"))]
    pub format: Option<String>,
    /// How long.
    pub budget: Budget,
    /// Tokens of one optimiser step, over all micro-batches.
    #[serde(default = "default_batch_tokens")]
    #[schemars(range(min = 1))]
    pub batch_tokens: usize,
    /// Longest row, in tokens.
    #[serde(default = "default_length")]
    #[schemars(range(min = 2))]
    pub sequence_length: usize,
    /// Micro-batches of one step; their gradients are summed over tokens, so the result equals one large batch.
    #[serde(default = "default_one")]
    #[schemars(range(min = 1))]
    pub accumulate: usize,
    /// Peak learning rate.
    #[schemars(range(min = 0.0))]
    pub learning_rate: f64,
    /// How the learning rate goes on after the warm-up.
    #[serde(default)]
    pub schedule: Schedule,
    /// Steps of linear warm-up.
    #[serde(default)]
    pub warmup_steps: usize,
    /// What makes updates of gradients: `adamw`, `adafactor`, `lion` or `muon`, or a table `{ use = "muon", momentum = 0.9 }`.
    #[serde(default)]
    pub optimizer: OptimizerUse,
    /// Decoupled weight decay (Loshchilov and Hutter 2019); never applied to norms, biases and masked entries.
    #[serde(default = "default_decay")]
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// AdamW's beta1.
    #[serde(default = "default_beta1")]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta1: f64,
    /// AdamW's beta2.
    #[serde(default = "default_beta2")]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta2: f64,
    /// AdamW's epsilon.
    #[serde(default = "default_epsilon")]
    #[schemars(range(min = 0.0))]
    pub epsilon: f64,
    /// Global gradient norm above which gradients are scaled down; 0 switches clipping off.
    #[serde(default = "default_clip")]
    #[schemars(range(min = 0.0))]
    pub max_grad_norm: f64,
    /// Join texts into full rows, where the objective allows it; texts do not see each other. Otherwise one text a row. True where absent, unless `group_by_length` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packing: Option<bool>,
    /// One text a row, and texts of like length in one batch, which wastes less on padding.
    #[serde(default)]
    pub group_by_length: bool,
    /// Make batches by a column: `{ pure = "language" }` or `{ balanced = "language" }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batches: Option<BatchRule>,
    /// Steps between two saves from which `--resume` goes on; about every five minutes where absent. Also saved when interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub save_steps: Option<usize>,
    /// Keep one block's activations at a time and compute them again on the way back: less memory, about a third more time.
    #[serde(default)]
    pub recompute: bool,
    /// Score while training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate: Option<Validate>,
}

fn default_batch_tokens() -> usize {
    2048
}

fn default_length() -> usize {
    128
}

fn default_one() -> usize {
    1
}

fn default_decay() -> f64 {
    0.01
}

fn default_beta1() -> f64 {
    0.9
}

fn default_beta2() -> f64 {
    0.999
}

fn default_epsilon() -> f64 {
    1e-8
}

fn default_clip() -> f64 {
    1.0
}

/// What the texts of one batch have in common: exactly one key. A column is `language`, `group`, `member` (of a mixture) or a field of the records.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRule {
    /// Every batch has one value of this column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pure: Option<String>,
    /// Every batch has as many rows of each value; rows of rarer values come again until the commonest is through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balanced: Option<String>,
}

/// How long a stage trains: exactly one key.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Optimiser steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub steps: Option<usize>,
    /// Passes over the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub epochs: Option<f64>,
    /// Tokens seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub tokens: Option<usize>,
}

/// Course of the learning rate after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Stays.
    #[default]
    Constant,
    /// Falls to zero in a straight line.
    Linear,
    /// Falls to zero along half a cosine.
    Cosine,
}

/// Scores while training.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Validate {
    /// Steps between two scorings.
    #[schemars(range(min = 1))]
    pub every: usize,
    /// What is scored; the first entry decides what is best.
    #[schemars(length(min = 1))]
    pub on: Vec<EvaluatorUse>,
    /// Which state the stage ends with.
    #[serde(default)]
    pub keep: Keep,
    /// Stop after so many scorings without a new best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub patience: Option<usize>,
}

/// Which state a stage ends with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// The last.
    #[default]
    Last,
    /// The best by the first validation score.
    Best,
}

/// What trains and how, for the tensors it selects.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightRule {
    /// A pattern over tensor names (`model.layers.*.mlp.*`, `parts.*`, `*`), or `{ role = "embed" }`, `{ layers = [0, 3] }`.
    pub select: Select,
    /// `true`, `false`, or `"new-rows"` for rows added by a vocabulary adapter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<TrainWhat>,
    /// Learning rate instead of the stage's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub learning_rate: Option<f64>,
    /// Weight decay instead of the stage's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub weight_decay: Option<f64>,
    /// Optimiser instead of the stage's, in the same two forms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimizer: Option<OptimizerUse>,
}

/// Which tensors.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Select {
    /// A pattern over names; `*` matches any run of characters.
    Pattern(String),
    /// By role and layer.
    Where(SelectWhere),
}

/// Which tensors, by role and layer; all given keys must hold.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectWhere {
    /// `embed`, `head`, `norm`, `query`, `key`, `value`, `attention-out`, `gate`, `up`, `down`, `part`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// First and last layer, both included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<[usize; 2]>,
}

/// How much of a tensor trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum TrainWhat {
    /// All or nothing.
    All(bool),
    /// Rows added by a vocabulary adapter.
    Rows(NewRows),
}

/// The word `"new-rows"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum NewRows {
    /// Rows added by a vocabulary adapter.
    #[serde(rename = "new-rows")]
    NewRows,
}
