//! The toy: token and position embeddings, two blocks of attention and feed-forward, a final norm, an untied head.
//! Attention hides places with −∞, so that a query that may look nowhere shows up as NaN.

use serde_json::Value as Json;
use std::ops::Range;
use std::sync::Arc;
use tongues_kernel::burn;
use tongues_kernel::burn::module::{Module, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::activation::{softmax, tanh};
use tongues_kernel::{Attention, Backbone, Draws, Hidden, Input, Linear, Model, Pass, Result, Role, Site, SiteInfo, Spec, Stack, Tokenizer};

pub const VOCABULARY: usize = 11;
pub const WIDTH: usize = 8;
pub const HEADS: usize = 2;
pub const INNER: usize = 12;
pub const POSITIONS: usize = 32;

#[derive(Module, Debug)]
pub struct Table {
    pub weight: Param<Tensor<2>>,
}
#[derive(Module, Debug)]
pub struct Scale {
    pub weight: Param<Tensor<1>>,
}
#[derive(Module, Debug)]
pub struct SelfAttention {
    pub q_proj: Linear,
    pub k_proj: Linear,
    pub v_proj: Linear,
    pub o_proj: Linear,
}
#[derive(Module, Debug)]
pub struct Mlp {
    pub up_proj: Linear,
    pub down_proj: Linear,
}
#[derive(Module, Debug)]
pub struct Layer {
    pub self_attn: SelfAttention,
    pub mlp: Mlp,
}
#[derive(Module, Debug)]
pub struct Body {
    pub embed_tokens: Table,
    pub embed_positions: Table,
    pub layers: Vec<Layer>,
    pub norm: Scale,
}
#[derive(Module, Debug)]
pub struct Toy {
    pub model: Body,
    pub lm_head: Linear,
    #[module(skip)]
    pub spec: Spec,
}

/// A toy network with `layers` blocks.
pub fn network(seed: u64, stack: Stack, layers: usize) -> Toy {
    let device = Device::flex().autodiff();
    let draws = Draws::new(seed).stream("toy");
    let matrix = |name: &str, rows: usize, columns: usize, std: f64| draws.stream(name).normal_tensor([rows, columns], std, &device);
    let linear = |name: &str, out: usize, inn: usize| Linear::new(matrix(name, out, inn, 0.5), None);
    let table = |name: &str, rows: usize| Table { weight: Param::from_tensor(matrix(name, rows, WIDTH, 0.7)) };
    let layer = |l: usize| Layer {
        self_attn: SelfAttention {
            q_proj: linear(&format!("q{l}"), WIDTH, WIDTH),
            k_proj: linear(&format!("k{l}"), WIDTH, WIDTH),
            v_proj: linear(&format!("v{l}"), WIDTH, WIDTH),
            o_proj: linear(&format!("o{l}"), WIDTH, WIDTH),
        },
        mlp: Mlp { up_proj: linear(&format!("u{l}"), INNER, WIDTH), down_proj: linear(&format!("d{l}"), WIDTH, INNER) },
    };
    let norm = Scale { weight: Param::from_tensor(draws.stream("norm").uniform_tensor([WIDTH], 0.3, &device) + 1.0) };
    let body =
        Body { embed_tokens: table("tokens", VOCABULARY), embed_positions: table("positions", POSITIONS), layers: (0..layers).map(layer).collect(), norm };
    Toy { model: body, lm_head: linear("head", VOCABULARY, WIDTH), spec: spec(stack, layers) }
}

/// A toy decoder with two blocks.
pub fn toy(seed: u64) -> Model {
    Model::new(Box::new(network(seed, Stack::Decoder, 2)), Arc::new(Letters(Json::Null)))
}

fn spec(stack: Stack, layers: usize) -> Spec {
    let mut sites = vec![info(stack, 0, Role::Embeddings, "model.embed_tokens", [VOCABULARY, WIDTH])];
    for l in 0..layers {
        let at = |role, name: &str, width| info(stack, l, role, &format!("model.layers.{l}.{name}"), width);
        sites.extend(
            [Role::Query, Role::Key, Role::Value, Role::AttentionOut]
                .into_iter()
                .zip(["q", "k", "v", "o"])
                .map(|(role, n)| at(role, &format!("self_attn.{n}_proj"), [WIDTH, WIDTH])),
        );
        sites.push(at(Role::Up, "mlp.up_proj", [WIDTH, INNER]));
        sites.push(at(Role::Down, "mlp.down_proj", [INNER, WIDTH]));
    }
    sites.push(info(stack, 0, Role::Head, "lm_head", [WIDTH, VOCABULARY]));
    let config = serde_json::json!({ "model_type": "toy", "num_hidden_layers": layers, "vocab_size": VOCABULARY });
    let config = config.as_object().unwrap().clone();
    Spec {
        family: "toy".into(),
        hidden: WIDTH,
        vocabulary: VOCABULARY,
        stacks: vec![(stack, layers)],
        max_positions: POSITIONS,
        sites,
        config,
        ..Spec::default()
    }
}

fn info(stack: Stack, layer: usize, role: Role, path: &str, width: [usize; 2]) -> SiteInfo {
    SiteInfo { site: Site::new(stack, layer, role), path: path.into(), width, weight: true }
}

impl Toy {
    fn stack(&self) -> Stack {
        self.spec.main()
    }

    fn place(&self, layer: usize, role: Role) -> Site {
        Site::new(self.stack(), layer, role)
    }

    fn attention(&self, l: usize, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let attn = &self.model.layers[l].self_attn;
        let [batch, time, _] = x.dims();
        let apart = |x: Tensor<3>| x.reshape([batch, time, HEADS, WIDTH / HEADS]).swap_dims(1, 2);
        let q = apart(pass.linear(self.place(l, Role::Query), &attn.q_proj, x.clone())?);
        let k = apart(pass.linear(self.place(l, Role::Key), &attn.k_proj, x.clone())?);
        let v = apart(pass.linear(self.place(l, Role::Value), &attn.v_proj, x)?);
        let a = Attention { q, k, v, mask: pass.mask.clone(), bias: None, scale: 1.0 / ((WIDTH / HEADS) as f64).sqrt(), softcap: None, new_keys: 0..time };
        let y = pass.attend(self.place(l, Role::Attention), a, |a, _| Ok(attend(a)))?;
        let y = pass.at(self.place(l, Role::Heads), y.swap_dims(1, 2).reshape([batch, time, WIDTH]))?;
        pass.linear(self.place(l, Role::AttentionOut), &attn.o_proj, y)
    }

    fn mlp(&self, l: usize, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let mlp = &self.model.layers[l].mlp;
        let up = pass.linear(self.place(l, Role::Up), &mlp.up_proj, x)?;
        let active = pass.at(self.place(l, Role::Activation), tanh(up))?;
        pass.linear(self.place(l, Role::Down), &mlp.down_proj, active)
    }

    fn block(&self, l: usize, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let y = pass.site(self.place(l, Role::SelfAttention), x.clone(), |x, pass| self.attention(l, x, pass))?;
        let x = x + y;
        let y = pass.site(self.place(l, Role::FeedForward), x.clone(), |x, pass| self.mlp(l, x, pass))?;
        Ok(x + y)
    }
}

fn attend(a: Attention) -> Tensor<4> {
    let (queries, keys) = (a.q.dims()[2], a.k.dims()[2]);
    let mut scores = a.q.matmul(a.k.swap_dims(2, 3)) * a.scale;
    if let Some(bias) = a.bias {
        scores = scores + bias;
    }
    if let Some(allowed) = a.mask.materialise(queries, keys, &scores.device().without_autodiff()) {
        let shape = scores.dims();
        scores = scores.mask_fill(allowed.bool_not().expand(shape), f32::NEG_INFINITY);
    }
    softmax(scores, 3).matmul(a.v)
}

fn look_up(table: &Table, ids: Tensor<2, Int>) -> Tensor<3> {
    let [batch, time] = ids.dims();
    table.weight.val().select(0, ids.reshape([batch * time])).reshape([batch, time, WIDTH])
}

impl Backbone for Toy {
    fn spec(&self) -> &Spec {
        &self.spec
    }
    fn spec_mut(&mut self) -> &mut Spec {
        &mut self.spec
    }
    fn embed(&self, input: &Input, pass: &mut Pass<'_>) -> Result<Hidden> {
        let stream = input.stream(self.stack())?;
        let positions = stream.positions.clone();
        let x = match &stream.rows {
            Some(rows) => rows.clone(),
            None => {
                pass.at(self.place(0, Role::Embeddings), look_up(&self.model.embed_tokens, stream.ids.clone()))?
                    + look_up(&self.model.embed_positions, positions.clone())
            }
        };
        Ok(Hidden { x, valid: stream.valid.clone(), positions, segments: stream.segments.clone(), origin: None })
    }
    fn blocks(&self, stack: Stack, mut hidden: Hidden, range: Range<usize>, pass: &mut Pass<'_>) -> Result<Hidden> {
        assert_eq!(stack, self.stack());
        for l in range {
            let x = pass.site(self.place(l, Role::Block), hidden.x.clone(), |x, pass| self.block(l, x, pass))?;
            hidden = hidden.with(x);
        }
        Ok(hidden)
    }
    fn norm(&self, _: Stack, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let rms = (x.clone().powf_scalar(2.0).mean_dim(2) + 1e-6).sqrt();
        pass.at(self.place(0, Role::Final), x / rms * self.model.norm.weight.val().reshape([1, 1, WIDTH]))
    }
    fn head(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        pass.linear(self.place(0, Role::Head), &self.lm_head, x)
    }
}

/// A tokenizer of the letters `a`, `b`, …, one id each; other characters are refused.
pub struct Letters(pub Json);

impl Tokenizer for Letters {
    fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let id = |c: char| match u32::from(c).checked_sub(u32::from('a')) {
            Some(id) if (id as usize) < VOCABULARY => Ok(id),
            _ => tongues_kernel::refuse("text", "letters a to k", c, ""),
        };
        text.chars().map(id).collect()
    }
    fn decode(&self, ids: &[u32]) -> Result<String> {
        Ok(ids.iter().filter_map(|i| char::from_u32(i + u32::from('a'))).collect())
    }
    fn size(&self) -> usize {
        VOCABULARY
    }
    fn piece(&self, id: u32) -> Option<String> {
        char::from_u32(id + u32::from('a')).map(String::from)
    }
    fn bos(&self) -> Option<u32> {
        None
    }
    fn eos(&self) -> Option<u32> {
        Some(0)
    }
    fn pad(&self) -> Option<u32> {
        None
    }
    fn words(&self, text: &str) -> Result<Vec<String>> {
        Ok(vec![text.into()])
    }
    fn definition(&self) -> &Json {
        &self.0
    }
    fn redefined(&self, definition: Json) -> Result<Arc<dyn Tokenizer>> {
        Ok(Arc::new(Letters(definition)))
    }
    fn trained_like(&self, _: &mut dyn Iterator<Item = String>, _: usize) -> Result<Arc<dyn Tokenizer>> {
        tongues_kernel::refuse("tokenizer", "a trainable one", "letters", "")
    }
}
