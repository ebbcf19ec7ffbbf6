//! A backbone with its parts, tokenizers and training policy, and the walk through them.

use crate::erased::Dyn;
use crate::front::Fronts;
use crate::{Backbone, Call, Error, Folded, Hidden, Input, Part, Parts, Pass, Policy, Result, Site, Spec, Stack, Tokenizer, Weights, refuse};
use burn::module::{Module, ModuleMapper};
use burn::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Everything with parameters; the optimiser and the store see only this.
#[derive(Module, Debug)]
pub struct Net {
    /// The network.
    pub backbone: Dyn<dyn Backbone>,
    /// What lives in it.
    pub parts: Parts,
}

/// Where a model comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    /// Human-readable steps, oldest first.
    pub steps: Vec<String>,
    /// Folder of the checkpoint it was read from.
    pub base: Option<String>,
    /// What the recipe calls the model whose backbone this still is, unchanged.
    pub origin: Option<String>,
}

/// A model: network, parts, tokenizers, policy. Cloning shares the tensors.
#[derive(Clone)]
pub struct Model {
    /// Everything with parameters.
    pub net: Net,
    /// Its tokenizers; the first is the one of the main stack.
    pub tokenizers: Vec<Arc<dyn Tokenizer>>,
    /// How tensors train; a tensor without an entry is frozen once any entry exists.
    pub policies: BTreeMap<String, Policy>,
    /// Rows added by vocabulary adapters: tensor name to rows.
    pub new_rows: BTreeMap<String, Range<usize>>,
    /// Where it comes from.
    pub lineage: Lineage,
}

impl Model {
    /// A model without parts.
    pub fn new(backbone: Box<dyn Backbone>, tokenizer: Arc<dyn Tokenizer>) -> Self {
        Self { tokenizers: vec![tokenizer], ..Self::without_tokenizer(backbone) }
    }

    /// A model that is only given ids.
    pub fn without_tokenizer(backbone: Box<dyn Backbone>) -> Self {
        Self {
            net: Net { backbone: Dyn(backbone), parts: Parts::default() },
            tokenizers: vec![],
            policies: BTreeMap::new(),
            new_rows: BTreeMap::new(),
            lineage: Lineage::default(),
        }
    }

    /// What the backbone says of itself.
    pub fn spec(&self) -> &Spec {
        self.net.backbone.spec()
    }

    /// The tokenizer of the main stack.
    ///
    /// # Errors
    /// The model has none.
    pub fn tokenizer(&self) -> Result<&Arc<dyn Tokenizer>> {
        self.tokenizers.first().ok_or_else(|| Error::input("model", "a tokenizer", "none", "put tokenizer.json beside the weights"))
    }

    /// The backbone's tensors by name.
    pub fn weights(&mut self) -> Weights<'_> {
        Weights::new(&mut self.net.backbone)
    }

    /// Refuses a model whose tokens see those behind them: it knows the next token already.
    ///
    /// # Errors
    /// Its main stack is no decoder.
    pub fn check_causal(&self, what: &str) -> Result<()> {
        match self.spec().main() {
            Stack::Decoder => Ok(()),
            _ => {
                let found = format!("{}, an encoder, whose tokens see those behind them", self.spec().family);
                refuse(
                    what,
                    "a model that predicts the next token",
                    found,
                    "use a decoder; encoders learn, and are scored on, tokens that are hidden from them",
                )
            }
        }
    }

    /// Adds a part. In a model that trains its parameters can train too, also where they were made without gradients.
    ///
    /// # Errors
    /// The name is taken.
    pub fn attach(&mut self, name: impl Into<String>, sites: Vec<Site>, mut part: impl Part) -> Result<()> {
        if self.device().is_autodiff() {
            part.train_dyn();
        }
        self.net.parts.attach(name, sites, part)
    }

    /// The same without its parts. Tensors are shared.
    #[must_use]
    pub fn without_parts(&self) -> Self {
        Self { net: Net { parts: Parts::default(), ..self.net.clone() }, ..self.clone() }
    }

    /// Maps all parameters in place.
    pub fn map_net<M: ModuleMapper>(&mut self, mapper: &mut M) {
        replace_with::replace_with_or_abort(&mut self.net, |net| net.map(mapper));
    }

    /// The device of the parameters.
    pub fn device(&self) -> Device {
        self.net.devices().first().cloned().unwrap_or_default()
    }

    /// The device for inputs and constants: the same, without gradients.
    pub fn plain_device(&self) -> Device {
        self.device().without_autodiff()
    }

    /// A view without gradients, for scoring and generating. Tensors are shared.
    #[must_use]
    pub fn inference(&self) -> Self {
        Self { net: self.net.valid(), ..self.clone() }
    }

    /// A pass through this model.
    pub fn pass(&self, call: Call) -> Pass<'_> {
        Pass::new(&self.net.parts, call)
    }

    /// Embeddings, and whatever parts make of them; sets the pass's mask.
    ///
    /// # Errors
    /// The input does not fit the model.
    pub fn enter(&self, input: &Input, pass: &mut Pass<'_>) -> Result<(Stack, Hidden)> {
        let stack = self.spec().main();
        pass.fronts = Fronts::of(pass);
        self.room_for(input.stream(stack)?.ids.dims()[1] + pass.fronts.taken(), pass)?;
        pass.input = pass.fronts.make_room(stack, input)?;
        pass.present = pass.input.present(stack).cloned();
        let input = pass.input.clone();
        let mut hidden = self.net.backbone.embed(&input, pass)?;
        pass.fronts.mark(&mut hidden);
        let entered = hidden.x.dims()[1];
        for attached in self.net.parts.list() {
            if pass.call.view.shows(&attached.name) {
                hidden = attached.part.embed(hidden, pass)?;
            }
        }
        self.room_for(hidden.x.dims()[1] + pass.fronts.positions, pass)?;
        pass.mask = crate::mask::mask(stack, &hidden, pass);
        let moved = hidden.origin.is_some() && (pass.fronts.taken() == pass.fronts.positions || hidden.x.dims()[1] != entered);
        if hidden.valid.is_some() || moved {
            pass.present.clone_from(&hidden.valid);
        }
        Ok((stack, hidden))
    }

    fn room_for(&self, places: usize, pass: &Pass<'_>) -> Result<()> {
        let room = self.spec().max_positions;
        let length = places + pass.cache.as_ref().map_or(0, |c| c.length);
        if room > 0 && length > room {
            return refuse("input", format!("at most {room} tokens (max_position_embeddings)"), length, "shorten the rows");
        }
        Ok(())
    }

    /// Whether ids lie in the vocabulary. Where a part sits on the embeddings the ids are its own business.
    ///
    /// # Errors
    /// One does not.
    pub fn check_ids(&self, ids: impl IntoIterator<Item = u32>) -> Result<()> {
        let embeddings = Site::new(self.spec().main(), 0, crate::Role::Embeddings);
        let vocabulary = self.spec().vocabulary;
        match ids.into_iter().find(|id| *id as usize >= vocabulary) {
            Some(id) if !self.net.parts.at(embeddings).iter().any(|i| self.net.parts.list()[*i].part.has_own_vocabulary()) => {
                refuse("token ids", format!("ids below the model's vocabulary of {vocabulary}"), id, "use the tokenizer that belongs to the model")
            }
            _ => Ok(()),
        }
    }

    /// The residual stream after the first `depth` blocks (all of them for `None`).
    ///
    /// # Errors
    /// The input does not fit the model, or it has fewer blocks.
    pub fn walk(&self, input: &Input, depth: Option<usize>, pass: &mut Pass<'_>) -> Result<Hidden> {
        let (stack, hidden) = self.enter(input, pass)?;
        let depth = self.depth(stack, depth)?;
        self.net.backbone.blocks(stack, hidden, 0..depth, pass)
    }

    /// The number of blocks to walk.
    ///
    /// # Errors
    /// The model has fewer.
    pub fn depth(&self, stack: Stack, depth: Option<usize>) -> Result<usize> {
        let layers = self.spec().layers(stack);
        match depth {
            Some(d) if d > layers => refuse("depth", format!("at most {layers} blocks"), d, ""),
            other => Ok(other.unwrap_or(layers)),
        }
    }

    /// Logits of a residual stream: final norm and head `[batch, rows, hidden]` → `[batch, rows, vocabulary]`.
    /// With `still` they take part but get no gradient.
    ///
    /// # Errors
    /// Whatever a part refuses.
    pub fn read_out(&self, x: Tensor<3>, still: bool) -> Result<Tensor<3>> {
        self.read_out_with(x, still, &mut self.pass(Call::default()))
    }

    /// [`Self::read_out`] in a pass of one's own, for parts on the head and taps.
    ///
    /// # Errors
    /// Whatever a part refuses.
    pub fn read_out_with(&self, x: Tensor<3>, still: bool, pass: &mut Pass<'_>) -> Result<Tensor<3>> {
        let read = |net: &Net, pass: &mut Pass<'_>| {
            let x = net.backbone.norm(self.spec().main(), x, pass)?;
            net.backbone.head(x, pass)
        };
        if !still {
            return read(&self.net, pass);
        }
        let held = self.net.clone().freeze();
        pass.with_parts(&held.parts, |pass| read(&held, pass))
    }

    /// All logits of an input: for tests and short rows.
    ///
    /// # Errors
    /// The input does not fit the model.
    pub fn logits(&self, input: &Input, call: Call) -> Result<Tensor<3>> {
        let mut pass = self.pass(call);
        let hidden = self.walk(input, None, &mut pass)?;
        self.read_out_with(hidden.x, false, &mut pass)
    }

    /// Writes parts into the weights and removes those that are now there. Returns (part, what happened). A part that wraps
    /// one that stays cannot be written below it without changing the function, so it stays too.
    ///
    /// # Errors
    /// A part's weight is missing.
    pub fn fold(&mut self) -> Result<Vec<(String, Folded)>> {
        let mut outcome = vec![];
        for attached in self.net.parts.list().to_vec() {
            let inside = self.net.parts.list().iter().take_while(|a| a.name != attached.name).find(|a| a.sites.iter().any(|s| attached.sites.contains(s)));
            let folded = match inside {
                Some(stays) => Folded::No(format!("it wraps `{}`, which stays", stays.name)),
                None => attached.part.fold(&mut self.weights())?,
            };
            if folded == Folded::Exact {
                self.net.parts.detach(&attached.name);
            }
            outcome.push((attached.name, folded));
        }
        Ok(outcome)
    }
}
