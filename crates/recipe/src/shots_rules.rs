//! What worked examples before prompts need: data that they are taken from, and a format that writes them.

use crate::checks::Checks;
use crate::diagnostics::Finding;
use serde_json::Value as Json;

/// Keys that say more of `shots`.
const OF_SHOTS: [&str; 3] = ["shots_from", "shots_order", "shots_between"];

impl Checks<'_, '_> {
    /// The entries of a stage that scores, at its end or while it trains.
    pub(crate) fn shots_rules(&mut self, path: &[String], stage: &Json) {
        for keys in [["evaluate", "on"].as_slice(), &["train", "validate", "on"]] {
            let entries = stage.pointer(&format!("/{}", keys.join("/"))).and_then(Json::as_array);
            for (i, entry) in entries.into_iter().flatten().enumerate() {
                let at = |key: &str| path.iter().cloned().chain(keys.iter().map(|k| (*k).to_owned())).chain([i.to_string(), key.to_owned()]).collect();
                self.shots_of(at, entry);
            }
        }
    }

    fn shots_of(&mut self, at: impl Fn(&str) -> Vec<String>, entry: &Json) {
        let has = |key: &str| entry.get(key).is_some();
        if !has("shots") {
            for key in OF_SHOTS.into_iter().filter(|key| has(key)) {
                self.tell_key(&at(key), Finding::new("`shots` beside it", "none", "add for example `shots = 5`"));
            }
            return;
        }
        if !has("shots_from") {
            self.tell_key(&at("shots"), Finding::new("`shots_from`: the data set that examples are taken from", "none", "add `shots_from = \"NAME\"`"));
        }
        match entry.get("format").and_then(Json::as_str) {
            None => self.tell_key(&at("shots"), Finding::new("a `format` that writes prompt and target", "none", "add `format`")),
            Some(name) => {
                let definition = self.json.get("formats").and_then(|formats| formats.get(name)).cloned();
                if name == "chat" && definition.is_none() || definition.as_ref().is_some_and(|d| d.get("chat").is_some()) {
                    let remedy = "name a format with `prompt` and `target`, or take `shots` out";
                    self.tell(&at("format"), Finding::new("a format with `prompt` and `target`, for `shots`", "a chat template", remedy));
                } else if definition.as_ref().is_some_and(|d| d.get("target").is_none()) {
                    let remedy = format!("add `target` to [formats.{name}]");
                    self.tell(&at("format"), Finding::new("a format with a `target`, for `shots`", "none", remedy));
                }
            }
        }
    }
}
