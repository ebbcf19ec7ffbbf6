//! Saved values put back into parameters.

use crate::weights::{Path, Tensors, entries, put, track_path};
use crate::{Result, refuse};
use burn::module::{Module, ModuleMapper, Param};
use burn::prelude::*;

/// Puts saved values back into every float parameter of a module; the counterpart of [`for_each_value`]. Identities, devices
/// and what trains stay as they are.
///
/// # Errors
/// A parameter without saved values or of another shape, or saved values without a parameter.
pub fn restore_values<M: Module>(module: &mut M, prefix: &str, saved: &Tensors) -> Result<()> {
    let here = entries(module, prefix);
    if let Some(entry) = here.iter().find(|e| !saved.contains_key(&e.name)) {
        return refuse(&entry.name, "a saved tensor of this name", "none", "the saved state is of another configuration");
    }
    restore_some(module, prefix, saved)
}

/// The same for a part of the parameters: those without saved values stay as they are.
///
/// # Errors
/// Saved values without a parameter, or of another shape.
pub fn restore_some<M: Module>(module: &mut M, prefix: &str, saved: &Tensors) -> Result<()> {
    let here = entries(module, prefix);
    for (name, (shape, values)) in saved {
        match here.iter().find(|e| e.name == *name) {
            Some(entry) if *shape == entry.shape && values.len() == shape.iter().product::<usize>() => {}
            Some(entry) => {
                return refuse(name, format!("values of shape {:?}", entry.shape), format!("{shape:?}"), "the saved state is of another configuration");
            }
            None => return refuse(name, "a parameter of this name", "none", "the saved state is of another configuration"),
        }
    }
    let mut mapper = Restorer { path: Path::new(prefix), saved };
    replace_with::replace_with_or_abort(module, |module| module.map(&mut mapper));
    Ok(())
}

struct Restorer<'s> {
    path: Path,
    saved: &'s Tensors,
}

impl ModuleMapper for Restorer<'_> {
    track_path!();
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some((shape, values)) = self.saved.get(&self.path.joined()) else { return param };
        let old = param.val();
        let data = TensorData::new(values.clone(), shape.clone());
        put(param, Tensor::from_data(data, &old.device().without_autodiff()))
    }
}
