//! What an optimiser keeps for one tensor.

use super::Method;
use tongues_kernel::burn::prelude::*;

/// One named piece of a state, flat.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) name: &'static str,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Tensor<1>,
}

/// The state of one tensor. Cloning shares the values.
#[derive(Clone, Debug)]
pub struct State {
    pub(crate) method: &'static str,
    pub(crate) steps: u64,
    pub(crate) slots: Vec<Slot>,
}

impl State {
    /// Zeros, before the first step.
    pub fn fresh(method: &dyn Method, shape: &[usize], device: &Device) -> Self {
        let slot = |(name, shape): (&'static str, Vec<usize>)| {
            let values = Tensor::zeros([shape.iter().product::<usize>()], device);
            Slot { name, shape, values }
        };
        Self { method: method.name(), steps: 0, slots: method.slots(shape).into_iter().map(slot).collect() }
    }

    /// Steps that were taken.
    pub fn steps(&self) -> i32 {
        i32::try_from(self.steps).unwrap_or(i32::MAX)
    }

    /// The values of a slot.
    pub(crate) fn get(&self, index: usize) -> Tensor<1> {
        self.slots[index].values.clone()
    }

    /// The values of a slot, which must be set afterwards: nobody else holds them then, and they can change in place.
    pub(crate) fn take(&mut self, index: usize) -> Tensor<1> {
        let slot = &mut self.slots[index];
        let device = slot.values.device();
        std::mem::replace(&mut slot.values, Tensor::zeros([0], &device))
    }

    /// Replaces the values of a slot.
    pub(crate) fn set(&mut self, index: usize, values: Tensor<1>) {
        self.slots[index].values = values;
    }
}
