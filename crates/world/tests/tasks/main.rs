//! The tasks of the world.

mod baselines;
mod facts;
mod labels;
mod promises;
mod reading;
