//! What a stage merges.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use tongues_kernel::Settings;

/// Models merged by a merger plugin. A setting that may differ by model (`weight`, `density`, …) is a number, a gradient over the layers
/// (`[0.2, 0.8]`), or a list of `{ filter = "mlp", value = … }` by the names of tensors; it stands with a model, with a slice, or here.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Merge {
    /// The merger plugin.
    #[serde(rename = "use")]
    #[schemars(extend("x-plugin" = "merger"))]
    pub plugin: String,
    /// Models and stages, whole; a table where one has settings of its own: `{ model = "a", parameters = { weight = 0.3 } }`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<MergeModel>,
    /// The model that changes are counted from, for the methods that merge changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-ref" = "model"))]
    pub base_model: Option<String>,
    /// Instead of `models`: layers of models that become the layers of the result, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<MergeSlice>,
    /// Where models have unequal tokenizers: whose vocabulary the result has. "base", "union" (all tokens of all models), or one of the
    /// models. Rows of embeddings and head follow their tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenizer_source: Option<String>,
    /// The same with rules for single tokens, instead of `tokenizer_source`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<MergeTokenizer>,
    /// The chat template of the result: a template, or "auto" for the one that most of the models have. The tokenizer's own where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_template: Option<String>,
    /// What the merge may hold in memory, such as "4GB"; more is an error before it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]+(\.[0-9]+)? ?(KB|MB|GB|TB)$"))]
    pub memory: Option<String>,
    /// The plugin's own options.
    #[serde(flatten)]
    pub options: Map<String, Json>,
}

/// One of the models of a merge.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum MergeModel {
    /// Its name.
    #[schemars(extend("x-ref" = "model"))]
    Name(String),
    /// With settings of its own.
    With(MergeWith),
}

/// A model with settings of its own.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeWith {
    /// The model or stage.
    #[schemars(extend("x-ref" = "model"))]
    pub model: String,
    /// Its settings.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub parameters: Settings,
}

/// The vocabulary of the result.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeTokenizer {
    /// "union", "base", or one of the models.
    #[serde(default = "union")]
    pub source: String,
    /// Tokens whose rows come from elsewhere.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tokens: BTreeMap<String, MergeToken>,
    /// Rows are added until their number is a multiple of this; they are the mean of the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 1))]
    pub pad_to_multiple_of: Option<usize>,
}

fn union() -> String {
    "union".into()
}

/// Where the row of a token comes from.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeToken {
    /// A model that has the token, or a table.
    pub source: MergeRow,
    /// Also for models that have the token themselves.
    #[serde(default)]
    pub force: bool,
}

/// The source of a row.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum MergeRow {
    /// The token's row in a model.
    Model(String),
    /// Something else.
    Other(MergeRowOf),
}

/// Zeros, or the row of a token of a model.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeRowOf {
    /// Which of the two.
    pub kind: MergeRowKind,
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Its id, instead of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_id: Option<usize>,
}

/// The kinds of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MergeRowKind {
    /// Zeros.
    Zero,
    /// The row of a token of a model.
    ModelToken,
}

/// Layers that become layers of the result.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeSlice {
    /// Equally many layers of one or more models, merged with each other.
    #[schemars(length(min = 1))]
    pub sources: Vec<MergeSource>,
    /// Settings of the slice.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub parameters: Settings,
}

/// Layers of a model.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeSource {
    /// The model or stage.
    #[schemars(extend("x-ref" = "model"))]
    pub model: String,
    /// The first layer, and the one behind the last; counted from 0.
    pub layer_range: [usize; 2],
    /// Settings of the model in this slice.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub parameters: Settings,
}

impl MergeModel {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::With(with) => &with.model,
        }
    }

    /// Its own settings.
    pub fn settings(&self) -> Settings {
        match self {
            Self::Name(_) => Settings::new(),
            Self::With(with) => with.parameters.clone(),
        }
    }
}

impl Merge {
    /// Every model once, in the order in which they are named; the base last where it is not among the others.
    pub fn names(&self) -> Vec<&str> {
        let sources = self.slices.iter().flat_map(|s| &s.sources).map(|s| s.model.as_str());
        let all = self.models.iter().map(MergeModel::name).chain(sources).chain(self.base_model.as_deref());
        let mut names: Vec<&str> = vec![];
        for name in all {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// `memory` in bytes.
    pub fn memory_bytes(&self) -> Option<u64> {
        let text = self.memory.as_deref()?;
        let (number, unit) = text.split_at(text.len().checked_sub(2)?);
        let scale = match unit {
            "KB" => 1e3,
            "MB" => 1e6,
            "GB" => 1e9,
            "TB" => 1e12,
            _ => return None,
        };
        Some((number.trim().parse::<f64>().ok()? * scale) as u64)
    }
}
