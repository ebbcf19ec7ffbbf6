//! Reading and changing parameters by name.

use std::collections::BTreeMap;
use tongues_kernel::burn::module::{ModuleMapper, Param, ParamId};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::policy::tensor_names;
use tongues_kernel::{Draws, Entry, Model, for_each_value, put, values};

/// The values of all tensors whose name begins so; everything for an empty prefix.
///
/// # Panics
/// Never for a model that was built.
pub fn snapshot(model: &Model, prefix: &str) -> BTreeMap<String, Vec<f32>> {
    let mut found = BTreeMap::new();
    let mut keep = |name: &str, _: &[usize], values: Vec<f32>| {
        if name.starts_with(prefix) {
            found.insert(name.to_owned(), values);
        }
        Ok(())
    };
    for_each_value(&model.net.backbone, "", &mut keep).expect("reading keeps");
    for attached in model.net.parts.list() {
        for_each_value(&attached.part, &format!("parts.{}", attached.name), &mut keep).expect("reading keeps");
    }
    found
}

/// Entries of the tensors whose name begins so.
pub(crate) fn named(model: &Model, prefix: &str) -> Vec<Entry> {
    tensor_names(model).into_iter().filter(|e| e.name.starts_with(prefix)).collect()
}

/// Gives every tensor whose name begins so fresh values from N(0, std²).
pub fn randomise(model: &mut Model, prefix: &str, std: f64, draws: Draws) {
    for entry in named(model, prefix) {
        let fresh = draws.stream("randomise").stream(&entry.name).normal(entry.shape.iter().product());
        let fresh: Vec<f32> = fresh.into_iter().map(|x| (f64::from(x) * std) as f32).collect();
        model.map_net(&mut Replace { id: entry.id, change: &mut |_| fresh.clone() });
    }
}

/// Adds `by` to one entry of a tensor.
pub fn disturb(model: &mut Model, id: ParamId, index: usize, by: f32) {
    let mut change = |mut values: Vec<f32>| {
        values[index] += by;
        values
    };
    model.map_net(&mut Replace { id, change: &mut change });
}

struct Replace<'c> {
    id: ParamId,
    change: &'c mut dyn FnMut(Vec<f32>) -> Vec<f32>,
}

impl ModuleMapper for Replace<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if param.id != self.id {
            return param;
        }
        let old = param.val().without_autodiff();
        let (shape, device) = (old.dims(), old.device());
        let new = (self.change)(values(old));
        put(param, Tensor::from_data(TensorData::new(new, shape), &device))
    }
}
