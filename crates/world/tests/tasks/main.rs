//! The tasks of the world.

mod baselines;
mod labels;
mod promises;
mod reading;
