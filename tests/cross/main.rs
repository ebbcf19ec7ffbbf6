//! What must hold across crates.

mod accumulation;
mod chats;
mod splits;
