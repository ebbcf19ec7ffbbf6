//! The training loop: examples become rows, rows become batches, batches become updates.
//!
//! A step's gradient is a sum over its micro-batches divided by denominators known for the whole step, so accumulation
//! changes memory and nothing else.

mod feed;
mod guard;
mod optim;
mod position;
mod schedule;
mod trainer;

pub use feed::{Cursor, Feed, Fixed, Layout, Mixture, Pool, Rows, Size, Source, Stop, Uniform};
pub use optim::{Adafactor, AdamW, AdjustLr, Lion, Method, Muon, Optimizer, Optimizers, Seen, State};
pub use position::{Position, changing, restore};
pub use schedule::{Shape, factor};
pub use trainer::{Options, StepReport, Trained, Trainer};
