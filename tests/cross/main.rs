//! What must hold across crates.

mod accumulation;
mod splits;
