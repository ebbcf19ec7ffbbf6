//! A chat template: turns of a conversation as one text.

use crate::clock::Date;
use crate::environment::{Dialect, environment, render};
use crate::generation;
use minijinja::value::Serde;
use minijinja::{Environment, Value};
use serde_json::{Map, Value as Json, json};
use std::ops::Range;
use tongues_kernel::{Error, Result, Turn, refuse};

/// A template with the special tokens it may use.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    env: Environment<'static>,
    at: String,
    tokens: Map<String, Json>,
    tagged: bool,
}

impl ChatTemplate {
    /// From the text of a template. `tokens` are the names of the special tokens (`bos_token`, …), as text or as objects with
    /// a `content`; `at` is where the template lies, for messages.
    ///
    /// # Errors
    /// The template cannot be read.
    pub fn new(source: &str, tokens: &Map<String, Json>, date: Option<Date>, at: &str) -> Result<Self> {
        let env = environment(source, Dialect::Chat, date).map_err(|wrong| {
            let line = wrong.line.map_or_else(String::new, |line| format!(", line {line}"));
            Error::input(format!("{at}{line}"), "a Jinja template", wrong.found, "correct the template, or take it from the source again")
        })?;
        let name = |(key, token): (&String, &Json)| Some((key.clone(), json!(token.as_str().or_else(|| token.get("content")?.as_str())?)));
        let tokens = tokens.iter().filter(|(key, _)| key.ends_with("_token")).filter_map(name).collect();
        Ok(Self { env, at: at.into(), tokens, tagged: generation::is_tagged(source) })
    }

    /// From the keys of `tokenizer_config.json`: `chat_template` is text, or a list of templates with names, of which
    /// `default` is taken.
    ///
    /// # Errors
    /// There is no template, or it cannot be read.
    pub fn of_config(config: &Map<String, Json>, date: Option<Date>, at: &str) -> Result<Self> {
        let at = format!("{at}, key `chat_template`");
        let none = "name a template: `chat = \"file.jinja\"` under [formats.NAME], or write `prompt` and `target` there";
        let source = match config.get("chat_template") {
            Some(Json::String(source)) => source,
            Some(Json::Array(named)) => match named.iter().find(|entry| entry.get("name").is_some_and(|name| name == "default")) {
                Some(entry) => entry.get("template").and_then(Json::as_str).ok_or_else(|| Error::input(&at, "text under `template`", "none", none))?,
                None => {
                    let names: Vec<&str> = named.iter().filter_map(|entry| entry.get("name")?.as_str()).collect();
                    return refuse(at, "a template named `default`", names.join(", "), none);
                }
            },
            _ => return refuse(at, "a chat template", "none", none),
        };
        Self::new(source, config, date, &at)
    }

    /// The template says by itself which text is the assistant's.
    pub fn is_tagged(&self) -> bool {
        self.tagged
    }

    /// Where the template lies, for messages.
    pub fn place(&self) -> &str {
        &self.at
    }

    /// The text of a conversation, and what the template marks as the assistant's (byte ranges). With `open`, the text ends
    /// where the assistant's next turn begins.
    ///
    /// # Errors
    /// The template refuses the conversation, does not come to an end, or writes too much.
    pub fn render(&self, turns: &[Turn], open: bool) -> Result<(String, Vec<Range<usize>>)> {
        let size = turns.iter().map(|(role, content)| role.len() + content.len()).sum();
        if turns.iter().any(|(role, content)| generation::has_marks(role) || generation::has_marks(content)) {
            return refuse(&self.at, "turns of text", "the code point U+FDD0 or U+FDD1, which stands for no character", "take it out of the data");
        }
        let messages: Vec<Json> = turns.iter().map(|(role, content)| json!({ "role": &**role, "content": &**content })).collect();
        let mut context = self.tokens.clone();
        let given = [("messages", Json::Array(messages)), ("tools", Json::Null), ("documents", Json::Null), ("add_generation_prompt", open.into())];
        context.extend(given.map(|(key, value)| (key.to_owned(), value)));
        let text = render(&self.env, Value::from(Serde(context)), size, &self.at)?;
        Ok(generation::unmarked(&text))
    }
}
