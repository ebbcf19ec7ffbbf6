//! What stops a step: losses, gradients and updates that are not finite. Each is found where it begins, with its name.

use crate::trainer::Trained;
use std::collections::{BTreeMap, HashMap};
use tongues_kernel::burn::module::{Module, ModuleVisitor, Param, ParamId};
use tongues_kernel::burn::optim::GradientsParams;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Entry, Error, Result, values};

const REMEDY: &str = "nothing was changed by this step; lower the learning rate, add warm-up steps, or look at the texts of this step";

/// A tensor with entries that are not finite.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bad {
    tensor: String,
    count: usize,
    of: usize,
    first: f32,
    at: usize,
}

impl Bad {
    fn story(&self) -> String {
        let Self { count, of, first, at, .. } = self;
        format!("{count} of {of} entries (the first: {first} at {at}, counted row by row from 0)")
    }
}

/// Whether a tensor has entries that are not finite. One pass and one number where it has none.
pub(crate) fn bad_entries(name: &str, tensor: &Tensor<1>) -> Option<Bad> {
    if tongues_ops::all_finite(tensor.clone()) { None } else { bad_values(name, &values(tensor.clone())) }
}

fn bad_values(name: &str, all: &[f32]) -> Option<Bad> {
    let (at, first) = all.iter().enumerate().find(|(_, x)| !x.is_finite())?;
    let count = all.iter().filter(|x| !x.is_finite()).count();
    Some(Bad { tensor: name.into(), count, of: all.len(), first: *first, at })
}

/// A loss before its gradient is taken.
///
/// # Errors
/// It is not finite.
pub(crate) fn loss(step: usize, term: &str, value: f64) -> Result<()> {
    if value.is_finite() { Ok(()) } else { Err(Error::run(format!("step {step}, loss term `{term}`"), format!("the loss is {value}; {REMEDY}"))) }
}

/// Tensors after an update.
///
/// # Errors
/// One of them is not finite.
pub(crate) fn updated(step: usize, bad: Option<Bad>) -> Result<()> {
    let Some(bad) = bad else { return Ok(()) };
    Err(Error::run(format!("step {step}, {}", bad.tensor), format!("the update makes {} not finite; {REMEDY}", bad.story())))
}

/// Euclidean norms of gradients.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Norms {
    /// Of all together.
    pub(crate) all: f64,
    /// By group, a role or a part.
    pub(crate) groups: BTreeMap<String, f64>,
}

/// Norms before clipping, summed in the order of the parameters.
///
/// # Errors
/// A gradient is not finite; the first such tensor is named.
pub(crate) fn norms(step: usize, trained: &Trained, names: &[Entry], group: impl Fn(&str) -> String, grads: &GradientsParams) -> Result<Norms> {
    let names: HashMap<ParamId, &str> = names.iter().map(|e| (e.id, e.name.as_str())).collect();
    let mut squares = Squares { names, grads, group, all: 0.0, groups: BTreeMap::new(), bad: None };
    trained.visit(&mut squares);
    if let Some(bad) = squares.bad {
        let at = format!("step {step}, gradient of {}", bad.tensor);
        return Err(Error::run(at, format!("the loss is finite, but {} are not; {REMEDY}", bad.story())));
    }
    let groups = squares.groups.into_iter().map(|(name, sum)| (name, sum.sqrt())).collect();
    Ok(Norms { all: squares.all.sqrt(), groups })
}

struct Squares<'g, G> {
    names: HashMap<ParamId, &'g str>,
    grads: &'g GradientsParams,
    group: G,
    all: f64,
    groups: BTreeMap<String, f64>,
    bad: Option<Bad>,
}

impl<G: Fn(&str) -> String> ModuleVisitor for Squares<'_, G> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let (Some(gradient), None) = (self.grads.get::<D>(param.id), &self.bad) else { return };
        let name = self.names.get(&param.id).copied().unwrap_or("a tensor without a name");
        let mut sum = tongues_ops::square_sum(gradient.clone());
        if !sum.is_finite() {
            let all = values(gradient);
            self.bad = bad_values(name, &all);
            // Squares may leave f32 where the gradient itself does not.
            sum = all.iter().map(|x| f64::from(*x).powi(2)).sum();
        }
        self.all += sum;
        *self.groups.entry((self.group)(name)).or_default() += sum;
    }
}
