//! # p-tuning
//!
//! A soft prompt that a small network makes of learned rows while it trains.
//! Paper: Liu et al. 2021, "GPT Understands, Too" (arXiv 2103.10385, §3.2).
//!
//! ## What it does
//! Learned rows `[virtual tokens, hidden]` go through three layers with ReLU between them (an encoder), and what comes out
//! stands before the embeddings of every text, as in `prompt`. The encoder is needed for training only: the folder in PEFT's form
//! (`peft_type` P_TUNING) holds its output, and an adapter that is read back trains that output itself.
//!
//! ## When to use
//! Where a plain prompt learns too slowly or depends too much on its start.
//!
//! ## Differences from the paper
//! The encoder is PEFT's MLP; the LSTM trains in PEFT only, its folders are read. Virtual tokens stand in front, not between the
//! tokens of a template.
//!
//! ## Reproduces
//! Logits of PEFT on random encoders of both forms within 1e-4 of their standard deviation (`tests/fixtures/peft-pack`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::activation::relu;
use tongues_kernel::{Adapter, Context, Draws, Folded, Front, Linear, Model, OnDisk, Part, Result, Spec, Weights, burn, refuse, register, register_format};
use tongues_nn::peft::{CONFIG, config, host, number, refuse_unknown, tensor, whole};

const TENSOR: &str = "prompt_embeddings";
const KNOWN: [&str; 9] = [
    "num_virtual_tokens",
    "token_dim",
    "num_transformer_submodules",
    "num_attention_heads",
    "num_layers",
    "encoder_reparameterization_type",
    "encoder_hidden_size",
    "encoder_num_layers",
    "encoder_dropout",
];

/// A soft prompt with an encoder; keys are PEFT's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PTuningOptions {
    /// Rows before every text.
    #[serde(default = "rows")]
    #[schemars(range(min = 1))]
    pub num_virtual_tokens: usize,
    /// Width inside the encoder; that of the model where it is left out.
    #[schemars(range(min = 1))]
    pub encoder_hidden_size: Option<usize>,
    /// Name of the part.
    #[serde(default = "name")]
    pub name: String,
}

fn rows() -> usize {
    20
}
fn name() -> String {
    "p-tuning".into()
}

impl Adapter for PTuningOptions {
    fn attach(&self, model: &mut Model, cx: &mut dyn Context) -> Result<()> {
        let (hidden, device) = (model.spec().hidden, model.device());
        let inner = self.encoder_hidden_size.unwrap_or(hidden);
        let draws = cx.draws().stream(&self.name);
        let embedding = draws.stream("embedding").normal_tensor([self.num_virtual_tokens, hidden], 1.0, &device);
        let layer = |i: usize, shape| layer(draws.stream(&format!("mlp.{i}")), shape, &device);
        let mlp_head = vec![layer(0, [hidden, inner]), layer(1, [inner, inner]), layer(2, [inner, hidden])];
        let encoder = Encoder { embedding: Param::from_tensor(embedding), mlp_head };
        attach(&self.name, PTuning { prompt_embeddings: None, encoder: Some(encoder), sizes: sizes(model.spec()), inner }, model)
    }
}

/// A layer as torch starts it: weight and bias uniform within 1/√in.
fn layer(draws: Draws, [width, out]: [usize; 2], device: &Device) -> Linear {
    let bound = 1.0 / (width as f64).sqrt();
    Linear::new(draws.uniform_tensor([out, width], bound, device), Some(draws.stream("bias").uniform_tensor([out], bound, device)))
}

fn attach(name: &str, part: PTuning, model: &mut Model) -> Result<()> {
    model.attach(name, vec![], part)
}

/// Heads and layers as PEFT's configuration wants them.
fn sizes(spec: &Spec) -> [Json; 2] {
    let heads = ["num_attention_heads", "n_head"].iter().find_map(|key| spec.config.get(*key).cloned());
    [heads.unwrap_or(Json::Null), json!(spec.layers(spec.main()))]
}

/// What makes the rows while training.
#[derive(Module, Debug)]
pub struct Encoder {
    /// `[virtual tokens, hidden]`.
    pub embedding: Param<Tensor<2>>,
    /// Three layers, ReLU between them.
    pub mlp_head: Vec<Linear>,
}

impl Encoder {
    /// `[virtual tokens, hidden]`.
    pub fn rows(&self) -> Tensor<2> {
        let last = self.mlp_head.len().saturating_sub(1);
        self.mlp_head.iter().enumerate().fold(self.embedding.val(), |x, (i, layer)| if i < last { relu(layer.rows(x)) } else { layer.rows(x) })
    }
}

/// Rows before every text, or what makes them.
#[derive(Module, Debug)]
pub struct PTuning {
    /// `[virtual tokens, hidden]`, of an adapter that was read.
    pub prompt_embeddings: Option<Param<Tensor<2>>>,
    /// Of an adapter that was made here.
    pub encoder: Option<Encoder>,
    #[module(skip)]
    sizes: [Json; 2],
    #[module(skip)]
    inner: usize,
}

impl PTuning {
    fn rows(&self) -> Option<Tensor<2>> {
        self.encoder.as_ref().map(Encoder::rows).or_else(|| self.prompt_embeddings.as_ref().map(Param::val))
    }
}

impl Part for PTuning {
    fn front(&self) -> Front {
        Front { rows: self.rows(), positions: 0 }
    }

    fn fold(&self, _: &mut Weights<'_>) -> Result<Folded> {
        Ok(Folded::No("it adds places before every text".into()))
    }

    fn save(&self) -> Result<OnDisk> {
        let Some(rows) = self.rows().map(host) else { return refuse("p-tuning", "rows or an encoder", "neither", "") };
        let [heads, layers] = self.sizes.clone();
        let entries = [
            ("encoder_hidden_size", json!(self.inner)),
            ("encoder_reparameterization_type", json!("MLP")),
            ("num_attention_heads", heads),
            ("num_layers", layers),
            ("num_transformer_submodules", json!(1)),
            ("num_virtual_tokens", json!(rows.0[0])),
            ("token_dim", json!(rows.0[1])),
        ];
        Ok(OnDisk { config: config("P_TUNING", entries), tensors: BTreeMap::from([(TENSOR.to_owned(), rows)]) })
    }

    fn starts_as_identity(&self) -> bool {
        false
    }
}

/// Attaches a folder in PEFT's form, of either encoder, as a part of that name.
///
/// # Errors
/// A key that is not known, a model of another width, an encoder and a decoder.
pub fn load(disk: &OnDisk, name: &str, model: &mut Model) -> Result<()> {
    refuse_unknown(&disk.config, &KNOWN)?;
    let n = whole(&disk.config, "num_virtual_tokens")?;
    if disk.config.get("num_transformer_submodules").is_some_and(|v| !v.is_null()) && number(&disk.config, "num_transformer_submodules")? != 1.0 {
        let found = &disk.config["num_transformer_submodules"];
        return refuse(format!("{CONFIG}: num_transformer_submodules"), "1, for a model with one stack", found, "the adapter belongs to another model");
    }
    let hidden = model.spec().hidden;
    let rows = tensor(disk, TENSOR, [n, hidden], &model.device())?;
    let inner = disk.config.get("encoder_hidden_size").and_then(Json::as_u64).map_or(hidden, |n| n as usize);
    attach(name, PTuning { prompt_embeddings: Some(Param::from_tensor(rows)), encoder: None, sizes: sizes(model.spec()), inner }, model)
}

register!(Adapter, "p-tuning", "A soft prompt made by a small network while it trains; saved in PEFT's form", PTuningOptions);
register_format!("P_TUNING", load);
