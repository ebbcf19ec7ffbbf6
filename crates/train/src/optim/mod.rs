//! Optimisers: one file each, behind one trait over one tensor. Which entries train is not their business.

mod adafactor;
mod adamw;
mod choice;
mod lion;
mod muon;
mod saved;
mod state;
mod update;

pub use adafactor::Adafactor;
pub use adamw::AdamW;
pub use choice::{Optimizer, Optimizers};
pub use lion::Lion;
pub use muon::{AdjustLr, Muon};
pub(crate) use saved::{Place, load, save};
pub use state::State;
pub(crate) use update::{Rates, States, Stepped, step, trained_shape};

use tongues_kernel::burn::prelude::*;

/// An optimiser of one tensor.
pub trait Method {
    /// Its word in recipes; also in the names of saved states.
    fn name(&self) -> &'static str;

    /// Names and shapes of what it keeps for a tensor of this shape; all of it begins as zeros, in f32.
    fn slots(&self, shape: &[usize]) -> Vec<(&'static str, Vec<usize>)>;

    /// The tensor after one step. `state.steps` already counts this step; the slots are replaced.
    fn update(&self, seen: Seen<'_>, state: &mut State) -> Tensor<1>;
}

/// One tensor at one step.
pub struct Seen<'s> {
    /// Its shape; of rows that train alone, theirs.
    pub shape: &'s [usize],
    /// Its values, flat.
    pub weights: Tensor<1>,
    /// Its gradient, flat, after clipping.
    pub gradient: Tensor<1>,
    /// The learning rate of this step.
    pub rate: f64,
    /// Weight decay, per unit of learning rate; 0 for vectors.
    pub decay: f64,
}

/// Decoupled weight decay (Loshchilov and Hutter 2019): weights shrink by `rate · decay`, whatever the gradient says.
fn decayed(weights: Tensor<1>, rate: f64, decay: f64) -> Tensor<1> {
    if decay == 0.0 { weights } else { weights * (1.0 - rate * decay) }
}
