//! How records become text to learn from and to continue.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A format: a chat template, or a `prompt` and a `target` of your own.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormatDef {
    /// What is asked: a Jinja template over the record's fields, e.g. `"Translate to {{ language }}.\n{{ source }}\n"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// What is answered and learned: a template as `prompt` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `true` for the chat template of the model at work, or a file that holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<Chat>,
    /// System turn for conversations that have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The day that chat templates may ask for, e.g. `"2025-01-31"`; where absent they take their own default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// What carries loss; where absent `assistant` for chats, `target` otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<FormatLoss>,
    /// What is done with records that are longer than a row; all but `refuse` are counted and told.
    #[serde(default)]
    pub truncate: TruncateRule,
}

impl FormatDef {
    /// The chat template of the model at work.
    pub fn own_chat() -> Self {
        Self { chat: Some(Chat::Own(true)), ..Self::default() }
    }
}

/// Where a chat template comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Chat {
    /// The model's own.
    Own(bool),
    /// A file.
    File(String),
}

/// What carries loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FormatLoss {
    /// The target; of a chat, the last turn of the assistant.
    Target,
    /// Everything.
    All,
    /// Every turn of the assistant, with the token that ends it.
    Assistant,
}

/// What is done with a record that is too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TruncateRule {
    /// An error.
    #[default]
    Refuse,
    /// It is left out.
    Drop,
    /// What comes before the last answer loses its beginning; where that is not enough, the answer its end.
    CutLeft,
    /// It loses its end.
    CutRight,
}
