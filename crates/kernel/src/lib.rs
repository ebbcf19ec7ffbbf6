//! The kernel of `tongues`: the traits, the walk over named sites, parts, policies, records and the registry.
//!
//! It knows no method, no file format and no device.

mod answers;
mod backbone;
mod boxed;
mod cache;
mod context;
mod decoding;
mod draws;
pub mod erased;
mod error;
mod example;
mod format;
mod front;
mod hidden;
mod linear;
mod mask;
pub mod merging;
mod model;
mod objective;
mod part;
mod pass;
mod plugin_traits;
pub mod policy;
pub mod recompute;
mod record;
mod registry;
mod restore;
mod rolling;
pub mod schema;
pub mod score;
mod session;
mod site;
mod tokenizer;
mod weights;

pub use backbone::{Backbone, CloneBackbone, encode};
pub use cache::Cache;
pub use context::{Bare, Context, DataRef, ModelRef};
pub use decoding::{Decoder, DecoderUse, Generation, Limits, Request, check_requests};
pub use draws::Draws;
pub use erased::{Dyn, ErasedModule};
pub use error::{Error, Fault, Result, Story, nearest, refuse};
pub use example::{Batch, Example, Laid, Segment, Sequence, language_number};
pub use format::{Format, Formatted, Tally};
pub use front::Front;
pub use hidden::{Attention, Hidden, Input, Stream};
pub use linear::Linear;
pub use mask::{Mask, causal};
pub use merging::{MergeInput, MergeInputs, MergePlan, MergeSlice, MergeSource, Merged, Merger, Piece, Planned, Read, Setting, Settings, Slice};
pub use model::{Lineage, Model, Net};
pub use objective::{CloneObjective, Coupling, ExampleContext, Objective, Output, Run, Step, Term, Update};
pub use part::{At, Attached, ClonePart, Folded, Inner, InnerAttend, OnDisk, Part, Parts, View};
pub use pass::{Call, Notes, Pass};
pub use plugin_traits::{Adapter, Aggregate, Better, Curator, Evaluation, Evaluator, Family, Finding, Init, Item, PartFormat, SharedTokenizer, Sink};
pub use policy::{Policy, Selection, Trains};
pub use record::{InMemory, Name, Record, Records, Turn, Value};
pub use registry::{Alias, Built, Kind, Plugin, build, find, foreign, options, part_format, plugins};
pub use restore::{restore_some, restore_values};
pub use rolling::{Likelihood, Rolling, windows};
pub use session::Session;
pub use site::{Role, Site, SiteInfo, SitePattern, Spec, Stack, Stored};
pub use tokenizer::Tokenizer;
pub use weights::{Entry, Tensors, Visit, Weights, entries, for_each_value, put, values};

pub use {burn, inventory, schemars};
