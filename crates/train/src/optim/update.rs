//! One step over all tensors: each by its policy and its optimiser.

use super::{Optimizer, Optimizers, Seen, State};
use crate::guard::{Bad, bad_entries};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tongues_kernel::burn::module::{Module, ModuleMapper, Param, ParamId};
use tongues_kernel::burn::optim::GradientsParams;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Entry, Policy, Trains, put};

/// States by tensor name. Cloning shares the values.
pub(crate) type States = BTreeMap<String, State>;

/// What holds for all tensors at one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    /// Peak learning rate of the stage.
    pub(crate) learning_rate: f64,
    /// The schedule's factor at this step.
    pub(crate) factor: f64,
    /// Weight decay of the stage.
    pub(crate) weight_decay: f64,
    /// Gradients are multiplied by this (clipping).
    pub(crate) gradient_scale: f64,
}

/// What a step needs beside module and gradients.
#[derive(Clone, Copy)]
pub(crate) struct Stepped<'s> {
    pub(crate) optimizers: &'s Optimizers,
    pub(crate) names: &'s [Entry],
    pub(crate) policies: &'s BTreeMap<String, Policy>,
    /// Embeddings and heads.
    pub(crate) tables: &'s BTreeSet<String>,
    pub(crate) rates: Rates,
}

/// Updates every parameter that has a gradient; also says which is not finite afterwards, the first one only.
pub(crate) fn step<M: Module>(module: M, grads: GradientsParams, states: &mut States, how: Stepped<'_>) -> (M, Option<Bad>) {
    let names = how.names.iter().map(|e| (e.id, e.name.as_str())).collect();
    let mut update = Update { names, grads, states, how, bad: None };
    let module = module.map(&mut update);
    (module, update.bad)
}

struct Update<'u> {
    names: HashMap<ParamId, &'u str>,
    grads: GradientsParams,
    states: &'u mut States,
    how: Stepped<'u>,
    bad: Option<Bad>,
}

impl ModuleMapper for Update<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (Some(gradient), Some(name)) = (self.grads.remove::<D>(param.id), self.names.get(&param.id).copied()) else { return param };
        let free = Policy::free();
        let policy = self.how.policies.get(name).unwrap_or(&free);
        let old = param.val().detach().without_autodiff();
        let shape = old.dims();
        let device = old.device();
        let (old, gradient) = (flat(old), flat(gradient));
        let per_row: usize = shape[1..].iter().product();
        let new = match &policy.trains {
            Trains::Nothing => return param,
            Trains::Everything => self.updated(name, policy, &shape, old, gradient),
            Trains::Rows(rows) => {
                let range = rows.start * per_row..rows.end * per_row;
                let cut = |t: &Tensor<1>| t.clone().slice([range.clone()]);
                let fresh = self.updated(name, policy, &trained_shape(&policy.trains, &shape), cut(&old), cut(&gradient));
                old.slice_assign([range], fresh)
            }
            Trains::Masked(mask) => {
                let mask = Tensor::<1>::from_data(TensorData::new(mask.clone(), [mask.len()]), &device);
                let fresh = self.updated(name, policy, &shape, old.clone(), gradient * mask.clone());
                // Chosen, not added: the other entries stay bit for bit, and no decay reaches them.
                old.mask_where(mask.greater_elem(0.5), fresh)
            }
        };
        let new = new.reshape(shape);
        put(param, new)
    }
}

/// Flat, as optimisers see it; what trains is in f32 already.
fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let count = tensor.dims().iter().product::<usize>();
    tensor.reshape([count])
}

/// The shape that an optimiser sees: of rows that train alone, theirs.
pub(crate) fn trained_shape(trains: &Trains, shape: &[usize]) -> Vec<usize> {
    match trains {
        Trains::Rows(rows) => std::iter::once(rows.len()).chain(shape[1..].iter().copied()).collect(),
        _ => shape.to_vec(),
    }
}

impl Update<'_> {
    fn updated(&mut self, name: &str, policy: &Policy, shape: &[usize], weights: Tensor<1>, gradient: Tensor<1>) -> Tensor<1> {
        let Rates { learning_rate, factor, weight_decay, gradient_scale } = self.how.rates;
        let optimizer: Optimizer = self.how.optimizers.of(policy, shape, self.how.tables.contains(name));
        let method = optimizer.method();
        let mut state = self.states.remove(name).unwrap_or_else(|| State::fresh(method, shape, &weights.device()));
        state.steps += 1;
        let gradient = if gradient_scale == 1.0 { gradient } else { gradient * gradient_scale };
        let rate = policy.learning_rate.unwrap_or(learning_rate) * policy.learning_rate_factor * factor;
        // Vectors are norms and biases; what they scale or shift has no reason to be near zero.
        let decay = if shape.len() > 1 { policy.weight_decay.unwrap_or(weight_decay) } else { 0.0 };
        let new = method.update(Seen { shape, weights, gradient, rate, decay }, &mut state);
        self.look(name, &new, &state);
        self.states.insert(name.into(), state);
        new
    }

    /// Notes the first tensor that is not finite; a state that is not would stop its tensor for good, without a word.
    fn look(&mut self, name: &str, new: &Tensor<1>, state: &State) {
        if self.bad.is_none() {
            let slots = state.slots.iter().map(|s| (format!("{name}, {} of {}", s.name, state.method), &s.values));
            let mut all = std::iter::once((name.to_owned(), new)).chain(slots);
            self.bad = all.find_map(|(what, tensor)| bad_entries(&what, tensor));
        }
    }
}
