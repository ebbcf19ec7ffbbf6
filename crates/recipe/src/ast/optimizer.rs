//! Optimisers as recipes name them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An optimiser: its name, or a table with its name under `use` and its options: `{ use = "muon", momentum = 0.9 }`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum OptimizerUse {
    /// With its defaults.
    Name(OptimizerName),
    /// With options.
    Table(OptimizerTable),
}

impl Default for OptimizerUse {
    fn default() -> Self {
        Self::Name(OptimizerName::AdamW)
    }
}

impl OptimizerUse {
    /// The long form.
    pub fn table(&self) -> OptimizerTable {
        match self {
            Self::Name(name) => OptimizerTable { name: *name, ..OptimizerTable::default() },
            Self::Table(table) => table.clone(),
        }
    }
}

/// The optimisers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerName {
    /// AdamW (Loshchilov and Hutter 2019).
    #[default]
    AdamW,
    /// Adafactor (Shazeer and Stern 2018): of matrices only means of rows and columns are kept.
    Adafactor,
    /// Lion (Chen et al. 2023): steps of one size; learning rates three to ten times smaller than AdamW's.
    Lion,
    /// Muon (Jordan et al. 2024) for matrices; embeddings, head and vectors are trained by AdamW.
    Muon,
}

impl OptimizerName {
    /// Its option keys.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::AdamW => &["beta1", "beta2", "epsilon"],
            Self::Adafactor => &["beta1", "epsilon1", "epsilon2", "clip_threshold", "decay_rate", "scale_parameter", "relative_step"],
            Self::Lion => &["beta1", "beta2"],
            Self::Muon => &["momentum", "nesterov", "ns_steps", "adjust_lr_fn", "epsilon"],
        }
    }
}

/// An optimiser with options; a key that is not the optimiser's own is an error.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OptimizerTable {
    /// Which.
    #[serde(rename = "use")]
    pub name: OptimizerName,
    /// adamw: decay of the first moment (default: the stage's `beta1`); lion: share of the momentum in a step's direction
    /// (0.9); adafactor: decay of a first moment (none is kept).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta1: Option<f64>,
    /// adamw: decay of the second moment (default: the stage's `beta2`); lion: decay of the momentum (0.99).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta2: Option<f64>,
    /// adamw: added to the root of the second moment (default: the stage's `epsilon`); muon: smallest norm that is divided by
    /// (1e-7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub epsilon: Option<f64>,
    /// muon: decay of the momentum (0.95).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub momentum: Option<f64>,
    /// muon: look one step ahead (true).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nesterov: Option<bool>,
    /// muon: Newton-Schulz iterations (5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 99))]
    pub ns_steps: Option<usize>,
    /// muon: how the learning rate follows a matrix's shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjust_lr_fn: Option<AdjustLrFn>,
    /// adafactor: added to squared gradients (1e-30).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub epsilon1: Option<f64>,
    /// adafactor: smallest size of a tensor that the rate is scaled by (1e-3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub epsilon2: Option<f64>,
    /// adafactor: root mean square of an update above which it is scaled down (1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub clip_threshold: Option<f64>,
    /// adafactor: the second moment's decay at step t is `1 - t^decay_rate` (-0.8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 0.0))]
    pub decay_rate: Option<f64>,
    /// adafactor: scale the rate by the tensor's root mean square (true).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_parameter: Option<bool>,
    /// adafactor: the rate is at most `1 / √t` (true).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative_step: Option<bool>,
}

/// How Muon's learning rate follows a matrix's shape; words of PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdjustLrFn {
    /// Times `√max(1, rows / columns)`; the default.
    Original,
    /// Times `0.2 · √max(rows, columns)`: steps as large as AdamW's, so that one learning rate suits both.
    MatchRmsAdamw,
    /// Times `√(rows / columns)`.
    SpectralUnclamped,
}
