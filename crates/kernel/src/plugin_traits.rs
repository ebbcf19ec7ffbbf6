//! The kinds of plugins that are not modules: adapters, evaluators, curators, families.

use crate::{Backbone, Context, Draws, Finding, Format, Model, OnDisk, Record, Records, Result, Tokenizer};
use burn::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A backbone family: makes networks from a Hugging Face configuration.
pub trait Family: Send + Sync {
    /// A network with fresh parameters of this configuration (the plugin's options, with `vocab_size` filled in).
    ///
    /// # Errors
    /// The configuration contradicts itself.
    fn build(&self, init: &Init) -> Result<Box<dyn Backbone>>;
}

/// How a network gets its first parameters.
#[derive(Clone, Debug)]
pub struct Init {
    /// Where.
    pub device: Device,
    /// Draws of the initial values; `None` where a checkpoint will replace every tensor.
    pub draws: Option<Draws>,
}

/// Changes a model before it trains: adds parts, policies, rows, vocabularies.
pub trait Adapter: Send + Sync {
    /// Changes the model.
    ///
    /// # Errors
    /// The model has no place for it.
    fn attach(&self, model: &mut Model, cx: &mut dyn Context) -> Result<()>;
}

/// What an evaluator gets.
pub struct Evaluation<'e> {
    /// The model.
    pub model: &'e Model,
    /// What is scored.
    pub data: &'e dyn Records,
    /// How records become text, where the recipe says it; given only to evaluators that take one.
    pub format: Option<&'e dyn Format>,
    /// The surroundings.
    pub cx: &'e mut dyn Context,
}

/// Scores models.
pub trait Evaluator: Send + Sync {
    /// Scores.
    ///
    /// # Errors
    /// The data lacks a field, or is empty.
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>>;
    /// Reads records through a format where one is given; the others refuse it.
    fn takes_format(&self) -> bool {
        false
    }
    /// A record of the data as an example that shows its right answer, with every field that the evaluator adds for formats.
    ///
    /// # Errors
    /// The record does not tell its right answer.
    fn example(&self, record: &Record) -> Result<Record> {
        Ok(record.clone())
    }
    /// Scores data, not weights alone.
    fn needs_data(&self) -> bool {
        true
    }
    /// The score does not depend on the model: it is computed once a data set.
    fn ignores_model(&self) -> bool {
        false
    }
}

/// What a curator decides record by record.
#[derive(Debug, Default)]
pub struct Sink {
    /// Kept records.
    pub kept: Vec<Record>,
    /// Dropped records per rule.
    pub dropped: BTreeMap<String, usize>,
}

impl Sink {
    /// Keeps a record.
    pub fn keep(&mut self, record: Record) {
        self.kept.push(record);
    }
    /// Drops a record under the name of the rule that did it.
    pub fn drop(&mut self, rule: &str) {
        *self.dropped.entry(rule.into()).or_default() += 1;
    }
}

/// Chooses and changes records.
pub trait Curator: Send + Sync {
    /// Reads the input, as often as it likes, and fills the sink.
    ///
    /// # Errors
    /// A record cannot be read or lacks a field.
    fn curate(&self, input: &dyn Records, out: &mut Sink, cx: &mut dyn Context) -> Result<()>;
}

/// Reads a kind of adapter folder back into a model.
#[derive(Clone, Copy)]
pub struct PartFormat {
    /// `peft_type` in `adapter_config.json`.
    pub peft_type: &'static str,
    /// Attaches the parts.
    pub load: fn(&OnDisk, name: &str, &mut Model) -> Result<()>,
}
inventory::collect!(PartFormat);

/// The tokenizer behind an `Arc`, as models hold it.
pub type SharedTokenizer = Arc<dyn Tokenizer>;
