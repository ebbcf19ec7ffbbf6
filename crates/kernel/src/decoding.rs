//! Decoders: what continues texts, what they are asked, what they give.

use crate::{Built, Context, Error, Kind, Model, Name, Result, Tokenizer, build, refuse};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A text to continue.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Stable name: draws depend on it.
    pub id: u64,
    /// Token ids; not empty.
    pub prompt: Vec<u32>,
    /// A number under a name, for parts that read columns (language, task, expert).
    pub columns: BTreeMap<Name, i64>,
}

/// When to stop.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// At most so many new tokens a request.
    pub max_new_tokens: usize,
    /// Tokens that end a text.
    pub stop: Vec<u32>,
    /// Strings that end a text, wherever they appear in it.
    pub strings: Vec<String>,
}

impl Limits {
    /// The text up to the first stop string, which is left out.
    pub fn cut<'t>(&self, text: &'t str) -> &'t str {
        let end = self.strings.iter().filter_map(|stop| text.find(stop.as_str())).min();
        &text[..end.unwrap_or(text.len())]
    }

    /// Whether what was written holds a stop string.
    ///
    /// # Errors
    /// An id lies outside the tokenizer's vocabulary.
    pub fn is_met(&self, tokenizer: &dyn Tokenizer, written: &[u32]) -> Result<bool> {
        if self.strings.is_empty() {
            return Ok(false);
        }
        let text = tokenizer.decode(written)?;
        Ok(self.cut(&text).len() < text.len())
    }
}

/// A continued text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Generation {
    /// New tokens, without the stop token; where a stop string ended the text, up to the token that completed it.
    pub ids: Vec<u32>,
    /// Log-probability of each under the model that wrote it.
    pub scores: Vec<f32>,
    /// A stop token or a stop string was reached.
    pub stopped: bool,
    /// What the decoder ranked texts by, where it did.
    pub rank: Option<f64>,
    /// The next best texts, best first, where the decoder was asked for several.
    pub others: Vec<Generation>,
}

/// Continues texts.
pub trait Decoder: Send + Sync {
    /// Continues every request.
    ///
    /// # Errors
    /// A prompt is empty or too long.
    fn decode(&self, cx: &mut dyn Context, requests: &[Request], limits: &Limits) -> Result<Vec<Generation>>;
}

/// Checks prompts against a model; returns how many tokens prompt and text may have together.
///
/// # Errors
/// A prompt is empty, or longer than the model's positions.
pub fn check_requests(model: &Model, requests: &[Request]) -> Result<usize> {
    let room = match model.spec().max_positions {
        0 => usize::MAX,
        positions => positions,
    };
    for request in requests {
        let place = format!("request {}", request.id);
        if request.prompt.is_empty() {
            return refuse(place, "a prompt of at least one token", "none", "begin with the begin-of-sequence token");
        }
        if request.prompt.len() > room {
            return refuse(place, format!("a prompt of at most {room} tokens (the model's positions)"), request.prompt.len(), "shorten the prompt");
        }
    }
    Ok(room)
}

/// A decoder that another plugin uses; an option of this type is written `{ use = "name", … }` and checked before anything runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecoderUse {
    /// Its name.
    #[serde(rename = "use")]
    pub plugin: String,
    /// Its options.
    #[serde(flatten)]
    pub options: Map<String, Json>,
}

impl JsonSchema for DecoderUse {
    fn schema_name() -> Cow<'static, str> {
        "DecoderUse".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let properties = json_schema!({ "use": { "type": "string", "description": "The decoder's name; `tongues plugins` lists them." } });
        json_schema!({ "type": "object", "properties": properties, "required": ["use"], "additionalProperties": true, "x-plugin": "decoder" })
    }
}

impl DecoderUse {
    /// The decoder.
    ///
    /// # Errors
    /// There is none of that name, or its options are wrong.
    pub fn build(&self, cx: &mut dyn Context) -> Result<Box<dyn Decoder>> {
        match build(Kind::Decoder, &self.plugin, Json::Object(self.options.clone()), cx)? {
            Built::Decoder(decoder) => Ok(decoder),
            _ => Err(Error::run(&self.plugin, "a decoder plugin built something else")),
        }
    }
}
