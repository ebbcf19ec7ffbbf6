//! A decoder of rotary blocks, as most open language models have it. Families differ in what their plan says.

mod attention;
mod block;
mod plan;

pub use block::Block;
pub use plan::{DecoderPlan, LayerPlan};

use crate::{Embedding, Fill, RmsNorm, linear};
use std::collections::BTreeMap;
use std::ops::Range;
use tongues_kernel::burn::module::Module;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Backbone, Hidden, Init, Input, Linear, Mask, Pass, Result, Role, Site, Spec, Stack, burn};

/// The network. Field names are the Hugging Face names.
#[derive(Module, Debug)]
pub struct Decoder {
    model: Body,
    lm_head: Option<Linear>,
    #[module(skip)]
    spec: Spec,
    #[module(skip)]
    plan: DecoderPlan,
}

#[derive(Module, Debug)]
struct Body {
    embed_tokens: Embedding,
    layers: Vec<Block>,
    norm: RmsNorm,
}

/// What blocks with the same rotation and window share.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// cos and sin, each `[batch, 1, time, head_dim]`.
    tables: (Tensor<4>, Tensor<4>),
    mask: Mask,
}

impl DecoderPlan {
    /// The network with fresh parameters.
    ///
    /// # Errors
    /// The plan contradicts itself.
    pub fn build(self, init: &Init) -> Result<Box<dyn Backbone>> {
        self.check()?;
        let fill = Fill::new(init, self.std);
        let (hidden, vocabulary) = (self.hidden, self.vocabulary);
        let model = Body {
            embed_tokens: Embedding::new(fill.matrix("model.embed_tokens.weight", [vocabulary, hidden])),
            layers: (0..self.layers.len()).map(|layer| Block::new(&self, layer, &fill)).collect(),
            norm: self.norm(hidden, &fill),
        };
        let lm_head = (!self.tied).then(|| linear(&fill, "lm_head", [hidden, vocabulary], false));
        Ok(Box::new(Decoder { model, lm_head, spec: self.spec(), plan: self }))
    }

    /// A norm that changes nothing but the length.
    fn norm(&self, width: usize, fill: &Fill<'_>) -> RmsNorm {
        if self.plus_one { RmsNorm::plus_one(fill.constant(0.0, width), self.epsilon) } else { RmsNorm::new(fill.constant(1.0, width), self.epsilon) }
    }
}

impl Decoder {
    /// What the blocks of a range see, each kind computed once.
    fn seen(&self, range: Range<usize>, hidden: &Hidden, pass: &Pass<'_>) -> BTreeMap<LayerPlan, Seen> {
        let mut seen: BTreeMap<LayerPlan, Seen> = BTreeMap::new();
        for kind in &self.plan.layers[range] {
            if !seen.contains_key(kind) {
                let tables = self.plan.ropes[kind.rope].tables(hidden.positions.clone());
                seen.insert(*kind, Seen { tables, mask: pass.mask.clone().within(kind.window) });
            }
        }
        seen
    }
}

fn site(role: Role) -> Site {
    Site::new(Stack::Decoder, 0, role)
}

impl Backbone for Decoder {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn spec_mut(&mut self) -> &mut Spec {
        &mut self.spec
    }

    fn embed(&self, input: &Input, pass: &mut Pass<'_>) -> Result<Hidden> {
        let stream = input.stream(Stack::Decoder)?;
        let x = match (&stream.rows, self.plan.embedding_factor) {
            (Some(rows), _) => rows.clone(),
            (None, None) => self.model.embed_tokens.forward(stream.ids.clone()), // [B, T, D]
            (None, Some(factor)) => self.model.embed_tokens.forward(stream.ids.clone()) * factor,
        };
        let x = pass.at(site(Role::Embeddings), x)?;
        Ok(Hidden { x, valid: stream.valid.clone(), positions: stream.positions.clone(), segments: stream.segments.clone(), origin: None })
    }

    fn blocks(&self, _: Stack, hidden: Hidden, range: Range<usize>, pass: &mut Pass<'_>) -> Result<Hidden> {
        let seen = self.seen(range.clone(), &hidden, pass);
        let mut x = hidden.x.clone();
        for layer in range {
            let at = Site::new(Stack::Decoder, layer, Role::Block);
            let seen = &seen[&self.plan.layers[layer]];
            x = pass.site(at, x, |x, pass| self.model.layers[layer].forward(x, seen, pass))?;
        }
        Ok(hidden.with(x))
    }

    fn norm(&self, _: Stack, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        pass.site(site(Role::Final), x, |x, _| Ok(self.model.norm.forward(x)))
    }

    fn head(&self, x: Tensor<3>, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let logits = match &self.lm_head {
            Some(head) => pass.linear(site(Role::Head), head, x)?,
            None => pass.site(site(Role::Head), x, |x, _| Ok(self.model.embed_tokens.as_head(x)))?,
        };
        Ok(match self.plan.logit_cap {
            Some(cap) => (logits / cap).tanh() * cap,
            None => logits,
        })
    }
}
