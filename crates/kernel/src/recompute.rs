//! Training with one block in memory at a time: blocks run without a graph, and again on the way back.
//!
//! What a block emits (states read at places, named states, losses) becomes a leaf of the objective's graph; its gradient
//! is put back into the block when it runs again. The same holds for the side inputs that blocks read.

use crate::{Call, Error, Hidden, Input, Model, Name, Net, Notes, Parts, Pass, Result, Site, Stack, Term, refuse};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::prelude::*;
use burn::tensor::{Bool, Gradients};
use std::collections::BTreeMap;

/// What is needed to walk back through one recomputed run.
pub struct Tape {
    net: Net,
    stack: Stack,
    frame: Frame,
    entry: Entry,
    blocks: Vec<BlockTape>,
    out: Tensor<3>,
}

/// What every block finds in its pass, without a graph.
struct Frame {
    call: Call,
    taps: Vec<Site>,
    mask: crate::Mask,
    sides: BTreeMap<Name, Tensor<3>>,
    input: Input,
    present: Option<Tensor<2, Bool>>,
}

/// What the way in made, with its graph: run once, walked back once, after all blocks.
struct Entry {
    x: Tensor<3>,
    sides: BTreeMap<Name, Tensor<3>>,
    /// What the way in noted, with the leaves that stand for it.
    noted: Notes,
    leaves: Emitted,
}

struct BlockTape {
    input: Hidden,
    emitted: Emitted,
}

/// Leaves that stand for what was noted.
#[derive(Default)]
struct Emitted {
    read: BTreeMap<Site, Tensor<3>>,
    named: BTreeMap<Name, Tensor<3>>,
    losses: Vec<Tensor<1>>,
}

fn leaf<const D: usize>(value: Tensor<D>) -> Tensor<D> {
    Tensor::from_inner(value.without_autodiff()).require_grad()
}

/// Walks `depth` blocks without a graph; the result is a leaf.
///
/// # Errors
/// The input does not fit the model.
pub fn walk(model: &Model, input: &Input, depth: Option<usize>, pass: &mut Pass<'_>, taps: &[Site]) -> Result<(Hidden, Tape)> {
    pass.read_also(taps);
    let (stack, entered) = model.enter(input, pass)?;
    let depth = model.depth(stack, depth)?;
    let still = model.net.valid();
    let frame = Frame::of(pass);
    let noted = std::mem::take(&mut pass.notes);
    let leaves = hand_over(&noted, &mut pass.notes);
    let entry = Entry { x: entered.x.clone(), sides: pass.sides.clone(), noted, leaves };
    let mut hidden = entered.clone().with(entered.x.without_autodiff());
    let mut blocks = vec![];
    for layer in 0..depth {
        let mut inner = frame.pass(&still.parts);
        inner.sides.clone_from(&frame.sides);
        let input = hidden.clone();
        hidden = still.backbone.blocks(stack, hidden, layer..layer + 1, &mut inner)?;
        blocks.push(BlockTape { input, emitted: hand_over(&inner.notes, &mut pass.notes) });
    }
    let out = leaf(hidden.x.clone());
    let tape = Tape { net: model.net.clone(), stack, frame, entry, blocks, out: out.clone() };
    Ok((hidden.with(out), tape))
}

impl Frame {
    fn of(pass: &Pass<'_>) -> Self {
        let sides = pass.sides.iter().map(|(n, t)| (n.clone(), t.clone().without_autodiff())).collect();
        let (mask, input, present) = (pass.mask.clone(), pass.input.clone(), pass.present.clone());
        Self { call: pass.call.clone(), taps: pass.taps().to_vec(), mask, sides, input, present }
    }

    /// A pass for one block; the caller puts the side inputs in, as constants or as leaves.
    fn pass<'n>(&self, parts: &'n Parts) -> Pass<'n> {
        let mut pass = Pass::new(parts, self.call.clone()).reading(&self.taps);
        pass.mask = self.mask.clone();
        pass.input = self.input.clone();
        pass.present.clone_from(&self.present);
        pass
    }
}

/// Turns what was noted into leaves of the objective's graph.
fn hand_over(notes: &Notes, outer: &mut Notes) -> Emitted {
    let mut emitted = Emitted::default();
    for (site, state) in &notes.read {
        let state = leaf(state.clone());
        outer.read.insert(*site, state.clone());
        emitted.read.insert(*site, state);
    }
    for (name, state) in &notes.emitted {
        let state = leaf(state.clone());
        outer.emitted.insert(name.clone(), state.clone());
        emitted.named.insert(name.clone(), state);
    }
    for term in &notes.losses {
        let sum = leaf(term.sum.clone());
        outer.losses.push(Term { sum: sum.clone(), ..term.clone() });
        emitted.losses.push(sum);
    }
    emitted
}

impl Emitted {
    /// What was noted, each weighed by the gradient that arrived at its leaf.
    fn weighed(&self, noted: &Notes, grads: &Gradients) -> Result<Vec<Tensor<1>>> {
        let changed =
            || Error::run("recomputation", "a block noted other states than the first time; a part must not depend on anything but its input and the draws");
        let mut sums = vec![];
        for (site, stand_in) in &self.read {
            if let Some(g) = stand_in.grad(grads) {
                sums.push((noted.read.get(site).cloned().ok_or_else(changed)? * g).sum());
            }
        }
        for (name, stand_in) in &self.named {
            if let Some(g) = stand_in.grad(grads) {
                sums.push((noted.emitted.get(name).cloned().ok_or_else(changed)? * g).sum());
            }
        }
        if noted.losses.len() != self.losses.len() {
            return Err(changed());
        }
        for (term, stand_in) in noted.losses.iter().zip(&self.losses) {
            sums.extend(stand_in.grad(grads).map(|g| (term.sum.clone() * g).sum()));
        }
        Ok(sums)
    }
}

/// The sum of those that have a graph; the others are constants and have no gradient to give.
fn tracked_sum(sums: Vec<Tensor<1>>) -> Option<Tensor<1>> {
    sums.into_iter().filter(Tensor::is_tracked).reduce(|a, b| a + b)
}

/// Gradients of `loss` for every trained parameter, also through recomputed runs.
///
/// # Errors
/// The loss depends on nothing that trains, or a block refuses on the way back what it accepted on the way there.
pub fn backward(loss: Tensor<1>, tapes: Vec<Tape>, model: &impl Module) -> Result<GradientsParams> {
    if !loss.is_tracked() {
        return refuse("loss", "a loss that depends on something that trains", "a constant", "let some tensors train (`weights`)");
    }
    let mut grads = loss.backward();
    let mut collected = GradientsParams::from_module(&mut grads, model);
    for tape in tapes.into_iter().rev() {
        tape.back(&grads, &mut collected)?;
    }
    Ok(collected)
}

impl Tape {
    fn back(self, grads: &Gradients, collected: &mut GradientsParams) -> Result<()> {
        let mut flowing = self.out.grad(grads);
        let mut into_sides: BTreeMap<Name, Tensor<3>> = BTreeMap::new();
        for (layer, block) in self.blocks.iter().enumerate().rev() {
            let input = leaf(block.input.x.clone());
            let sides: BTreeMap<Name, Tensor<3>> = self.frame.sides.iter().map(|(n, s)| (n.clone(), leaf(s.clone()))).collect();
            let Some(scalar) = self.again(layer, input.clone(), &sides, flowing.take(), grads)? else { continue };
            let mut inner = scalar.backward();
            merge(&mut inner, &self.net, collected);
            flowing = input.grad(&inner);
            for (name, side) in sides {
                add(&mut into_sides, name, side.grad(&inner));
            }
        }
        self.finish(flowing, into_sides, grads, collected)
    }

    /// Runs a block again with a graph; the sum of everything it gave, each weighed by its gradient.
    fn again(
        &self,
        layer: usize,
        input: Tensor<3>,
        sides: &BTreeMap<Name, Tensor<3>>,
        flowing: Option<Tensor<3>>,
        grads: &Gradients,
    ) -> Result<Option<Tensor<1>>> {
        let block = &self.blocks[layer];
        let mut pass = self.frame.pass(&self.net.parts);
        pass.sides.clone_from(sides);
        let hidden = block.input.clone().with(input);
        let out = self.net.backbone.blocks(self.stack, hidden, layer..layer + 1, &mut pass)?;
        let mut sums = block.emitted.weighed(&pass.notes, grads)?;
        sums.extend(flowing.map(|g| (out.x * g).sum()));
        Ok(tracked_sum(sums))
    }

    /// What arrives at the embeddings, at the side inputs and at what the way in noted goes on into their graph, all at once:
    /// a graph can be walked back only once.
    fn finish(self, flowing: Option<Tensor<3>>, into_sides: BTreeMap<Name, Tensor<3>>, grads: &Gradients, collected: &mut GradientsParams) -> Result<()> {
        let mut sums = self.entry.leaves.weighed(&self.entry.noted, grads)?;
        sums.extend(flowing.map(|g| (self.entry.x * g).sum()));
        for (name, gradient) in into_sides {
            sums.push((self.entry.sides[&name].clone() * gradient).sum());
        }
        if let Some(scalar) = tracked_sum(sums) {
            merge(&mut scalar.backward(), &self.net, collected);
        }
        Ok(())
    }
}

fn add(sums: &mut BTreeMap<Name, Tensor<3>>, name: Name, gradient: Option<Tensor<3>>) {
    if let Some(gradient) = gradient {
        let sum = match sums.remove(&name) {
            Some(before) => before + gradient,
            None => gradient,
        };
        sums.insert(name, sum);
    }
}

/// Adds the gradients of a module's parameters to those collected so far.
pub fn merge(grads: &mut Gradients, module: &impl Module, collected: &mut GradientsParams) {
    struct Merge<'a>(&'a mut Gradients, &'a mut GradientsParams);
    impl ModuleVisitor for Merge<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = param.val().grad_remove(self.0) {
                let sum = match self.1.remove::<D>(param.id) {
                    Some(before) => before + gradient,
                    None => gradient,
                };
                self.1.register(param.id, sum);
            }
        }
    }
    module.visit(&mut Merge(grads, collected));
}

/// Adds the gradients of one collection to another.
pub fn accumulate(mut from: GradientsParams, module: &impl Module, into: &mut GradientsParams) {
    struct Sum<'a>(&'a mut GradientsParams, &'a mut GradientsParams);
    impl ModuleVisitor for Sum<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.0.remove::<D>(param.id) {
                let sum = match self.1.remove::<D>(param.id) {
                    Some(before) => before + gradient,
                    None => gradient,
                };
                self.1.register(param.id, sum);
            }
        }
    }
    module.visit(&mut Sum(&mut from, into));
}
