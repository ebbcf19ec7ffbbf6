//! Models to start from: which checkpoint, which of its tensors, in which dtype.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// A model to start from: a checkpoint on disk, or a fresh one.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelDef {
    /// A Hugging Face model folder (config.json, safetensors, tokenizer.json), or `hf:org/name` or `hf:org/name@revision`: from the local hub cache, fetched where it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// A fresh model: `{ use = "llama", tokenizer = "t", hidden_size = 128, … }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scratch: Option<Scratch>,
    /// In which dtype the checkpoint's matrices are kept in memory; what trains is kept in 32-bit floats whatever stands here.
    #[serde(default, skip_serializing_if = "LoadDtype::is_auto")]
    pub dtype: LoadDtype,
    /// Blocks taken from the checkpoint, in order, counted from 0: `"0..8"`, or a list such as `[0, 2, 4]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Blocks>,
    /// Tensors taken from other checkpoints: `[{ from = "other", tensors = "model.embed_tokens.*" }]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load: Vec<LoadRule>,
    /// Tensors that are drawn anew instead of read; `*` matches any run of characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fresh: Vec<String>,
    /// Leave out tensors of the checkpoint that its configuration does not explain; the report names them. An error otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_unused: bool,
    /// PEFT adapter folders (or `hf:org/name`) put on top, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adapters: Vec<String>,
}

/// Blocks of a network.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Blocks {
    /// From the first number to the one before the second: `"0..8"`.
    Range(#[schemars(regex(pattern = r"^[0-9]+\.\.[0-9]+$"))] String),
    /// One by one; a block may come several times.
    List(Vec<usize>),
}

impl Blocks {
    /// Their numbers.
    pub fn numbers(&self) -> Vec<usize> {
        match self {
            Self::List(list) => list.clone(),
            Self::Range(text) => {
                let ends = text.split_once("..").and_then(|(a, b)| Some((a.parse::<usize>().ok()?, b.parse::<usize>().ok()?)));
                // The schema holds the form; numbers beyond any network give none, which is refused when the model is read.
                ends.map_or_else(Vec::new, |(a, b)| (a..b.min(a + 10_000)).collect())
            }
        }
    }
}

/// Tensors of another checkpoint.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadRule {
    /// The other checkpoint: a folder, or `hf:org/name`.
    pub from: String,
    /// Its tensors; `*` matches any run of characters.
    pub tensors: String,
    /// What stands here for the text before the first `*` there; names stay where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
}

/// A dtype in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LoadDtype {
    /// As the files have them: bfloat16 and float16 take half of the memory of float32, and one token at a time is read faster.
    #[default]
    Auto,
    /// 32-bit floats.
    Float32,
    /// bfloat16.
    Bfloat16,
    /// IEEE half precision.
    Float16,
    /// 8-bit integers with one scale for 32 neighbours, for the projections: a quarter of float32, weights rounded. For adapters on a frozen base; these weights cannot train, fold or be written.
    Int8,
}

impl LoadDtype {
    fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// The dtype of a written checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SaveDtype {
    /// 32-bit floats.
    Float32,
    /// bfloat16.
    Bfloat16,
    /// IEEE half precision.
    Float16,
}

/// A fresh model: the family, its tokenizer, and the family's config keys.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Scratch {
    /// The backbone plugin.
    #[serde(rename = "use")]
    #[schemars(extend("x-plugin" = "backbone"))]
    pub plugin: String,
    /// Its tokenizer: a name under `[tokenizers]`, or a model or stage whose tokenizer is taken.
    #[schemars(extend("x-ref" = "tokenizer"))]
    pub tokenizer: String,
    /// The family's own keys.
    #[serde(flatten)]
    pub options: Map<String, Json>,
}
