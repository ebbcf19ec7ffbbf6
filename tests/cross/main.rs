//! What must hold across crates.

mod accumulation;
mod passes;
mod splits;
