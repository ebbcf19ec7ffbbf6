//! A small decoder in which every parameter is random, norms and biases too, so that nothing is right by chance.

use crate::ToyTokenizer;
use serde_json::{Map, json};
use std::ops::Range;
use std::sync::Arc;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Attention, Backbone, Draws, Hidden, Input, Linear, Model, Pass, Result, Role, Site, SiteInfo, Spec, Stack, burn, refuse};
use tongues_nn::{Embedding, RmsNorm, Rope, RopeScaling, grouped, heads_apart, heads_together};
use tongues_ops::{rotate_half_split, swiglu};

/// Sizes of the toy.
#[derive(Clone, Copy, Debug)]
pub struct ToyShape {
    /// Rows of the embedding matrix; the tokenizer is always the toy's, so give the model another one with other sizes.
    pub vocabulary: usize,
    /// Blocks.
    pub layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Query heads.
    pub heads: usize,
    /// Key heads.
    pub kv_heads: usize,
    /// Width of a head.
    pub width: usize,
    /// Width of the feed-forward layer.
    pub inner: usize,
    /// Head and embedding are one matrix.
    pub tied: bool,
}

impl Default for ToyShape {
    fn default() -> Self {
        Self { vocabulary: ToyTokenizer::SIZE, layers: 2, hidden: 16, heads: 4, kv_heads: 2, width: 4, inner: 24, tied: false }
    }
}

/// Two blocks, bytes for tokens, an untied head; on the default device, with gradients.
pub fn toy_model(draws: Draws) -> Model {
    ToyShape::default().model(draws)
}

/// The same with head and embedding in one matrix.
pub fn toy_tied(draws: Draws) -> Model {
    ToyShape { tied: true, ..ToyShape::default() }.model(draws)
}

impl ToyShape {
    /// A model of this shape.
    pub fn model(self, draws: Draws) -> Model {
        let fresh = Fresh { draws: draws.stream("toy"), device: crate::device().autodiff() };
        Model::new(Box::new(Toy::new(self, &fresh)), Arc::new(ToyTokenizer::default()))
    }

    fn spec(self) -> Spec {
        let ties = if self.tied { vec![("lm_head.weight".into(), "model.embed_tokens.weight".into())] } else { vec![] };
        let config = json!({ "model_type": "toy", "vocab_size": self.vocabulary, "hidden_size": self.hidden });
        Spec {
            family: "toy".into(),
            hidden: self.hidden,
            vocabulary: self.vocabulary,
            stacks: vec![(Stack::Decoder, self.layers)],
            max_positions: 64,
            sites: self.sites(),
            ties,
            config: config.as_object().cloned().unwrap_or_else(Map::new),
            ..Spec::default()
        }
    }

    fn sites(self) -> Vec<SiteInfo> {
        let (d, f, q, kv) = (self.hidden, self.inner, self.heads * self.width, self.kv_heads * self.width);
        let mut sites = vec![];
        let mut add = |layer, role, path: String, width, weight| sites.push(SiteInfo { site: at(layer, role), path, width, weight });
        add(0, Role::Embeddings, "model.embed_tokens".into(), [1, d], false);
        for layer in 0..self.layers {
            let path = |name: &str| format!("model.layers.{layer}{name}");
            add(layer, Role::AttentionNorm, path(".input_layernorm"), [d, d], false);
            add(layer, Role::SelfAttention, path(".self_attn"), [d, d], false);
            add(layer, Role::Query, path(".self_attn.q_proj"), [d, q], true);
            add(layer, Role::Key, path(".self_attn.k_proj"), [d, kv], true);
            add(layer, Role::Value, path(".self_attn.v_proj"), [d, kv], true);
            add(layer, Role::Attention, path(".self_attn.attention"), [q, q], false);
            add(layer, Role::Heads, path(".self_attn.heads"), [q, q], false);
            add(layer, Role::AttentionOut, path(".self_attn.o_proj"), [q, d], true);
            add(layer, Role::FeedForwardNorm, path(".post_attention_layernorm"), [d, d], false);
            add(layer, Role::FeedForward, path(".mlp"), [d, d], false);
            add(layer, Role::Gate, path(".mlp.gate_proj"), [d, f], true);
            add(layer, Role::Up, path(".mlp.up_proj"), [d, f], true);
            add(layer, Role::Activation, path(".mlp.act_fn"), [f, f], false);
            add(layer, Role::Down, path(".mlp.down_proj"), [f, d], true);
            add(layer, Role::Block, path(""), [d, d], false);
        }
        add(0, Role::Final, "model.norm".into(), [d, d], false);
        add(0, Role::Head, "lm_head".into(), [d, self.vocabulary], !self.tied);
        sites
    }
}

fn at(layer: usize, role: Role) -> Site {
    Site::new(Stack::Decoder, layer, role)
}

/// Draws of first values, by name.
struct Fresh {
    draws: Draws,
    device: Device,
}

impl Fresh {
    fn matrix(&self, name: &str, [out, width]: [usize; 2]) -> Tensor<2> {
        self.draws.stream(name).normal_tensor([out, width], 1.0 / (width as f64).sqrt(), &self.device)
    }
    fn linear(&self, name: &str, [width, out]: [usize; 2], bias: bool) -> Linear {
        let bias = bias.then(|| self.draws.stream(name).step(1).normal_tensor([out], 0.1, &self.device));
        Linear::new(self.matrix(name, [out, width]), bias)
    }
    fn norm(&self, name: &str, width: usize) -> RmsNorm {
        RmsNorm::new(self.draws.stream(name).normal_tensor([width], 0.2, &self.device) + 1.0, 1e-6)
    }
}

#[derive(Module, Debug)]
struct Toy {
    model: Body,
    lm_head: Option<Linear>,
    #[module(skip)]
    spec: Spec,
    #[module(skip)]
    rope: Rope,
}

#[derive(Module, Debug)]
struct Body {
    embed_tokens: Embedding,
    layers: Vec<Block>,
    norm: RmsNorm,
}

#[derive(Module, Debug)]
struct Block {
    input_layernorm: RmsNorm,
    self_attn: SelfAttention,
    post_attention_layernorm: RmsNorm,
    mlp: Mlp,
    layer: usize,
}

#[derive(Module, Debug)]
struct SelfAttention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    heads: usize,
    kv_heads: usize,
}

#[derive(Module, Debug)]
struct Mlp {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
}

impl Toy {
    fn new(shape: ToyShape, fresh: &Fresh) -> Self {
        let model = Body {
            embed_tokens: Embedding::new(fresh.draws.stream("embed").normal_tensor([shape.vocabulary, shape.hidden], 1.0, &fresh.device)),
            layers: (0..shape.layers).map(|layer| Block::new(shape, layer, fresh)).collect(),
            norm: fresh.norm("norm", shape.hidden),
        };
        let lm_head = (!shape.tied).then(|| fresh.linear("head", [shape.hidden, shape.vocabulary], false));
        Self { model, lm_head, spec: shape.spec(), rope: Rope::new(100.0, shape.width, &RopeScaling::None) }
    }
}

impl Block {
    fn new(shape: ToyShape, layer: usize, fresh: &Fresh) -> Self {
        let (d, f, q, kv) = (shape.hidden, shape.inner, shape.heads * shape.width, shape.kv_heads * shape.width);
        let linear = |name: &str, widths| fresh.linear(&format!("{layer}.{name}"), widths, true);
        let norm = |name: &str| fresh.norm(&format!("{layer}.{name}"), d);
        let self_attn = SelfAttention {
            q_proj: linear("q", [d, q]),
            k_proj: linear("k", [d, kv]),
            v_proj: linear("v", [d, kv]),
            o_proj: linear("o", [q, d]),
            heads: shape.heads,
            kv_heads: shape.kv_heads,
        };
        let mlp = Mlp { gate_proj: linear("gate", [d, f]), up_proj: linear("up", [d, f]), down_proj: linear("down", [f, d]) };
        Self { input_layernorm: norm("n1"), self_attn, post_attention_layernorm: norm("n2"), mlp, layer }
    }

    fn forward(&self, x: Tensor<3>, tables: &(Tensor<4>, Tensor<4>), pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let normed = pass.site(at(self.layer, Role::AttentionNorm), x.clone(), |x, _| Ok(self.input_layernorm.forward(x)))?;
        let x = x + pass.site(at(self.layer, Role::SelfAttention), normed, |x, pass| self.attend(x, tables, pass))?;
        let normed = pass.site(at(self.layer, Role::FeedForwardNorm), x.clone(), |x, _| Ok(self.post_attention_layernorm.forward(x)))?;
        Ok(x + pass.site(at(self.layer, Role::FeedForward), normed, |x, pass| self.feed_forward(x, pass))?)
    }

    fn attend(&self, x: Tensor<3>, (cos, sin): &(Tensor<4>, Tensor<4>), pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let a = &self.self_attn;
        let q = heads_apart(pass.linear(at(self.layer, Role::Query), &a.q_proj, x.clone())?, a.heads); // [B, H, T, d]
        let k = heads_apart(pass.linear(at(self.layer, Role::Key), &a.k_proj, x.clone())?, a.kv_heads);
        let v = heads_apart(pass.linear(at(self.layer, Role::Value), &a.v_proj, x)?, a.kv_heads);
        let [_, _, time, width] = q.dims();
        let (q, k) = (rotate_half_split(q, cos.clone(), sin.clone()), rotate_half_split(k, cos.clone(), sin.clone()));
        let scale = 1.0 / (width as f64).sqrt();
        let attention = Attention { q, k, v, mask: pass.mask.clone(), bias: None, scale, softcap: None, new_keys: 0..time };
        let heads = pass.attend(at(self.layer, Role::Attention), attention, |a, _| Ok(grouped(a)))?;
        let heads = pass.at(at(self.layer, Role::Heads), heads_together(heads))?;
        pass.linear(at(self.layer, Role::AttentionOut), &a.o_proj, heads)
    }

    fn feed_forward(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let gate = pass.linear(at(self.layer, Role::Gate), &self.mlp.gate_proj, x.clone())?;
        let up = pass.linear(at(self.layer, Role::Up), &self.mlp.up_proj, x)?;
        let inner = pass.at(at(self.layer, Role::Activation), swiglu(gate, up))?;
        pass.linear(at(self.layer, Role::Down), &self.mlp.down_proj, inner)
    }
}

impl Backbone for Toy {
    fn spec(&self) -> &Spec {
        &self.spec
    }
    fn spec_mut(&mut self) -> &mut Spec {
        &mut self.spec
    }
    fn embed(&self, input: &Input, pass: &mut Pass<'_>) -> Result<Hidden> {
        let Some(stream) = input.streams.get(&Stack::Decoder) else {
            return refuse("input", "tokens for the decoder", "none", "give the decoder's stream");
        };
        let x = stream.rows.clone().unwrap_or_else(|| self.model.embed_tokens.forward(stream.ids.clone()));
        let x = pass.at(at(0, Role::Embeddings), x)?;
        Ok(Hidden { x, valid: stream.valid.clone(), positions: stream.positions.clone(), segments: stream.segments.clone(), origin: None })
    }
    fn blocks(&self, _: Stack, hidden: Hidden, range: Range<usize>, pass: &mut Pass<'_>) -> Result<Hidden> {
        let tables = self.rope.tables(hidden.positions.clone());
        let mut x = hidden.x.clone();
        for layer in range {
            x = pass.site(at(layer, Role::Block), x, |x, pass| self.model.layers[layer].forward(x, &tables, pass))?;
        }
        Ok(hidden.with(x))
    }
    fn norm(&self, _: Stack, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        pass.site(at(0, Role::Final), x, |x, _| Ok(self.model.norm.forward(x)))
    }
    fn head(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        match &self.lm_head {
            Some(head) => pass.linear(at(0, Role::Head), head, x),
            None => pass.site(at(0, Role::Head), x, |x, _| Ok(self.model.embed_tokens.as_head(x))),
        }
    }
}
