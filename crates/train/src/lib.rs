//! The training loop: examples become rows, rows become batches, batches become updates.
//!
//! A step's gradient is a sum over its micro-batches divided by denominators known for the whole step, so accumulation
//! changes memory and nothing else.

mod adamw;
mod feed;
mod schedule;
mod trainer;

pub use adamw::{AdamW, Hyper};
pub use feed::Feed;
pub use schedule::{Shape, factor};
pub use trainer::{Options, StepReport, Trained, Trainer};
