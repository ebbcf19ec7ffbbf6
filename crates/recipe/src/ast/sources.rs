//! What a recipe starts from: tokenizers and data sets.

use super::{Caps, Mix, MixStop, PluginUse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A tokenizer: a file, or trained from text.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenizerDef {
    /// A `tokenizer.json`, or a folder or `hf:org/name` that holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Train one from text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<TokenizerTraining>,
}

/// How a tokenizer is trained.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenizerTraining {
    /// The algorithm.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// Entries of the vocabulary, special tokens included.
    #[schemars(range(min = 260))]
    pub size: usize,
    /// The data set it is trained on (`name` or `name.train`).
    #[schemars(extend("x-ref" = "data"))]
    pub data: String,
}

/// Subword algorithm. Both cover every byte, so that no text becomes an unknown token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Byte-level byte-pair encoding.
    #[default]
    Bpe,
    /// Unigram language model with byte fallback.
    Unigram,
}

/// A data set: a file, a synthetic language, or a mixture of others.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataDef {
    /// A file: .tsv, .txt, .csv, .jsonl or .conll (UTF-8), or .parquet. With `languages` it holds `{language}` in the place where the files differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A synthetic language; no file needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub world: Option<WorldData>,
    /// A mixture of other data sets: shares by name, or a list of names with shares by size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mix: Option<Mix>,
    /// For a mixture: shares become `share^(1/temperature)`; 1 leaves them, larger values even them out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub temperature: Option<f64>,
    /// For a mixture: exactly so many examples of every member a pass, instead of shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub each: Option<usize>,
    /// For a mixture: at most so many records of a member, evenly spread; one number for all, or by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caps: Option<Caps>,
    /// For a mixture: when a pass ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<MixStop>,
    /// The file's format, where its ending does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<FileFormat>,
    /// Names of the columns of a .tsv or .csv without header, e.g. `["id", "text"]`; of a .jsonl or .parquet the keys to keep. The column `text` is the text, `id` names the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// What the keys of a .jsonl or .parquet mean.
    #[serde(default, skip_serializing_if = "Layout::is_auto")]
    pub layout: Layout,
    /// Language tag of every record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Several files of one kind, one a language: tags such as `["eus_Latn", "swh_Latn"]`, or `{ eus_Latn = "eu", swh_Latn = "sw" }` where files write them otherwise. Each takes the place of `{language}` in `path`, is the language of that file's records, and stands before their ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub languages: Option<Languages>,
    /// Only the first so many records; of every file, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub limit: Option<usize>,
    /// Curators, in order, before the split.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-plugin" = "curator"))]
    pub curate: Vec<PluginUse>,
    /// Curate anew for every pass over the data, with draws of that pass; for curators that sample.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recurate: bool,
    /// Cut it into `name.train`, `name.dev` and `name.test`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
}

impl DataDef {
    /// The files of a data set, each with its language where it has one of its own.
    pub fn files(&self) -> Vec<(Option<&str>, String)> {
        let Some(path) = &self.path else { return vec![] };
        let Some(languages) = &self.languages else { return vec![(None, path.clone())] };
        languages.pairs().into_iter().map(|(tag, word)| (Some(tag), path.replace("{language}", word))).collect()
    }
}

/// The languages of a data set with a file each.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Languages {
    /// Tags, which the files' names hold.
    Tags(Vec<String>),
    /// What the files' names hold, by tag.
    Words(BTreeMap<String, String>),
}

impl Languages {
    /// Tags with what stands in the files' names, in order.
    pub fn pairs(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Tags(tags) => tags.iter().map(|tag| (tag.as_str(), tag.as_str())).collect(),
            Self::Words(words) => words.iter().map(|(tag, word)| (tag.as_str(), word.as_str())).collect(),
        }
    }
}

/// File formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileFormat {
    /// Tab-separated; two columns without header are `id` and `text`, one is `text`.
    Tsv,
    /// One record a line.
    Txt,
    /// Comma-separated, RFC 4180 quoting.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Apache Parquet (snappy, gzip or zstd).
    Parquet,
    /// A token a line with its tag, an empty line behind every sentence; fields `tokens`, `tags` and `text`.
    Conll,
}

/// Layouts of instruction data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Told by the keys of each record.
    #[default]
    Auto,
    /// Every key is a field of its own.
    Text,
    /// `messages`, a list of `role` and `content`.
    Messages,
    /// `conversations`, a list of `from` (human, gpt, system) and `value`.
    Sharegpt,
    /// `instruction`, `input` and `output`; the input goes on a line below the instruction.
    Alpaca,
    /// `prompt` and `completion`, as texts or turns.
    PromptCompletion,
    /// `prompt`, `chosen` and `rejected`, as texts or turns.
    Preference,
}

impl Layout {
    fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// Sentences of a synthetic language.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorldData {
    /// The language. From near to far: `pivot`, `kindred`, `derived`, `distant`, `remote`.
    #[schemars(extend("enum" = ["pivot", "kindred", "derived", "distant", "remote"]))]
    pub language: String,
    /// Items of a task with gold answers instead of sentences. Fields by task: `lm` text; `translation` source, target; `qa` question,
    /// answer; `arithmetic` problem, chain, answer, number; `nli` premise, hypothesis, label; `slots` text, tokens, tags, spans; `intent` text, label;
    /// `retrieval` query, positive, negatives; `instruction` prompt, response; `preference` prompt, chosen, rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<WorldTask>,
    /// How hard the task is: `entities`, `steps`, `largest` (arithmetic), `clauses` (slots, intent, nli), `negatives` (retrieval),
    /// `facts`, `stated`, `stated_held_out` (lm, qa), `borrowed_permille` (lm, translation), `source` (translation).
    #[serde(default, skip_serializing_if = "WorldKnobs::is_default")]
    pub knobs: WorldKnobs,
    /// Which part of the meanings; parts never share a meaning.
    #[serde(default)]
    pub split: WorldSplit,
    /// How many sentences, or items of the task.
    #[schemars(range(min = 1))]
    pub sentences: usize,
    /// The world's own seed; the recipe's seed where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// Tasks of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorldTask {
    /// Documents that also state facts.
    Lm,
    /// Sentences in two languages.
    Translation,
    /// Questions about facts that documents state.
    Qa,
    /// Word problems of several steps.
    Arithmetic,
    /// Entailment, neutral or contradiction.
    Nli,
    /// Who does what to whom.
    Slots,
    /// What the speaker wants.
    Intent,
    /// A query, its text, and others.
    Retrieval,
    /// Changes of a sentence, in order.
    Instruction,
    /// The same with a wrong response.
    Preference,
}

/// How hard a task is; what is absent has the task's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorldKnobs {
    /// Who owns something, 2 to 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entities: Option<u32>,
    /// What happens, or changes in a row, 1 to 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// The largest number, 9 to 99.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest: Option<u32>,
    /// Clauses of a text, 2 to 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clauses: Option<u32>,
    /// Wrong candidates, 1 to 15.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negatives: Option<u32>,
    /// Facts of the world, 10 to 10000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<u32>,
    /// Which of the facts asked in train this language states: from the first to before the second, of 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stated: Option<[u32; 2]>,
    /// Which of the facts asked in dev and test this language states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stated_held_out: Option<[u32; 2]>,
    /// Permille of texts that are those of other tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub borrowed_permille: Option<u32>,
    /// The language of the source of a translation; the pivot where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl WorldKnobs {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Parts of the world's meanings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorldSplit {
    /// For training.
    #[default]
    Train,
    /// For development.
    Dev,
    /// For testing.
    Test,
}

/// How a data set is cut. No text of the training part is in the others; such records are dropped and counted.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// What stays together.
    #[serde(default)]
    pub by: SplitBy,
    /// Share of the development part.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 0.9))]
    pub dev: f64,
    /// Share of the test part.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 0.9))]
    pub test: f64,
    /// Lines of a block, for `by = "block"`.
    #[serde(default = "default_block")]
    #[schemars(range(min = 1))]
    pub block: usize,
}

fn default_block() -> usize {
    20
}

/// What stays together in a split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SplitBy {
    /// Chapters where every id has a chapter, blocks of lines otherwise; the report says which.
    #[default]
    Auto,
    /// Records whose ids agree up to the last dot (`b.MAT.1.3` lies in `b.MAT.1`).
    Chapter,
    /// Runs of `block` lines.
    Block,
    /// Single records.
    Record,
}
