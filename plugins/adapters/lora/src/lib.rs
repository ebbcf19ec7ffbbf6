//! # lora
//!
//! Low-rank adaptation: beside a frozen projection W, a product of two thin matrices that trains.
//! Paper: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models" (arXiv 2106.09685, §4.1);
//! rank-stabilised scaling: Kalajdzievski 2023, "A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA"
//! (arXiv 2312.03732); two learning rates: Hayou et al. 2024, "LoRA+: Efficient Low Rank Adaptation of Large Models"
//! (arXiv 2402.12354); lengths and directions: Liu et al. 2024, "DoRA: Weight-Decomposed Low-Rank Adaptation"
//! (arXiv 2402.09353, §4.1, §4.3); starts out of the weight: Meng et al. 2024, "PiSSA: Principal Singular Values and Singular
//! Vectors Adaptation" (arXiv 2404.02948, §3), Büyükakyüz 2024, "OLoRA: Orthonormal Low-Rank Adaptation" (arXiv 2406.01775).
//!
//! ## What it does
//! `y = W x + s · B A dropout(x)`, with A `[r, in]` drawn uniformly within `1/√in`, B `[out, r]` zero, and s = `lora_alpha / r`
//! (`lora_alpha / √r` with `use_rslora`). The model starts unchanged. After training the product can be written into W, and
//! the adapter can be written as, and read from, a folder in PEFT's form (`peft_type` LORA). With `loraplus_lr_ratio`, B learns
//! so many times faster than A. With `use_dora`, `y = m / |W + s B A| · (W + s B A) x`, with a trained length m for every row and
//! a norm that counts as a constant. Embeddings get `E + s (B A)ᵀ`; `trainable_token_indices` trains single rows of them, and
//! `modules_to_save` copies of whole modules.
//!
//! ## When to use
//! When the model is large, the texts are few, or the old abilities must survive: a few percent of the parameters train, and
//! the old model is one switch away. With new vocabulary, train the new rows beside it. DoRA and PiSSA often need fewer steps
//! at small ranks; DoRA costs a product of the size of W for every call.
//!
//! ## Differences from the paper
//! A is drawn as PEFT draws it (Kaiming uniform with a = √5), not from a normal distribution; dropout stands before A, as in
//! the paper's code. Convolutions and tied heads are refused, and so are DoRA on embeddings and PEFT's `bias`. PiSSA and OLoRA
//! leave W as it is and take their start out beside it, which is the same function: the model starts unchanged to the last
//! bit, and the folder holds the difference as a plain product of twice the rank, as PEFT converts it. `pissa_niter_k` draws
//! from another generator and is refused. A tied matrix that only the embeddings or only the head change cannot be folded.
//!
//! ## Reproduces
//! Logits of PEFT on random adapters within 1e-4 of their standard deviation, live and folded (`tests/fixtures/peft-lora`,
//! `tests/fixtures/peft-pack`), and its gradients under DoRA.

mod attach;
mod combine;
mod decompose;
mod embedding;
mod fold;
mod init;
mod load;
mod pair;
mod part;
mod places;
mod save;

pub use decompose::{Factors, orthogonal, singular};
pub use embedding::{Rows, Tokens};
pub use init::{Init, Way};
pub use load::load;
pub use pair::Pair;
pub use part::{Lora, Pieces, Settings};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tongues_kernel::{register, register_format};
use tongues_nn::peft::Names;

/// Low-rank matrices beside projections; keys and defaults are PEFT's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoraOptions {
    /// Rank of the product.
    #[serde(default = "rank")]
    #[schemars(range(min = 1))]
    pub r: usize,
    /// Numerator of the product's factor.
    #[serde(default = "alpha")]
    pub lora_alpha: f64,
    /// Share of the inputs of A that is dropped while training.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 0.95))]
    pub lora_dropout: f64,
    /// Which projections: names as in PEFT, `all-linear` for all but the head, or a regular expression of whole paths. The token
    /// embeddings can be named too.
    #[serde(default = "targets")]
    pub target_modules: Names,
    /// Which of them not: names, or a regular expression.
    pub exclude_modules: Option<Names>,
    /// Only in these layers, counted from 0.
    pub layers_to_transform: Option<Vec<usize>>,
    /// Ranks of single places: a regular expression that a path or its end matches, and the rank. Of several that match, the
    /// first in the order of the alphabet counts.
    #[serde(default)]
    pub rank_pattern: BTreeMap<String, usize>,
    /// Numerators of single places, chosen in the same way.
    #[serde(default)]
    pub alpha_pattern: BTreeMap<String, f64>,
    /// Divide by √r instead of r.
    #[serde(default)]
    pub use_rslora: bool,
    /// DoRA: the rows of each weight get a length that trains by itself; the product changes their direction only.
    #[serde(default)]
    pub use_dora: bool,
    /// Give B a bias.
    #[serde(default)]
    pub lora_bias: bool,
    /// How the matrices start: true, false, `gaussian`, `pissa` or `olora`.
    #[serde(default)]
    pub init_lora_weights: Init,
    /// Modules that train as a whole, in a copy: projections, the head, the embeddings.
    pub modules_to_save: Option<Vec<String>>,
    /// Tokens whose embeddings train: ids, or ids under the name of the embeddings.
    pub trainable_token_indices: Option<TokenIndices>,
    /// LoRA+: the learning rate of B is that of A times this; the paper tries 16. It also multiplies the rates of `weights` rules.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub loraplus_lr_ratio: Option<f64>,
    /// Name of the part, the middle of its tensors' names: `parts.<name>.…`.
    #[serde(default = "name")]
    pub name: String,
}

/// Tokens whose embeddings train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TokenIndices {
    /// Ids of the token embeddings.
    Embeddings(Vec<usize>),
    /// Ids by module; only the token embeddings have rows.
    Modules(BTreeMap<String, Vec<usize>>),
}

fn rank() -> usize {
    8
}
fn alpha() -> f64 {
    8.0
}
fn targets() -> Names {
    Names::list(&["q_proj", "v_proj"])
}
fn name() -> String {
    "lora".into()
}

register!(Adapter, "lora", "Low-rank matrices beside frozen projections, DoRA among them; saved in PEFT's form", LoraOptions);
register_format!("LORA", load);
