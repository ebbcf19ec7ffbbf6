//! What must hold across crates.

mod accumulation;
mod adapters;
mod batches;
mod chats;
mod choice;
mod curve;
mod decode;
mod families;
mod inserts;
mod loading;
mod memo;
mod merging;
mod optimizers;
mod packing;
mod passes;
mod pieces;
mod runs;
mod splits;
mod storage;
