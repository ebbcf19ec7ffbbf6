//! Small networks inserted at the sub-layers of a frozen one, by the keys and in the folders of AdapterHub's `adapters` package
//! (Poth et al. 2023, arXiv 2311.11077; keys and maths of version 1.3.0).
//!
//! [`Settings`] are the keys, [`Block`] is one inserted network, [`Inserts`] is the part with all of them, [`hub`] the folder.

mod block;
pub mod hub;
mod part;
mod projection;
mod settings;

pub use block::Block;
pub use part::{Inserts, attach, load};
pub use projection::{Projection, Rule};
pub use settings::{Scaling, Settings};
