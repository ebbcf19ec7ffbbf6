//! What a format must be: one kind of template with the keys that belong to it, and templates that can be read.

use crate::checks::Checks;
use crate::diagnostics::Finding;
use serde_json::Value as Json;
use tongues_formats::{Date, syntax};

/// Keys that belong to chats alone.
const OF_CHATS: [&str; 2] = ["system", "date"];

impl Checks<'_, '_> {
    pub(crate) fn format_rules(&mut self, path: &[String], entry: &Json) {
        self.exactly_one(path, entry, &["prompt", "chat"]);
        let key = |key: &str| [path, &[key.to_owned()]].concat();
        let has = |key: &str| entry.get(key).is_some();
        if entry.get("chat") == Some(&Json::Bool(false)) {
            self.tell(&key("chat"), Finding::new("true, or the file of a chat template", "false", "write `chat = true`, or `prompt` and `target`"));
        }
        if has("prompt") && !has("chat") {
            for name in OF_CHATS.into_iter().filter(|name| has(name)) {
                self.tell_key(
                    &key(name),
                    Finding::new("keys of a format with `prompt`", format!("`{name}`, which is for chats"), "write it into the `prompt`"),
                );
            }
            if entry.get("loss").is_some_and(|loss| loss == "assistant") {
                self.tell(&key("loss"), Finding::new("\"target\" or \"all\"", "\"assistant\", which is for chats", "write `loss = \"target\"`"));
            }
        }
        if has("chat") && has("target") {
            self.tell_key(
                &key("target"),
                Finding::new("keys of a chat", "`target`, which goes with `prompt`", "take it out; the assistant's turns are learned"),
            );
        }
        if let Some(date) = entry.get("date").and_then(Json::as_str).filter(|date| Date::parse(date).is_none()) {
            self.tell(&key("date"), Finding::new("a day such as \"2025-01-31\"", format!("{date:?}"), ""));
        }
        for name in ["prompt", "target"] {
            if let Some(Err(wrong)) = entry.get(name).and_then(Json::as_str).map(syntax) {
                let line = wrong.line.map_or_else(String::new, |line| format!("on line {line} of the template "));
                self.tell(
                    &key(name),
                    Finding::new("a Jinja template", format!("{line}{}", wrong.found), "see https://jinja.palletsprojects.com for the syntax"),
                );
            }
        }
    }

    /// What a stage that generates is given.
    pub(crate) fn generate_rules(&mut self, path: &[String], generate: &Json) {
        self.exactly_one(path, generate, &["prompts", "data"]);
        if generate.get("prompts").is_some() && generate.get("limit").is_some() {
            let at = [path, &["limit".to_owned()]].concat();
            self.tell_key(&at, Finding::new("keys of prompts", "`limit`, which is for `data`", "take it out"));
        }
    }
}
