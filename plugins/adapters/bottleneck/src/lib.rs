//! # bottleneck
//!
//! Small networks with a narrow middle, behind or beside the sub-layers of every block.
//! Papers: Houlsby et al. 2019, "Parameter-Efficient Transfer Learning for NLP" (arXiv 1902.00751, §2.1); Pfeiffer et al. 2020,
//! "AdapterFusion" (arXiv 2005.00247, §3) and "MAD-X" (arXiv 2005.00052, §3.1); He et al. 2021, "Towards a Unified View of
//! Parameter-Efficient Transfer Learning" (arXiv 2110.04366, §4, the parallel and scaled forms).
//!
//! ## What it does
//! `y + s · W_up f(W_down z)`: z is what the sub-layer gives (y), or y plus the residual stream (`original_ln_before`), or the
//! residual stream in front of the sub-layer (`is_parallel`). `placement` sets the keys of the known forms: `pfeiffer` (behind
//! the feed-forward layer), `houlsby` (behind both sub-layers), `parallel` (beside the feed-forward layer, s = 4). It is read
//! from and written as a folder of AdapterHub, so that an adapter trained there works here and the other way round. A folder
//! that also holds an invertible network gives a second part, `<name>-invertible`. Nothing folds: f is not linear.
//!
//! ## When to use
//! As the language adapter of MAD-X (with `invertible`), and where adapters shall be stacked, averaged or chosen by row
//! (`compose`). For one task, `lora` costs nothing after folding.
//!
//! ## Differences from the paper
//! Blocks here have their norms in front: as in the package, `original_ln_before` then means the residual stream alone, and the
//! parallel form reads the stream in front of the norm (the paper's figure reads behind it). `init_weights` defaults to
//! `mam_adapter`, whose W_up is zero, so that the model starts unchanged; the package's `bert` draws both from N(0, 0.02²).
//! `use_gating` is refused: that gate is a mean over the row and sees later tokens. `residual_before_ln = "post_add"`, cross-attention and
//! stochastic depth are refused too.
//!
//! ## Reproduces
//! Logits of `adapters` on llama and gpt2 within 1e-4 of their standard deviation (`tests/fixtures/adapters`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use tongues_kernel::{Adapter, Context, Error, Model, Result, register, register_format};
use tongues_nn::insert::{Settings, attach, load};

/// A bottleneck's keys are those of AdapterHub's `BnConfig`; what is left out is as `placement` has it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BottleneckOptions {
    /// The known form that the other keys start from.
    #[serde(default)]
    pub placement: Placement,
    /// Behind (or beside) the self-attention.
    pub mh_adapter: Option<bool>,
    /// Behind (or beside) the feed-forward layer.
    pub output_adapter: Option<bool>,
    /// Width of the model over width of the bottleneck: a number above 0, or a table of layers (`default` for the others).
    #[schemars(extend("type" = ["number", "object", "null"], "additionalProperties" = { "type": "number" }))]
    pub reduction_factor: Option<Json>,
    /// Activation in the middle: relu, leakyrelu, gelu, gelu_new, silu, swish, tanh.
    pub non_linearity: Option<String>,
    /// Read beside the sub-layer instead of behind it.
    pub is_parallel: Option<bool>,
    /// Factor of what the bottleneck gives: a number, `learned` (one number that trains) or `channel` (one a feature).
    #[schemars(extend("type" = ["number", "string", "null"]))]
    pub scaling: Option<Json>,
    /// Read the sub-layer's output plus the residual stream.
    pub original_ln_before: Option<bool>,
    /// Add the residual stream behind the bottleneck; false drops it, unless the bottleneck's own residual holds it.
    pub original_ln_after: Option<bool>,
    /// A layer norm in front of the bottleneck.
    pub ln_before: Option<bool>,
    /// A layer norm behind it.
    pub ln_after: Option<bool>,
    /// The bottleneck's own residual is the sub-layer's output (true) or, with `original_ln_before`, all that it reads (false).
    pub residual_before_ln: Option<bool>,
    /// That residual is added in front of the norm behind.
    pub adapter_residual_before_ln: Option<bool>,
    /// Layers without a bottleneck, counted from 0.
    pub leave_out: Option<Vec<usize>>,
    /// Share of the outputs that is dropped while training.
    #[schemars(range(min = 0.0, max = 0.95))]
    pub dropout: Option<f64>,
    /// First values: `mam_adapter` (up is zero), `bert` or `houlsby` (both small).
    pub init_weights: Option<String>,
    /// Name of the part, the middle of its tensors' names: `parts.<name>.…`.
    pub name: Option<String>,
}

/// The known forms.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// One behind the feed-forward layer, reading the residual stream too; relu, a sixteenth of the width.
    #[default]
    Pfeiffer,
    /// One behind each sub-layer, before the residual stream is added; swish, a sixteenth of the width.
    Houlsby,
    /// One beside the feed-forward layer, with the factor 4; relu, half of the width.
    Parallel,
}

impl Placement {
    fn keys(self) -> Json {
        let mut keys = match self {
            Self::Pfeiffer => json!({ "output_adapter": true, "original_ln_before": true, "non_linearity": "relu", "reduction_factor": 16 }),
            Self::Houlsby => json!({ "mh_adapter": true, "output_adapter": true, "non_linearity": "swish", "reduction_factor": 16 }),
            Self::Parallel => json!({ "output_adapter": true, "is_parallel": true, "scaling": 4.0, "non_linearity": "relu", "reduction_factor": 2 }),
        };
        keys["init_weights"] = json!("mam_adapter");
        keys
    }
}

impl BottleneckOptions {
    fn settings(&self) -> Result<Settings> {
        let mut keys: Map<String, Json> = self.placement.keys().as_object().cloned().unwrap_or_default();
        let own = serde_json::to_value(self).map_err(|e| Error::input("bottleneck", "plain options", e, ""))?;
        let own = own.as_object().cloned().unwrap_or_default();
        keys.extend(own.into_iter().filter(|(key, value)| !value.is_null() && key != "placement" && key != "name"));
        Settings::read("bottleneck", keys)
    }
}

impl Adapter for BottleneckOptions {
    fn attach(&self, model: &mut Model, cx: &mut dyn Context) -> Result<()> {
        let name = self.name.as_deref().unwrap_or("bottleneck");
        attach("bottleneck", name, self.settings()?, cx.draws().stream(name), model)
    }
}

register!(Adapter, "bottleneck", "Small networks behind or beside sub-layers; saved in AdapterHub's form", BottleneckOptions);
register_format!("adapterhub", load);
