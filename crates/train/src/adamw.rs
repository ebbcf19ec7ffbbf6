//! AdamW (Loshchilov and Hutter 2019, algorithm 2) with PyTorch's defaults, one policy per tensor.

use std::collections::BTreeMap;
use tongues_kernel::burn::module::{Module, ModuleMapper, Param};
use tongues_kernel::burn::optim::GradientsParams;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Entry, Policy, Result, Tensors, Trains, put, refuse, values};

/// Hyper-parameters of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hyper {
    /// Peak learning rate.
    pub learning_rate: f64,
    /// The schedule's factor at this step.
    pub factor: f64,
    /// Decoupled weight decay; not applied to vectors (norms, biases).
    pub weight_decay: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Gradients are multiplied by this (clipping).
    pub gradient_scale: f64,
}

/// Moments of one tensor, flattened, over the entries that train.
#[derive(Clone, Debug)]
struct Moments {
    first: Tensor<1>,
    second: Tensor<1>,
    steps: i32,
}

/// The optimiser's state, by tensor name.
#[derive(Clone, Debug, Default)]
pub struct AdamW {
    moments: BTreeMap<String, Moments>,
}

impl AdamW {
    /// Updates every parameter of `module` that has a gradient.
    pub fn step<M: Module>(&mut self, module: M, names: &[Entry], policies: &BTreeMap<String, Policy>, grads: GradientsParams, hyper: Hyper) -> M {
        let names = names.iter().map(|e| (e.id, e.name.clone())).collect();
        module.map(&mut Update { state: self, names, policies, grads, hyper })
    }

    /// The state by name: `<tensor>.first`, `<tensor>.second`, `<tensor>.steps`.
    pub fn save(&self) -> Tensors {
        let one = |(name, m): (&String, &Moments)| {
            let flat = |t: &Tensor<1>| (t.dims().to_vec(), values(t.clone()));
            [(format!("{name}.first"), flat(&m.first)), (format!("{name}.second"), flat(&m.second)), (format!("{name}.steps"), (vec![1], vec![m.steps as f32]))]
        };
        self.moments.iter().flat_map(one).collect()
    }

    /// Puts a saved state back.
    ///
    /// # Errors
    /// It is incomplete.
    pub fn load(&mut self, saved: &Tensors, device: &Device) -> Result<()> {
        self.moments.clear();
        for name in saved.keys().filter_map(|k| k.strip_suffix(".steps")) {
            let get = |what: &str| match saved.get(&format!("{name}.{what}")) {
                Some((_, values)) => Ok(values.clone()),
                None => refuse(format!("optimiser state of {name}"), format!("its `{what}`"), "none", "the saved state is damaged"),
            };
            let tensor = |v: Vec<f32>| {
                let n = v.len();
                Tensor::<1>::from_data(TensorData::new(v, [n]), device)
            };
            let steps = get("steps")?.first().copied().unwrap_or(0.0) as i32;
            self.moments.insert(name.into(), Moments { first: tensor(get("first")?), second: tensor(get("second")?), steps });
        }
        Ok(())
    }
}

struct Update<'u> {
    state: &'u mut AdamW,
    names: std::collections::HashMap<tongues_kernel::burn::module::ParamId, String>,
    policies: &'u BTreeMap<String, Policy>,
    grads: GradientsParams,
    hyper: Hyper,
}

impl ModuleMapper for Update<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (Some(gradient), Some(name)) = (self.grads.remove::<D>(param.id), self.names.get(&param.id).cloned()) else { return param };
        let policy = self.policies.get(&name).cloned().unwrap_or_else(Policy::free);
        let old = param.val().detach().without_autodiff();
        let shape = old.dims();
        let flat = |t: Tensor<D>| t.reshape([shape.iter().product::<usize>()]);
        let (old, gradient) = (flat(old), flat(gradient));
        let per_row: usize = shape[1..].iter().product();
        let decays = D > 1;
        let new = match &policy.trains {
            Trains::Nothing => return param,
            Trains::Everything => self.updated(&name, &policy, old, gradient, decays),
            Trains::Rows(rows) => {
                let range = rows.start * per_row..rows.end * per_row;
                let cut = |t: &Tensor<1>| t.clone().slice([range.clone()]);
                let fresh = self.updated(&name, &policy, cut(&old), cut(&gradient), decays);
                old.slice_assign([range], fresh)
            }
            Trains::Masked(mask) => {
                let count = mask.len();
                let mask = Tensor::<1>::from_data(TensorData::new(mask.clone(), [count]), &old.device());
                let fresh = self.updated(&name, &policy, old.clone(), gradient * mask.clone(), decays);
                // Chosen, not added: the other entries stay bit for bit, and no decay reaches them.
                old.mask_where(mask.greater_elem(0.5), fresh)
            }
        };
        put(param, new.reshape(shape))
    }
}

impl Update<'_> {
    fn updated(&mut self, name: &str, policy: &Policy, w: Tensor<1>, g: Tensor<1>, decays: bool) -> Tensor<1> {
        let h = self.hyper;
        let fresh = || Moments { first: w.zeros_like(), second: w.zeros_like(), steps: 0 };
        let Moments { first, second, steps } = self.state.moments.remove(name).unwrap_or_else(fresh);
        let t = steps + 1;
        let g = if h.gradient_scale == 1.0 { g } else { g * h.gradient_scale };
        let first = first * h.beta1 + g.clone() * (1.0 - h.beta1);
        let second = second * h.beta2 + g.square() * (1.0 - h.beta2);
        let rate = policy.learning_rate.unwrap_or(h.learning_rate) * h.factor;
        let decay = if decays { policy.weight_decay.unwrap_or(h.weight_decay) } else { 0.0 };
        let root = (second.clone() / (1.0 - h.beta2.powi(t))).sqrt() + h.epsilon;
        let change = first.clone() / root * (rate / (1.0 - h.beta1.powi(t)));
        let w = if decay == 0.0 { w } else { w * (1.0 - rate * decay) };
        self.state.moments.insert(name.into(), Moments { first, second, steps: t });
        w - change
    }
}
