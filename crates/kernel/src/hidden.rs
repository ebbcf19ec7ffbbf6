//! What goes into a model and what walks through it.

use crate::{Mask, Name, Result, Stack, refuse};
use burn::prelude::*;
use burn::tensor::{Bool, Int};
use std::collections::BTreeMap;
use std::ops::Range;

/// One rectangle of tokens (or of ready rows) for one stack.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Token ids `[batch, time]`; what lies at invalid places does not matter.
    pub ids: Tensor<2, Int>,
    /// Embeddings `[batch, time, hidden]` instead of ids, where given.
    pub rows: Option<Tensor<3>>,
    /// Which places hold a token `[batch, time]`; `None` means all.
    pub valid: Option<Tensor<2, Bool>>,
    /// Positions `[batch, time]`, as the rotary or learned position encoding counts them.
    pub positions: Tensor<2, Int>,
    /// Which text of a packed row a token belongs to `[batch, time]`; tokens see only their own text.
    pub segments: Option<Tensor<2, Int>>,
}

/// What a model is given.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// One stream a stack.
    pub streams: BTreeMap<Stack, Stream>,
    /// One number a row: language, task, expert.
    pub columns: BTreeMap<Name, Tensor<1, Int>>,
    /// Which places hold a token `[batch, time]`, also where the stream's `valid` leaves right padding to causality; no entry means all.
    pub present: BTreeMap<Stack, Tensor<2, Bool>>,
}

impl Input {
    /// One stream.
    pub fn of(stack: Stack, stream: Stream) -> Self {
        Self { streams: BTreeMap::from([(stack, stream)]), ..Self::default() }
    }

    /// The stream of a stack.
    ///
    /// # Errors
    /// There is none.
    pub fn stream(&self, stack: Stack) -> Result<&Stream> {
        self.streams.get(&stack).map_or_else(|| refuse(format!("input of {stack:?}"), "a stream for this stack", "none", "give the run a sequence for it"), Ok)
    }

    /// Which places of a stack's stream hold a token; `None` means all.
    pub fn present(&self, stack: Stack) -> Option<&Tensor<2, Bool>> {
        self.present.get(&stack).or_else(|| self.streams.get(&stack)?.valid.as_ref())
    }
}

/// The residual stream with what belongs to each place.
#[derive(Clone, Debug)]
pub struct Hidden {
    /// `[batch, time, hidden]`.
    pub x: Tensor<3>,
    /// `[batch, time]`; `None` means all valid.
    pub valid: Option<Tensor<2, Bool>>,
    /// `[batch, time]`.
    pub positions: Tensor<2, Int>,
    /// `[batch, time]`.
    pub segments: Option<Tensor<2, Int>>,
    /// Which input token a place stands for, -1 for none `[batch, time]`; `None` means place i is token i. Labels follow it.
    pub origin: Option<Tensor<2, Int>>,
}

impl Hidden {
    /// The same places with another state.
    #[must_use]
    pub fn with(self, x: Tensor<3>) -> Self {
        Self { x, ..self }
    }

    /// The origin as a tensor, also where it is the identity.
    pub fn origin_or_identity(&self) -> Tensor<2, Int> {
        let [batch, time, _] = self.x.dims();
        self.origin.clone().unwrap_or_else(|| Tensor::<1, Int>::arange(0..time as i64, &self.x.device()).reshape([1, time]).expand([batch, time]))
    }

    /// Validity as a tensor, also where everything is valid.
    pub fn valid_or_all(&self) -> Tensor<2, Bool> {
        let [batch, time, _] = self.x.dims();
        self.valid.clone().unwrap_or_else(|| Tensor::<2, Int>::ones([batch, time], &self.x.device()).equal_elem(1))
    }
}

/// One attention call: what a part may change.
#[derive(Clone, Debug)]
pub struct Attention {
    /// `[batch, heads, queries, head_dim]`, positions applied.
    pub q: Tensor<4>,
    /// `[batch, kv_heads, keys, head_dim]`, positions applied.
    pub k: Tensor<4>,
    /// `[batch, kv_heads, keys, head_dim]`.
    pub v: Tensor<4>,
    /// Who may look at whom.
    pub mask: Mask,
    /// Added to the scores `[batch or 1, heads, queries or 1, keys]`; keys that a part put in front may be left out.
    pub bias: Option<Tensor<4>>,
    /// The scores' factor, normally 1/√head_dim.
    pub scale: f64,
    /// `cap · tanh(score / cap)` after the factor, where given.
    pub softcap: Option<f64>,
    /// Which keys belong to this call's tokens (the others come from a cache or a part).
    pub new_keys: Range<usize>,
}
