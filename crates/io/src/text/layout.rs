//! Instruction data: the layouts that the field writes, as one set of fields.
//!
//! | layout | keys read | fields made |
//! |---|---|---|
//! | messages | `messages` (role, content) | `messages` |
//! | sharegpt | `conversations` (from, value), `system` | `messages` |
//! | alpaca | `instruction`, `input`, `output`, `system`, `history` | these texts, and `messages` |
//! | prompt-completion | `prompt`, `completion` | the same, as texts or turns |
//! | preference | `prompt`, `chosen`, `rejected` | the same, as texts or turns |

use super::turns::{Turns, alternating, turns};
use crate::config::kind;
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use tongues_kernel::{Name, Result, Turn, Value, refuse};

/// What the keys of an object mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// Told by the keys of each object; plain where they are of no other layout.
    #[default]
    Auto,
    /// Every key is a field.
    Plain,
    /// Conversations as OpenAI and Hugging Face write them.
    Messages,
    /// Conversations as ShareGPT writes them.
    ShareGpt,
    /// An instruction with its answer.
    Alpaca,
    /// A prompt with its completion.
    PromptCompletion,
    /// A prompt with a better and a worse answer.
    Preference,
}

/// The fields of an object and how its other keys are read: a layout takes its own keys out.
pub(super) type Fields = Vec<(Name, Value)>;

impl Layout {
    /// Takes the layout's keys out of an object.
    ///
    /// # Errors
    /// A key is missing, or holds something else.
    pub(super) fn take(self, object: &mut Map<String, Json>, at: &str) -> Result<Fields> {
        match if self == Self::Auto { Self::of(object) } else { self } {
            Self::Auto | Self::Plain => Ok(vec![]),
            Self::Messages => messages(object, at),
            Self::ShareGpt => share_gpt(object, at),
            Self::Alpaca => alpaca(object, at),
            Self::PromptCompletion => prompt_completion(object, at),
            Self::Preference => preference(object, at),
        }
    }

    /// The layout that the keys tell.
    fn of(object: &Map<String, Json>) -> Self {
        let list = |key: &str| object.get(key).is_some_and(|v| v.as_array().is_some_and(|items| items.first().is_some_and(Json::is_object)));
        let filled = |key: &str| object.get(key).is_some_and(|v| !v.is_null());
        match () {
            () if filled("chosen") && filled("rejected") => Self::Preference,
            () if list("messages") => Self::Messages,
            () if list("conversations") => Self::ShareGpt,
            () if filled("prompt") && filled("completion") => Self::PromptCompletion,
            () if filled("instruction") && filled("output") => Self::Alpaca,
            () => Self::Plain,
        }
    }
}

fn messages(object: &mut Map<String, Json>, at: &str) -> Result<Fields> {
    no_tools(object, at)?;
    let given = needed(object, "messages", at)?;
    Ok(vec![("messages".into(), Value::Turns(turns(&given, Turns::OpenAi, &format!("{at}, key `messages`"))?))])
}

fn share_gpt(object: &mut Map<String, Json>, at: &str) -> Result<Fields> {
    no_tools(object, at)?;
    let given = needed(object, "conversations", at)?;
    let mut turns = turns(&given, Turns::ShareGpt, &format!("{at}, key `conversations`"))?;
    system(&mut turns, object, at)?;
    Ok(vec![("messages".into(), Value::Turns(turns))])
}

/// The input goes on a line of its own below the instruction, as LLaMA-Factory joins them.
fn alpaca(object: &mut Map<String, Json>, at: &str) -> Result<Fields> {
    let (instruction, output) = (text(object, "instruction", at)?, text(object, "output", at)?);
    let input = if object.get("input").is_some_and(|v| !v.is_null()) { text(object, "input", at)? } else { "".into() };
    let mut turns = match object.remove("history") {
        None | Some(Json::Null) => vec![],
        Some(history) => alternating(&history, &format!("{at}, key `history`"))?,
    };
    let asked: Arc<str> = if input.is_empty() { instruction.clone() } else { format!("{instruction}\n{input}").into() };
    turns.extend([("user".into(), asked), ("assistant".into(), output.clone())]);
    system(&mut turns, object, at)?;
    let texts = [("instruction", instruction), ("input", input), ("output", output)];
    let texts = texts.into_iter().map(|(name, text)| (name.into(), Value::Text(text)));
    Ok(texts.chain([("messages".into(), Value::Turns(turns))]).collect())
}

fn prompt_completion(object: &mut Map<String, Json>, at: &str) -> Result<Fields> {
    Ok(vec![("prompt".into(), either(object, "prompt", at)?), ("completion".into(), either(object, "completion", at)?)])
}

/// Without a prompt of its own, the turns that both answers begin with are the prompt.
fn preference(object: &mut Map<String, Json>, at: &str) -> Result<Fields> {
    let prompt = if object.get("prompt").is_some_and(|v| !v.is_null()) { Some(either(object, "prompt", at)?) } else { None };
    let (chosen, rejected) = (either(object, "chosen", at)?, either(object, "rejected", at)?);
    let fields = match (prompt, chosen, rejected) {
        (Some(prompt), chosen @ Value::Text(_), rejected @ Value::Text(_)) => [prompt, chosen, rejected],
        (prompt, Value::Turns(chosen), Value::Turns(rejected)) => {
            let same = chosen.iter().zip(&rejected).take_while(|(a, b)| a == b).count();
            let shared = prompt.filter(|_| same == 0).unwrap_or_else(|| Value::Turns(chosen[..same].to_vec()));
            if matches!(&shared, Value::Turns(turns) if turns.is_empty()) || same == chosen.len() || same == rejected.len() {
                return refuse(at, "two conversations that begin alike and end with different answers", format!("{same} turns alike"), "give the `prompt`");
            }
            [shared, Value::Turns(chosen[same..].to_vec()), Value::Turns(rejected[same..].to_vec())]
        }
        (None, _, _) => return refuse(at, "a `prompt`, or conversations under `chosen` and `rejected`", "two texts alone", "add the `prompt`"),
        _ => return refuse(at, "`chosen` and `rejected` of one kind", "a text and turns", "write both as texts or both as turns"),
    };
    Ok(["prompt", "chosen", "rejected"].into_iter().map(Name::from).zip(fields).collect())
}

/// A text or turns.
fn either(object: &mut Map<String, Json>, key: &str, at: &str) -> Result<Value> {
    match needed(object, key, at)? {
        Json::String(text) => Ok(Value::Text(text.into())),
        given @ Json::Array(_) => Ok(Value::Turns(turns(&given, Turns::OpenAi, &format!("{at}, key `{key}`"))?)),
        other => refuse(format!("{at}, key `{key}`"), "a text or a list of turns", kind(&other), ""),
    }
}

fn text(object: &mut Map<String, Json>, key: &str, at: &str) -> Result<Arc<str>> {
    match needed(object, key, at)? {
        Json::String(text) => Ok(text.into()),
        other => refuse(format!("{at}, key `{key}`"), "a text", kind(&other), ""),
    }
}

fn needed(object: &mut Map<String, Json>, key: &str, at: &str) -> Result<Json> {
    match object.remove(key) {
        Some(value) if !value.is_null() => Ok(value),
        _ => {
            let have: Vec<&str> = object.keys().map(String::as_str).collect();
            refuse(at, format!("the key `{key}` of this layout"), format!("only {}", have.join(", ")), "correct the data's `layout`, or leave it out")
        }
    }
}

/// A text under `system` is a turn before the others.
fn system(turns: &mut Vec<Turn>, object: &mut Map<String, Json>, at: &str) -> Result<()> {
    match object.remove("system") {
        None | Some(Json::Null) => {}
        Some(Json::String(text)) if text.is_empty() => {}
        Some(Json::String(text)) => turns.insert(0, ("system".into(), text.into())),
        Some(other) => return refuse(format!("{at}, key `system`"), "a text", kind(&other), ""),
    }
    Ok(())
}

fn no_tools(object: &mut Map<String, Json>, at: &str) -> Result<()> {
    match object.remove("tools") {
        None | Some(Json::Null) => Ok(()),
        Some(Json::Array(tools)) if tools.is_empty() => Ok(()),
        Some(Json::String(tools)) if tools.is_empty() || tools == "[]" => Ok(()),
        Some(_) => refuse(format!("{at}, key `tools`"), "a conversation without tools", "tools", "take these records out; tool calls are not read"),
    }
}
