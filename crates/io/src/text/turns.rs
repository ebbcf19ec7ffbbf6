//! Turns of a conversation, as files write them.

use crate::config::kind;
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use tongues_kernel::{Name, Result, Turn, refuse};

/// Who wrote the turns: which keys they have, and what their roles are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turns {
    /// `role` and `content`; roles as they are.
    OpenAi,
    /// `from` and `value`, or the same as the others; roles in ShareGPT's words.
    ShareGpt,
}

/// The turns of a list, at least one.
pub(super) fn turns(list: &Json, style: Turns, at: &str) -> Result<Vec<Turn>> {
    let Json::Array(items) = list else { return refuse(at, "a list of turns", kind(list), "") };
    if items.is_empty() {
        return refuse(at, "at least one turn", "an empty list", "take this record out");
    }
    items.iter().enumerate().map(|(i, item)| turn(item, style, &format!("{at}, turn {}", i + 1))).collect()
}

/// Pairs of a question and an answer.
pub(super) fn alternating(list: &Json, at: &str) -> Result<Vec<Turn>> {
    let Json::Array(pairs) = list else { return refuse(at, "a list of pairs", kind(list), "") };
    let mut turns: Vec<Turn> = vec![];
    for (i, pair) in pairs.iter().enumerate() {
        match pair.as_array().map(Vec::as_slice) {
            Some([Json::String(question), Json::String(answer)]) => {
                turns.extend([("user".into(), question.as_str().into()), ("assistant".into(), answer.as_str().into())]);
            }
            _ => return refuse(format!("{at}, pair {}", i + 1), "a question and an answer, both texts", kind(pair), ""),
        }
    }
    Ok(turns)
}

fn turn(item: &Json, style: Turns, at: &str) -> Result<Turn> {
    let Json::Object(map) = item else { return refuse(at, "an object with a role and a content", kind(item), "") };
    understood(map, at)?;
    let [who, what] = if style == Turns::ShareGpt && map.contains_key("from") { ["from", "value"] } else { ["role", "content"] };
    let role = match map.get(who) {
        Some(Json::String(role)) if style == Turns::ShareGpt => renamed(role, at)?,
        Some(Json::String(role)) if !role.is_empty() => role.as_str().into(),
        other => return refuse(at, format!("a role under `{who}`"), found(other, map), ""),
    };
    Ok((role, content(map, what, at)?))
}

/// ShareGPT's names of roles.
fn renamed(role: &str, at: &str) -> Result<Name> {
    Ok(match role {
        "human" | "user" => "user",
        "gpt" | "chatgpt" | "bing" | "bard" | "bot" | "assistant" | "model" => "assistant",
        "system" => "system",
        other => {
            return refuse(at, "human, gpt or system under `from`", format!("{other:?}"), "rename the role, or take this record out; tool calls are not read");
        }
    }
    .into())
}

/// A text, or parts that are all texts.
fn content(map: &Map<String, Json>, key: &str, at: &str) -> Result<Arc<str>> {
    match map.get(key) {
        Some(Json::String(text)) => Ok(text.as_str().into()),
        Some(Json::Array(parts)) => {
            let text = |part: &Json| part.get("type").is_none_or(|t| t == "text").then(|| part.get("text")?.as_str().map(String::from)).flatten();
            match parts.iter().map(text).collect::<Option<Vec<_>>>() {
                Some(texts) => Ok(texts.concat().into()),
                None => refuse(at, "parts of text", "a part that is none", "take this record out; only text is read"),
            }
        }
        other => refuse(at, format!("text under `{key}`"), found(other, map), ""),
    }
}

fn found(value: Option<&Json>, map: &Map<String, Json>) -> String {
    value.map_or_else(|| format!("only {}", map.keys().map(String::as_str).collect::<Vec<_>>().join(", ")), |v| kind(v).to_string())
}

/// Keys that would change what is learned, and that are not read: other keys are left out.
fn understood(map: &Map<String, Json>, at: &str) -> Result<()> {
    let filled = |key: &&&str| map.get(**key).is_some_and(|v| !v.is_null() && v.as_array().is_none_or(|items| !items.is_empty()));
    let calls = ["tool_calls", "tool_call_id", "function_call", "reasoning_content"];
    if let Some(key) = calls.iter().find(filled) {
        return refuse(at, "a turn of text", format!("the key `{key}`"), "take this record out; only text is read");
    }
    let off = map.get("weight").and_then(Json::as_f64).is_some_and(|w| w != 1.0) || map.get("train") == Some(&Json::Bool(false));
    if off {
        let remedy = "take these keys out; what is learned is the format's `loss`";
        return refuse(at, "turns without weights of their own", "`weight` or `train`", remedy);
    }
    Ok(())
}
