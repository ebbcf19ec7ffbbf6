//! One forward pass: who listens, what is read, what was noted.
//!
//! A backbone calls [`Pass::site`], [`Pass::linear`] and [`Pass::attend`] wherever a state can be read or changed.
//! With no listener each is one branch.

use crate::front::Fronts;
use crate::{At, Attention, Cache, Draws, Inner, InnerAttend, Input, Linear, Mask, Name, Parts, Result, Site, Stack, Term, View, refuse};
use burn::prelude::*;
use burn::tensor::{Bool, Int};
use std::collections::BTreeMap;

/// What the caller knows about this pass; every part may read it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Dropout and the like are on.
    pub training: bool,
    /// Where this pass draws its random numbers.
    pub draws: Draws,
    /// Which parts take part.
    pub view: View,
    /// One number a row: language, task, expert `[batch]`.
    pub columns: BTreeMap<Name, Tensor<1, Int>>,
}

impl Default for Call {
    fn default() -> Self {
        Self { training: false, draws: Draws::new(0), view: View::All, columns: BTreeMap::new() }
    }
}

/// What a pass wrote down.
#[derive(Debug, Default)]
pub struct Notes {
    /// States read at places.
    pub read: BTreeMap<Site, Tensor<3>>,
    /// States that parts gave a name.
    pub emitted: BTreeMap<Name, Tensor<3>>,
    /// Losses that parts add to the objective's.
    pub losses: Vec<Term>,
}

/// One forward pass.
pub struct Pass<'a> {
    parts: &'a Parts,
    quiet: bool,
    taps: Vec<Site>,
    pub(crate) fronts: Fronts,
    /// What the caller knows.
    pub call: Call,
    /// What was written down.
    pub notes: Notes,
    /// Keys and values of tokens already read, while generating.
    pub cache: Option<Cache>,
    /// The self-attention mask of the stack that is being walked.
    pub mask: Mask,
    /// Tensors that blocks read beside the residual stream (encoder states, image features).
    pub sides: BTreeMap<Name, Tensor<3>>,
    /// What the model was given: a part may look up the token ids, other stacks' streams and columns.
    pub input: Input,
    /// Which places of the walked stream hold something `[batch, time]`, also where right padding needs no mask; `None` means all.
    pub present: Option<Tensor<2, Bool>>,
}

impl<'a> Pass<'a> {
    /// A pass with the parts of a model.
    pub fn new(parts: &'a Parts, call: Call) -> Self {
        let mut pass = Self {
            parts,
            quiet: true,
            taps: vec![],
            fronts: Fronts::default(),
            call,
            notes: Notes::default(),
            cache: None,
            mask: Mask { causal: true, ..Mask::default() },
            sides: BTreeMap::new(),
            input: Input::default(),
            present: None,
        };
        pass.listen_up();
        pass
    }

    /// Asks for the state at a place; find it in `notes.read` afterwards.
    #[must_use]
    pub fn reading(mut self, sites: &[Site]) -> Self {
        self.read_also(sites);
        self
    }

    /// [`Self::reading`] for a pass that is already under way.
    pub fn read_also(&mut self, sites: &[Site]) {
        self.taps.extend(sites);
        self.listen_up();
    }

    fn listen_up(&mut self) {
        self.quiet = self.taps.is_empty() && !self.parts.list().iter().any(|a| self.call.view.shows(&a.name));
    }

    /// Places asked for with [`Self::reading`].
    pub fn taps(&self) -> &[Site] {
        &self.taps
    }

    /// A part in view sits on this place, or its state was asked for: fused shortcuts past it are not allowed.
    pub fn listens(&self, site: Site) -> bool {
        !self.quiet && (self.taps.contains(&site) || !self.chain(site).is_empty())
    }

    /// Does something in this pass with other parts (frozen, for one) in place of its own.
    ///
    /// # Errors
    /// Whatever `f` refuses.
    pub fn with_parts<T>(&mut self, parts: &Parts, f: impl FnOnce(&mut Pass<'_>) -> Result<T>) -> Result<T> {
        let mut inner = Pass::new(parts, self.call.clone()).reading(&self.taps);
        self.swap_state(&mut inner);
        let result = f(&mut inner);
        self.swap_state(&mut inner);
        result
    }

    fn swap_state(&mut self, other: &mut Pass<'_>) {
        std::mem::swap(&mut self.notes, &mut other.notes);
        std::mem::swap(&mut self.cache, &mut other.cache);
        std::mem::swap(&mut self.mask, &mut other.mask);
        std::mem::swap(&mut self.sides, &mut other.sides);
        std::mem::swap(&mut self.input, &mut other.input);
        std::mem::swap(&mut self.present, &mut other.present);
        std::mem::swap(&mut self.fronts, &mut other.fronts);
    }

    /// The token ids of a stack `[batch, time]`.
    ///
    /// # Errors
    /// The stack was given none.
    pub fn ids(&self, stack: Stack) -> Result<Tensor<2, Int>> {
        Ok(self.input.stream(stack)?.ids.clone())
    }

    /// One number a row `[batch]`: language, task, expert.
    ///
    /// # Errors
    /// The data have no such number.
    pub fn column(&self, name: &str) -> Result<Tensor<1, Int>> {
        let found = self.call.columns.get(name).or_else(|| self.input.columns.get(name));
        found
            .cloned()
            .map_or_else(|| refuse(format!("column `{name}`"), "a number for every row", "none of that name", "give every example one such number"), Ok)
    }

    /// The parts this pass goes through.
    pub fn parts(&self) -> &'a Parts {
        self.parts
    }

    /// A place with a function: parts may change what goes in, what comes out, or not call it.
    ///
    /// # Errors
    /// Whatever the function or a part refuses.
    #[inline]
    pub fn site(&mut self, site: Site, x: Tensor<3>, mut function: impl FnMut(Tensor<3>, &mut Pass<'_>) -> Result<Tensor<3>>) -> Result<Tensor<3>> {
        if self.quiet {
            return function(x, self);
        }
        self.listened(At { site, linear: None }, x, &mut function)
    }

    /// A place that only hands a state on.
    ///
    /// # Errors
    /// Whatever a part refuses.
    #[inline]
    pub fn at(&mut self, site: Site, x: Tensor<3>) -> Result<Tensor<3>> {
        if self.quiet { Ok(x) } else { self.listened(At { site, linear: None }, x, &mut |x, _| Ok(x)) }
    }

    /// A projection: parts see what goes in, what comes out, and the weight.
    ///
    /// # Errors
    /// Whatever a part refuses.
    #[inline]
    pub fn linear(&mut self, site: Site, linear: &Linear, x: Tensor<3>) -> Result<Tensor<3>> {
        if self.quiet {
            return Ok(linear.forward(x));
        }
        self.listened(At { site, linear: Some(linear) }, x, &mut |x, _| Ok(linear.forward(x)))
    }

    #[cold]
    fn listened(&mut self, at: At<'_>, x: Tensor<3>, base: Inner<'_>) -> Result<Tensor<3>> {
        let chain = self.chain(at.site);
        let y = self.wrapped(at, &chain, x, base)?;
        let y = self.fronts.placed(at.site, y);
        if self.taps.contains(&at.site) {
            self.notes.read.insert(at.site, y.clone());
        }
        Ok(y)
    }

    /// Indices of the parts that sit on a place and are in view; the first attached is the innermost.
    fn chain(&self, site: Site) -> Vec<usize> {
        let sitting = self.parts.at(site).iter().copied();
        sitting.filter(|i| self.call.view.shows(&self.parts.list()[*i].name)).collect()
    }

    fn wrapped(&mut self, at: At<'_>, chain: &[usize], x: Tensor<3>, base: Inner<'_>) -> Result<Tensor<3>> {
        let Some((outer, rest)) = chain.split_last() else { return base(x, self) };
        let part = &self.parts.list()[*outer].part;
        part.around(at, x, &mut |x, pass: &mut Pass<'_>| pass.wrapped(at, rest, x, base), self)
    }

    /// One attention: the cache is filled first, then parts, then the function.
    ///
    /// # Errors
    /// Whatever the function or a part refuses.
    pub fn attend(&mut self, site: Site, mut a: Attention, mut function: impl FnMut(Attention, &mut Pass<'_>) -> Result<Tensor<4>>) -> Result<Tensor<4>> {
        if let Some(cache) = &mut self.cache {
            let new = a.k.dims()[2];
            (a.k, a.v) = cache.extend(site, a.k, a.v);
            let all = a.k.dims()[2];
            a.new_keys = all - new..all;
        }
        if self.quiet {
            return function(a, self);
        }
        let chain = self.chain(site);
        self.attended(At { site, linear: None }, &chain, a, &mut function)
    }

    fn attended(&mut self, at: At<'_>, chain: &[usize], a: Attention, base: InnerAttend<'_>) -> Result<Tensor<4>> {
        let Some((outer, rest)) = chain.split_last() else { return base(a, self) };
        let part = &self.parts.list()[*outer].part;
        part.attend(at, a, &mut |a, pass: &mut Pass<'_>| pass.attended(at, rest, a, base), self)
    }

    /// Gives a state a name for the objective.
    pub fn emit(&mut self, name: &str, value: Tensor<3>) {
        self.notes.emitted.insert(name.into(), value);
    }

    /// Adds a loss to the objective's.
    pub fn loss(&mut self, term: Term) {
        self.notes.losses.push(term);
    }

    /// The state read at a place so far.
    ///
    /// # Errors
    /// The place was not asked for or not visited.
    pub fn read(&self, site: Site) -> Result<Tensor<3>> {
        let found = self.notes.read.get(&site).cloned();
        found.map_or_else(|| refuse(format!("{site:?}"), "a place that was read", "nothing", "ask for it with `reading`"), Ok)
    }

    /// A tensor that blocks read beside the residual stream.
    ///
    /// # Errors
    /// Nobody put it there.
    pub fn side(&self, name: &str) -> Result<Tensor<3>> {
        let found = self.sides.get(name).cloned();
        found.map_or_else(|| refuse(format!("side input `{name}`"), "a tensor", "nothing", "the part's `embed` puts it there"), Ok)
    }

    /// Inverted dropout (Srivastava et al. 2014) with draws that depend on the step and the place only.
    pub fn dropout(&self, x: Tensor<3>, p: f64, at: Site) -> Tensor<3> {
        if !self.call.training || p <= 0.0 {
            return x;
        }
        let shape = x.dims();
        let draws = self.call.draws.stream("dropout").stream(&format!("{at:?}"));
        let keep: Vec<f32> = draws.uniform(shape.iter().product()).into_iter().map(|u| if f64::from(u) < p { 0.0 } else { (1.0 / (1.0 - p)) as f32 }).collect();
        let keep = Tensor::<3>::from_data(TensorData::new(keep, shape), &x.device());
        x * keep
    }
}
