//! # invertible
//!
//! An invertible network on the embeddings, and its inverse in front of the head.
//! Papers: Pfeiffer et al. 2020, "MAD-X: An Adapter-Based Framework for Multi-Task Cross-Lingual Transfer" (arXiv 2005.00052,
//! §3.3, eqs. 3 and 4); Dinh et al. 2015, "NICE" (arXiv 1410.8516, §3.2); Kingma and Dhariwal 2018, "Glow" (arXiv 1807.03039).
//!
//! ## What it does
//! The features are split into halves. `nice`: `y1 = x1 + F(x2)`, `y2 = x2 + G(y1)`; undone in front of the head by
//! `x2 = y2 - G(y1)`, `x1 = y1 - F(x2)`. F and G are two projections with an activation between. `glow`: the same with a factor
//! each feature, kept within e^±5. One such network moves the embeddings of all tokens to where a new language wants them, and
//! back where tokens are predicted; learned positions, where a family adds them, are moved too. It is read from and written as a
//! folder of AdapterHub, alone or beside a bottleneck.
//!
//! ## When to use
//! With `bottleneck` as MAD-X's language adapter: `adapters = [{ use = "invertible" }, { use = "bottleneck" }]`.
//!
//! ## Differences from the paper
//! The last projections of F and G start as zero, so that the model starts unchanged; the package draws them from N(0, 0.02²).
//! The package's `glow` splits along the time and does not run on text; here it splits the features. Of the package's models only
//! those with its own heads (`LlamaAdapterModel` and the like) undo the network; here the head always sees it undone.
//!
//! ## Reproduces
//! Logits of `adapters` (`nice`) on llama and gpt2 within 1e-4 of their standard deviation (`tests/fixtures/adapters`).

mod coupling;
mod part;

pub use coupling::Coupling;
pub use part::{Invertible, load};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Adapter, Context, Model, Result, register, register_format};
use tongues_nn::insert::Settings;

/// The network's form; keys are AdapterHub's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InvertibleOptions {
    /// Form of the network.
    #[serde(default)]
    pub inv_adapter: Form,
    /// Width of a half over the inner width of F and G.
    #[serde(default = "two")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub inv_adapter_reduction_factor: f64,
    /// Activation inside F and G: relu, leakyrelu, gelu, gelu_new, silu, swish, tanh.
    #[serde(default = "relu")]
    pub non_linearity: String,
    /// Name of the part, the middle of its tensors' names: `parts.<name>.…`.
    #[serde(default = "name")]
    pub name: String,
}

/// Forms of the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Halves are added to.
    #[default]
    Nice,
    /// Halves are multiplied and added to.
    Glow,
}

fn two() -> f64 {
    2.0
}
fn relu() -> String {
    "relu".into()
}
fn name() -> String {
    "invertible".into()
}

impl Adapter for InvertibleOptions {
    fn attach(&self, model: &mut Model, cx: &mut dyn Context) -> Result<()> {
        let settings = Settings {
            non_linearity: self.non_linearity.clone(),
            inv_adapter: Some(if self.inv_adapter == Form::Nice { "nice" } else { "glow" }.into()),
            inv_adapter_reduction_factor: serde_json::Number::from_f64(self.inv_adapter_reduction_factor),
            ..Settings::default()
        };
        part::attach("invertible", &self.name, settings, cx.draws().stream(&self.name), model)
    }
}

register!(Adapter, "invertible", "An invertible network on the embeddings, undone before the head (MAD-X)", InvertibleOptions);
register_format!("adapterhub-invertible", load);
