//! What a recipe starts from: tokenizers and data sets.

use super::WorldData;
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
    /// Special tokens beside `<s>`, `</s>` and `<pad>`, which come first: `["<mask>"]` for an encoder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1)))]
    pub special: Vec<String>,
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
