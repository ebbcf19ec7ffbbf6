//! The recipe as typed values. Doc comments here are the help, the schema and the book.

mod formats;
mod merge;
mod mixture;
mod models;
mod optimizer;
mod sources;
mod training;
mod variant;
mod world;

pub use formats::*;
pub use merge::{Merge, MergeModel, MergeRow, MergeRowKind, MergeRowOf, MergeSlice, MergeSource, MergeToken, MergeTokenizer, MergeWith};
pub use mixture::*;
pub use models::*;
pub use optimizer::*;
pub use sources::*;
pub use training::*;
pub use variant::{WorldOrder, WorldScript, WorldVariant};
pub use world::{WorldData, WorldKnobs, WorldSplit, WorldTask};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// A whole recipe.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Version of the recipe grammar; 1.
    #[schemars(range(min = 1, max = 1))]
    pub recipe: u32,
    /// Name of the run; part of the default output folder.
    pub name: String,
    /// One or two sentences for people; shown in the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The seed of every random draw.
    #[serde(default)]
    pub seed: u64,
    /// Languages of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Tokenizers, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tokenizers: BTreeMap<String, TokenizerDef>,
    /// Models to start from, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, ModelDef>,
    /// Data sets, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, DataDef>,
    /// How records become text, by name. `chat` is there without being written: the chat template of the model at work.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub formats: BTreeMap<String, FormatDef>,
    /// What is done, in order.
    #[schemars(length(min = 1))]
    pub stage: Vec<Stage>,
}

/// Languages of the job, as BCP-47-like tags such as `eng_Latn`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// The language the model knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The language it shall learn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// A plugin with its options: `{ use = "name", key = value, … }`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct PluginUse {
    /// The plugin's name; `tongues plugins` lists them.
    #[serde(rename = "use")]
    pub plugin: String,
    /// The plugin's own options; `tongues plugins NAME` documents them.
    #[serde(flatten)]
    pub options: Map<String, Json>,
}

/// One step of the recipe. Exactly one of `train`, `merge`, `evaluate`, `generate`, `export`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Name of the stage and of the model it makes.
    pub name: String,
    /// Expands the stage: `for = { r = [8, 16] }` makes `name-8` and `name-16`; `{r}` in any text below is replaced, `{prev}` by the name of the expansion before (`prev = ["base"]` says what the first starts from).
    #[serde(default, rename = "for", skip_serializing_if = "BTreeMap::is_empty")]
    pub sweep: BTreeMap<String, Vec<Json>>,
    /// Train a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<Train>,
    /// Merge models: `{ use = "linear", models = ["a", "b"], … }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<Merge>,
    /// Score models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluate: Option<Evaluate>,
    /// Write text with a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<Generate>,
    /// Write a model as one checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<Export>,
    /// Dtype of the checkpoint this stage writes; that of the checkpoint it started from where absent (float32 for a fresh model).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save_dtype: Option<SaveDtype>,
    /// Adapters attached before training, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-plugin" = "adapter"))]
    pub adapters: Vec<PluginUse>,
    /// What trains, and how; the first rule that matches a tensor wins. Without rules: with adapters only their parts (and new rows) train, without adapters everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<WeightRule>,
    /// What is minimised; several are summed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<ObjectiveUse>,
}

/// An objective with its options, and its own data where that is not the stage's.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ObjectiveUse {
    /// The objective plugin.
    #[serde(rename = "use")]
    #[schemars(extend("x-plugin" = "objective"))]
    pub plugin: String,
    /// What it is trained on, where that is not the stage's `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ref" = "data"))]
    pub data: Option<String>,
    /// How its records become text, where that is not the stage's `format`; an objective with `data` of its own has none but this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ref" = "format"))]
    pub format: Option<String>,
    /// The plugin's own options.
    #[serde(flatten)]
    pub options: Map<String, Json>,
}

impl ObjectiveUse {
    /// The format that its records are read through in a stage.
    pub fn format_in<'f>(&'f self, train: &'f Train) -> Option<&'f str> {
        let inherited = if self.data.is_none() { train.format.as_deref() } else { None };
        self.format.as_deref().or(inherited)
    }
}

fn default_true() -> bool {
    true
}

/// An evaluator with its data and its options.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct EvaluatorUse {
    /// The evaluator plugin.
    #[serde(rename = "use")]
    #[schemars(extend("x-plugin" = "evaluator"))]
    pub plugin: String,
    /// What is scored; left out for evaluators that look at weights alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ref" = "data"))]
    pub data: Option<String>,
    /// How its records become text: `chat`, or a name under `[formats]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ref" = "format"))]
    pub format: Option<String>,
    /// At most so many records, evenly spread; of every language, where scores are grouped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub limit: Option<usize>,
    /// So many worked examples before every prompt (lm-evaluation-harness: `num_fewshot`): records of the same language, never the record itself, as the format writes prompt and target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub shots: Option<usize>,
    /// The data set that examples are taken from (`fewshot_split`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ref" = "data"))]
    pub shots_from: Option<String>,
    /// Which examples; the first ones where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shots_order: Option<ShotsOrder>,
    /// What stands behind every example (`fewshot_delimiter`); an empty line where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shots_between: Option<String>,
    /// The plugin's own options.
    #[serde(flatten)]
    pub options: Map<String, Json>,
}

/// Which records stand before a prompt as examples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ShotsOrder {
    /// The first of the data, the same for every record.
    #[default]
    First,
    /// Drawn for every record from the seed and the record's id.
    Drawn,
}

impl EvaluatorUse {
    /// What the scores are of: the data, or the weights alone.
    pub fn subject(&self) -> &str {
        self.data.as_deref().unwrap_or("weights")
    }
}

/// Scores of models on data.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evaluate {
    /// Models and stages, in the order of the report; `*` matches any run of characters. The first is what the others are compared with.
    #[schemars(length(min = 1), extend("x-ref" = "model", "x-glob" = true))]
    pub models: Vec<String>,
    /// What is scored.
    #[schemars(length(min = 1))]
    pub on: Vec<EvaluatorUse>,
    /// `["language"]`: a score for every language of the data, and the mean of them (each language counts once); without it one score for all records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<GroupBy>,
}

/// What scores are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GroupBy {
    /// The language of records.
    Language,
}

/// Text written by a model.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Generate {
    /// The model or stage.
    #[schemars(extend("x-ref" = "model"))]
    pub model: String,
    /// Prompts, continued one by one; with a chat format each is a user's turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub prompts: Vec<String>,
    /// In place of prompts: a data set, whose records are continued up to their answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ref" = "data"))]
    pub data: Option<String>,
    /// At most so many of its records, evenly spread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub limit: Option<usize>,
    /// How prompts or records become text: `chat`, or a name under `[formats]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ref" = "format"))]
    pub format: Option<String>,
    /// The decoder: `{ use = "sampling", temperature = 0.8 }`.
    #[schemars(extend("x-plugin" = "decoder"))]
    pub decode: PluginUse,
    /// Strings that end a text wherever they appear in it; they are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop_strings: Vec<String>,
    /// Tokens that end a text, beside those that the checkpoint and the format name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop_token_ids: Vec<u32>,
    /// At most so many new tokens a prompt.
    #[serde(default = "default_new_tokens")]
    #[schemars(range(min = 1))]
    pub max_new_tokens: usize,
}

fn default_new_tokens() -> usize {
    64
}

/// A model written as one checkpoint.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// The model or stage.
    #[schemars(extend("x-ref" = "model"))]
    pub model: String,
    /// Fold adapters into the weights; an adapter that cannot be folded exactly is an error.
    #[serde(default = "default_true")]
    pub fold: bool,
}
