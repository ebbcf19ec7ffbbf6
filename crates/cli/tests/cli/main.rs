//! The command line as a user meets it: whole runs, and everything that can be wrong with what they give it.

mod bad_checkpoints;
mod bad_data;
mod bad_recipes;
mod certificates;
mod chats;
mod determinism;
mod dtypes;
mod encoders;
mod groups;
mod hub;
mod merges;
mod optimizers;
mod papers;
mod resume;
mod support;
mod talk;
mod tasks;
mod verbs;
