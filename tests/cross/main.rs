//! What must hold across crates.

mod accumulation;
mod chats;
mod curve;
mod families;
mod loading;
mod optimizers;
mod packing;
mod passes;
mod pieces;
mod splits;
mod storage;
