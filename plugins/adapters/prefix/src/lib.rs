//! # prefix
//!
//! Learned keys and values before the others, at every attention.
//! Paper: Li and Liang 2021, "Prefix-Tuning: Optimizing Continuous Prompts for Generation" (arXiv 2101.00190, §4.2, §4.3).
//!
//! ## What it does
//! Every layer's attention sees `num_virtual_tokens` keys and values before those of the tokens, whatever the mask. They take
//! positions: the first token stands at position `num_virtual_tokens`, and rotary families use the learned keys unturned. With
//! `prefix_projection` a small network (linear, tanh, linear) makes them of learned rows while it trains. The folder in PEFT's form
//! (`peft_type` PREFIX_TUNING) holds the keys and values in either case; an adapter that is read back trains them directly.
//!
//! ## When to use
//! Where a prompt is too weak: a prefix reaches every layer. The network in front steadies training.
//!
//! ## Differences from the paper
//! No start from activations of real words. Under a sliding window the prefix stays in sight. It does not fold.
//!
//! ## Reproduces
//! Logits of PEFT on random prefixes within 1e-4 of their standard deviation, also under grouped keys (`tests/fixtures/peft-pack`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{
    Adapter, At, Attention, Context, Error, Folded, Front, InnerAttend, Linear, Model, OnDisk, Part, Pass, Result, Role, Site, Spec, Weights, burn, refuse,
    register, register_format,
};
use tongues_nn::peft::{CONFIG, config, host, number, refuse_unknown, tensor, whole};

const TENSOR: &str = "prompt_embeddings";
const KNOWN: [&str; 8] = [
    "num_virtual_tokens",
    "token_dim",
    "num_transformer_submodules",
    "num_attention_heads",
    "num_layers",
    "encoder_hidden_size",
    "prefix_projection",
    "init_weights",
];

/// Learned keys and values; keys are PEFT's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrefixOptions {
    /// Keys before the others.
    #[serde(default = "rows")]
    #[schemars(range(min = 1))]
    pub num_virtual_tokens: usize,
    /// A network makes them while training.
    #[serde(default)]
    pub prefix_projection: bool,
    /// Width inside that network; that of all keys side by side where it is left out.
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
    "prefix".into()
}

/// The sizes of a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sizes {
    virtual_tokens: usize,
    layers: usize,
    /// Key heads.
    heads: usize,
    /// Width of all key heads side by side.
    width: usize,
    /// Width inside the network.
    inner: usize,
}

impl Sizes {
    fn of(virtual_tokens: usize, inner: Option<usize>, spec: &Spec) -> Result<Self> {
        let key = spec.sites.iter().find(|i| i.site.role == Role::Key && i.site.stack == spec.main());
        let width = key.map(|i| i.width[1]).ok_or_else(|| Error::input("prefix", "a family with a place for keys", "none", "this family cannot have one"))?;
        let told = ["num_key_value_heads", "num_attention_heads", "n_head"].iter().find_map(|k| spec.config.get(*k)?.as_u64());
        let heads = told.unwrap_or(1).max(1) as usize;
        Ok(Self { virtual_tokens, layers: spec.layers(spec.main()), heads, width, inner: inner.unwrap_or(width) })
    }

    fn columns(&self) -> usize {
        2 * self.layers * self.width
    }
}

impl Adapter for PrefixOptions {
    fn attach(&self, model: &mut Model, cx: &mut dyn Context) -> Result<()> {
        let sizes = Sizes::of(self.num_virtual_tokens, self.encoder_hidden_size, model.spec())?;
        let (draws, device) = (cx.draws().stream(&self.name), model.device());
        let normal = |columns| Param::from_tensor(draws.normal_tensor([sizes.virtual_tokens, columns], 1.0, &device));
        let uniform = |what: &str, [width, out]: [usize; 2]| {
            let (draws, bound) = (draws.stream(what), 1.0 / (width as f64).sqrt());
            Linear::new(draws.uniform_tensor([out, width], bound, &device), Some(draws.stream("bias").uniform_tensor([out], bound, &device)))
        };
        let (plain, encoder) = if self.prefix_projection {
            let (first, second) = (uniform("first", [sizes.width, sizes.inner]), uniform("second", [sizes.inner, sizes.columns()]));
            (None, Some(Encoder { embedding: normal(sizes.width), first, second }))
        } else {
            (Some(normal(sizes.columns())), None)
        };
        attach(&self.name, Prefix { prompt_embeddings: plain, encoder, sizes }, model)
    }
}

fn attach(name: &str, part: Prefix, model: &mut Model) -> Result<()> {
    let spec = model.spec();
    let sites: Vec<Site> = spec.sites.iter().map(|i| i.site).filter(|s| s.role == Role::Attention && s.stack == spec.main()).collect();
    if sites.len() != part.sizes.layers {
        return refuse("prefix", "an attention in every layer", sites.len(), "this family cannot have one");
    }
    model.attach(name, sites, part)
}

/// What makes keys and values while training.
#[derive(Module, Debug)]
pub struct Encoder {
    /// `[virtual tokens, width]`.
    pub embedding: Param<Tensor<2>>,
    /// `width → inner`.
    pub first: Linear,
    /// `inner → 2 · layers · width`.
    pub second: Linear,
}

/// Keys and values before the others, or what makes them.
#[derive(Module, Debug)]
pub struct Prefix {
    /// `[virtual tokens, 2 · layers · width]`: of each layer the keys, then the values, head by head.
    pub prompt_embeddings: Option<Param<Tensor<2>>>,
    /// Of an adapter that was made with `prefix_projection`.
    pub encoder: Option<Encoder>,
    #[module(skip)]
    sizes: Sizes,
}

impl Prefix {
    /// Some columns of the whole `[virtual tokens, columns]`.
    fn columns(&self, from: usize, n: usize) -> Result<Tensor<2>> {
        match (&self.prompt_embeddings, &self.encoder) {
            (Some(rows), _) => Ok(rows.val().narrow(1, from, n)),
            (None, Some(encoder)) => {
                let inner = encoder.first.rows(encoder.embedding.val()).tanh();
                let weight = encoder.second.weight.val().narrow(0, from, n);
                let y = inner.matmul(weight.transpose());
                Ok(match &encoder.second.bias {
                    Some(bias) => y + bias.val().narrow(0, from, n).unsqueeze::<2>(),
                    None => y,
                })
            }
            _ => refuse("prefix", "keys or an encoder", "neither", ""),
        }
    }

    /// Keys (0) or values (1) of a layer, `[batch, heads, virtual tokens, head_dim]`.
    fn of(&self, layer: usize, which: usize, [batch, heads, _, size]: [usize; 4]) -> Result<Tensor<4>> {
        let Sizes { virtual_tokens: n, width, .. } = self.sizes;
        if heads * size != width {
            return refuse("prefix", format!("keys of width {width}"), format!("{heads} heads of {size}"), "the adapter belongs to another model");
        }
        let rows = self.columns((2 * layer + which) * width, width)?;
        Ok(rows.reshape([1, n, heads, size]).swap_dims(1, 2).expand([batch, heads, n, size]))
    }
}

impl Part for Prefix {
    fn front(&self) -> Front {
        Front { rows: None, positions: self.sizes.virtual_tokens }
    }

    fn attend(&self, at: At<'_>, mut a: Attention, inner: InnerAttend<'_>, pass: &mut Pass<'_>) -> Result<Tensor<4>> {
        let (layer, n) = (usize::from(at.site.layer), self.sizes.virtual_tokens);
        let (keys, values) = (self.of(layer, 0, a.k.dims())?, self.of(layer, 1, a.v.dims())?);
        a.k = Tensor::cat(vec![keys, a.k], 2);
        a.v = Tensor::cat(vec![values, a.v], 2);
        a.mask = a.mask.prepend_visible(n);
        a.new_keys = a.new_keys.start + n..a.new_keys.end + n;
        inner(a, pass)
    }

    fn fold(&self, _: &mut Weights<'_>) -> Result<Folded> {
        Ok(Folded::No("it adds keys that no weight makes".into()))
    }

    fn save(&self) -> Result<OnDisk> {
        let s = self.sizes;
        let entries = [
            ("encoder_hidden_size", json!(s.inner)),
            ("num_attention_heads", json!(s.heads)),
            ("num_layers", json!(s.layers)),
            ("num_transformer_submodules", json!(1)),
            ("num_virtual_tokens", json!(s.virtual_tokens)),
            ("prefix_projection", json!(false)),
            ("token_dim", json!(s.width)),
        ];
        let rows = host(self.columns(0, s.columns())?);
        Ok(OnDisk { config: config("PREFIX_TUNING", entries), tensors: BTreeMap::from([(TENSOR.to_owned(), rows)]) })
    }

    fn starts_as_identity(&self) -> bool {
        false
    }
}

/// Attaches a folder in PEFT's form as a part of that name; also with `prefix_projection` its tensor is the projected one.
///
/// # Errors
/// A key that is not known, other heads or layers than the model's, an encoder and a decoder.
pub fn load(disk: &OnDisk, name: &str, model: &mut Model) -> Result<()> {
    refuse_unknown(&disk.config, &KNOWN)?;
    let inner = disk.config.get("encoder_hidden_size").and_then(Json::as_u64).map(|n| n as usize);
    let sizes = Sizes::of(whole(&disk.config, "num_virtual_tokens")?, inner, model.spec())?;
    let submodules = disk.config.get("num_transformer_submodules").is_some_and(|v| !v.is_null());
    let own = [("num_transformer_submodules", 1), ("num_layers", sizes.layers), ("token_dim", sizes.width), ("num_attention_heads", sizes.heads)];
    for (key, expected) in own.into_iter().skip(usize::from(!submodules)) {
        let found = number(&disk.config, key)?;
        if found != expected as f64 {
            return refuse(
                format!("{CONFIG}: {key}"),
                format!("{expected}, as this {} model", model.spec().family),
                found,
                "the adapter belongs to another model",
            );
        }
    }
    let rows = tensor(disk, TENSOR, [sizes.virtual_tokens, sizes.columns()], &model.device())?;
    attach(name, Prefix { prompt_embeddings: Some(Param::from_tensor(rows)), encoder: None, sizes }, model)
}

register!(Adapter, "prefix", "Learned keys and values before the others at every attention; saved in PEFT's form", PrefixOptions);
register_format!("PREFIX_TUNING", load);
