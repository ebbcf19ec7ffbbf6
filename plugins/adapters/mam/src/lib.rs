//! # mam
//!
//! Mix-and-match: learned keys and values in front of every attention, and a scaled parallel bottleneck beside every
//! feed-forward layer.
//! Paper: He et al. 2021, "Towards a Unified View of Parameter-Efficient Transfer Learning" (arXiv 2110.04366, §4.6); the
//! prefix is that of Li and Liang 2021, "Prefix-Tuning" (arXiv 2101.00190, §4).
//!
//! ## What it does
//! Two parts. `<name>-prefix` puts `prefix_length` keys and values in front of those of each attention; they come from a table
//! `[l, hidden]` through two projections with a tanh between, or, with `flat`, are parameters themselves. They carry no position.
//! `<name>-ffn` is the `bottleneck` in its parallel form: `y + s · W_up relu(W_down z)`, z the residual stream in front of the
//! feed-forward layer and its norm. Each is written as a folder of AdapterHub; a folder that holds both is read.
//!
//! ## When to use
//! Where a few percent of parameters are to come close to training everything: the paper's best mixture.
//!
//! ## Differences from the paper
//! Only the decoder's self-attention has a prefix. The bottleneck starts as zero as in the paper, the prefix does not: the
//! model changes a little when it is attached. The paper's figure reads z behind the norm, the package in front of it.
//! Gates (`use_gating`) are refused: they are means over the row and see later tokens.
//!
//! ## Reproduces
//! Logits of `adapters` on llama (a prefix has keys for its two key heads) and gpt2 within 1e-4 of their standard deviation
//! (`tests/fixtures/adapters`).

mod load;
mod prefix;

pub use load::{load, load_prefix};
pub use prefix::{Prefix, PrefixSettings};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tongues_kernel::{Adapter, Built, Context, Error, Kind, Model, Result, build, register, register_format};

/// Keys are those of AdapterHub's two configurations; defaults are the paper's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MamOptions {
    /// Keys and values in front of each attention.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1))]
    pub prefix_length: usize,
    /// Keys and values are parameters themselves, without the two projections.
    #[serde(default)]
    pub flat: bool,
    /// Width between the two projections.
    #[serde(default = "width")]
    #[schemars(range(min = 1))]
    pub bottleneck_size: usize,
    /// Width of the model over width of the parallel bottleneck.
    #[serde(default = "two")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub reduction_factor: f64,
    /// Factor of what the bottleneck gives.
    #[serde(default = "four")]
    pub scaling: f64,
    /// Activation of the bottleneck.
    #[serde(default = "relu")]
    pub non_linearity: String,
    /// Share of dropped prefixes and bottleneck outputs while training.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 0.95))]
    pub dropout: f64,
    /// Layers without both, counted from 0.
    #[serde(default)]
    pub leave_out: Vec<usize>,
    /// Begin of the two parts' names: `parts.<name>-prefix.…`, `parts.<name>-ffn.…`.
    #[serde(default = "name")]
    pub name: String,
}

fn thirty() -> usize {
    30
}
fn width() -> usize {
    800
}
fn two() -> f64 {
    2.0
}
fn four() -> f64 {
    4.0
}
fn relu() -> String {
    "relu".into()
}
fn name() -> String {
    "mam".into()
}

impl Adapter for MamOptions {
    fn attach(&self, model: &mut Model, cx: &mut dyn Context) -> Result<()> {
        let settings = PrefixSettings {
            flat: self.flat,
            prefix_length: self.prefix_length,
            bottleneck_size: self.bottleneck_size,
            dropout: self.dropout,
            leave_out: self.leave_out.clone(),
            ..PrefixSettings::default()
        };
        let prefix = format!("{}-prefix", self.name);
        prefix::attach("mam", &prefix, settings, cx.draws().stream(&prefix), model)?;
        let options = json!({
            "placement": "parallel",
            "reduction_factor": self.reduction_factor,
            "scaling": self.scaling,
            "non_linearity": self.non_linearity,
            "dropout": self.dropout,
            "leave_out": self.leave_out,
            "name": format!("{}-ffn", self.name),
        });
        match build(Kind::Adapter, "bottleneck", options, cx)? {
            Built::Adapter(beside) => beside.attach(model, cx),
            _ => Err(Error::run("mam", "an adapter plugin built something else")),
        }
    }
}

register!(Adapter, "mam", "Prefixes and a scaled parallel bottleneck; saved in AdapterHub's form", MamOptions);
register_format!("adapterhub-union", load);
register_format!("adapterhub-prefix_tuning", load_prefix);
