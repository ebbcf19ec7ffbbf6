//! # compacter
//!
//! Bottlenecks whose projections are sums of Kronecker products: a few hundred parameters a layer.
//! Papers: Mahabadi et al. 2021, "Compacter: Efficient Low-Rank Hypercomplex Adapter Layers" (arXiv 2106.04647, §4, eqs. 4 to 6);
//! Zhang et al. 2021, "Beyond Fully-Connected Layers with Quaternions" (arXiv 2102.08597, eq. 4).
//!
//! ## What it does
//! A bottleneck with `W = Σᵢ Aᵢ ⊗ (sᵢ tᵢᵀ)`, i up to `phm_dim`: the small factors A `[n, n]` are shared by all projections of all
//! layers (`shared_phm_rule`), the large ones are products of two thin matrices of width `phm_rank` (`factorized_phm_W`). With
//! `plus_plus` there is one behind the feed-forward layer only, else one behind each sub-layer. It is read from and written as
//! a folder of AdapterHub. Nothing folds: the activation is not linear.
//!
//! ## When to use
//! When very many adapters are kept, or data are so few that a bottleneck learns them by heart.
//!
//! ## Differences from the paper
//! The up projection's left factor starts as zero, so that the model starts unchanged (the package draws it as the others).
//! Large factors shared by all layers (`shared_W_phm`) are refused.
//!
//! ## Reproduces
//! Logits of `adapters` on llama and gpt2 within 1e-4 of their standard deviation (`tests/fixtures/adapters`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use tongues_kernel::policy::tensor_names;
use tongues_kernel::{Adapter, Context, Error, Model, Policy, Result, Trains, register};
use tongues_nn::insert::{Settings, attach};

/// A compacter's keys are those of AdapterHub's `BnConfig`.
#[allow(non_snake_case, reason = "the keys of AdapterHub")]
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompacterOptions {
    /// Compacter++: behind the feed-forward layer only.
    #[serde(default)]
    pub plus_plus: bool,
    /// Terms of the sum of Kronecker products, a divisor of the model's width and of the bottleneck's.
    #[serde(default = "terms")]
    #[schemars(range(min = 1))]
    pub phm_dim: usize,
    /// Width of the thin factors.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub phm_rank: usize,
    /// Large factors are products of two thin ones.
    #[serde(default = "yes")]
    pub factorized_phm_W: bool,
    /// Small factors are the same in all projections.
    #[serde(default = "yes")]
    pub shared_phm_rule: bool,
    /// Small factors are products of a column and a row.
    #[serde(default)]
    pub factorized_phm_rule: bool,
    /// Small factors train.
    #[serde(default = "yes")]
    pub learn_phm: bool,
    /// How small factors are drawn: `normal` or `uniform`.
    #[serde(default = "normal")]
    pub phm_c_init: String,
    /// Standard deviation of shared small factors, where normal.
    #[serde(default = "range")]
    pub phm_init_range: f64,
    /// Projections have biases.
    #[serde(default = "yes")]
    pub phm_bias: bool,
    /// Width of the model over width of the bottleneck: a number above 0, or a table of layers.
    #[serde(default = "reduction")]
    #[schemars(extend("type" = ["number", "object"], "additionalProperties" = { "type": "number" }))]
    pub reduction_factor: Json,
    /// Activation in the middle.
    #[serde(default = "gelu")]
    pub non_linearity: String,
    /// Layers without, counted from 0.
    #[serde(default)]
    pub leave_out: Vec<usize>,
    /// Share of the outputs that is dropped while training.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 0.95))]
    pub dropout: f64,
    /// Name of the part, the middle of its tensors' names: `parts.<name>.…`.
    #[serde(default = "name")]
    pub name: String,
}

fn terms() -> usize {
    4
}
fn one() -> usize {
    1
}
fn yes() -> bool {
    true
}
fn normal() -> String {
    "normal".into()
}
fn range() -> f64 {
    1e-4
}
fn reduction() -> Json {
    json!(32)
}
fn gelu() -> String {
    "gelu".into()
}
fn name() -> String {
    "compacter".into()
}

impl CompacterOptions {
    fn settings(&self) -> Result<Settings> {
        let own = serde_json::to_value(self).map_err(|e| Error::input("compacter", "plain options", e, ""))?;
        let mut keys: Map<String, Json> = own.as_object().cloned().unwrap_or_default();
        keys.retain(|key, _| key != "plus_plus" && key != "name");
        let placed = json!({ "phm_layer": true, "mh_adapter": !self.plus_plus, "output_adapter": true, "original_ln_before": self.plus_plus });
        keys.extend(placed.as_object().cloned().unwrap_or_default());
        Settings::read("compacter", keys)
    }
}

impl Adapter for CompacterOptions {
    fn attach(&self, model: &mut Model, cx: &mut dyn Context) -> Result<()> {
        attach("compacter", &self.name, self.settings()?, cx.draws().stream(&self.name), model)?;
        if !self.learn_phm {
            hold_rules(model, &self.name);
        }
        Ok(())
    }
}

/// The small factors of a part do not train.
fn hold_rules(model: &mut Model, part: &str) {
    let own = format!("parts.{part}.");
    for name in tensor_names(model).into_iter().map(|e| e.name).filter(|n| n.starts_with(&own)) {
        let trains = if name.contains(".phm_rule") { Trains::Nothing } else { Trains::Everything };
        model.policies.insert(name, Policy { trains, ..Policy::free() });
    }
}

register!(Adapter, "compacter", "Bottlenecks made of Kronecker products; saved in AdapterHub's form", CompacterOptions);
