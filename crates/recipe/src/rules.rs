//! What the schema cannot say: one of several keys, names that may not clash, shares that leave something over.

use crate::checks::Checks;
use crate::diagnostics::Finding;
use serde_json::Value as Json;

/// The kinds of stages.
const KINDS: [&str; 5] = ["train", "merge", "evaluate", "generate", "export"];
/// What only a training stage has.
const TRAINING_ONLY: [&str; 3] = ["adapters", "weights", "objectives"];

/// What only a mixture has.
const MIXTURE_ONLY: [&str; 4] = ["temperature", "each", "caps", "stop"];
/// What belongs to the members of a mixture.
const NOT_IN_MIXTURES: [&str; 8] = ["format", "columns", "language", "languages", "limit", "curate", "recurate", "split"];

impl Checks<'_, '_> {
    /// Checks every rule over the whole document.
    pub(crate) fn rules(&mut self) {
        if let Some(name) = self.json.get("name").and_then(Json::as_str) {
            self.name_rule(&words(&["name"]), name, Form::Dots);
        }
        for (path, entry) in self.section("tokenizers") {
            self.name_rule(&path, &path[1], Form::Dots);
            self.exactly_one(&path, &entry, &["file", "train"]);
        }
        for (path, entry) in self.section("models") {
            self.name_rule(&path, &path[1], Form::Dots);
            self.exactly_one(&path, &entry, &["checkpoint", "scratch"]);
        }
        for (path, entry) in self.section("formats") {
            self.name_rule(&path, &path[1], Form::Dots);
            self.format_rules(&path, &entry);
        }
        for (path, entry) in self.section("data") {
            self.name_rule(&path, &path[1], Form::NoDots);
            self.data_rules(&path, &entry);
        }
        for (path, stage) in self.stages() {
            self.stage_rules(&path, &stage);
        }
        self.stage_names();
    }

    fn data_rules(&mut self, path: &[String], entry: &Json) {
        self.exactly_one(path, entry, &["path", "world", "mix"]);
        self.mixture_rules(path, entry);
        self.language_rules(path, entry);
        if entry.get("world").is_some() && entry.get("path").is_none() {
            for key in ["format", "columns", "layout", "languages"].into_iter().filter(|k| entry.get(k).is_some()) {
                let finding = Finding::new("keys of a synthetic language", format!("`{key}`, which is for files"), format!("take `{key}` out"));
                self.tell_key(&below(path, &[key]), finding);
            }
        }
        let share = |part: &str| entry.get("split").and_then(|s| s.get(part)).and_then(Json::as_f64).unwrap_or(0.0);
        let (dev, test) = (share("dev"), share("test"));
        if dev + test >= 1.0 {
            let finding = Finding::new("dev + test less than 1", format!("{dev} + {test}"), "leave a share for training");
            self.tell(&below(path, &["split"]), finding);
        }
    }

    /// What belongs to mixtures only, and what a mixture leaves to its members.
    fn mixture_rules(&mut self, path: &[String], entry: &Json) {
        let given = |keys: &[&'static str]| keys.iter().copied().filter(|k| entry.get(k).is_some()).collect::<Vec<_>>();
        let Some(mix) = entry.get("mix") else {
            for key in given(&MIXTURE_ONLY) {
                self.tell_key(&below(path, &[key]), Finding::new("a mixture", "a data set without `mix`", format!("take `{key}` out")));
            }
            if entry.get("recurate") == Some(&Json::Bool(true)) {
                self.recurate_rules(path, entry);
            }
            return;
        };
        for key in given(&NOT_IN_MIXTURES) {
            let remedy = format!("put `{key}` into the data sets that are mixed");
            self.tell_key(&below(path, &[key]), Finding::new("keys of a mixture", format!("`{key}`, which is for single data sets"), remedy));
        }
        for key in if entry.get("each").is_some() { given(&["temperature", "stop"]) } else { vec![] } {
            self.tell_key(&below(path, &[key]), Finding::new("`each` alone", format!("`each` and `{key}`"), "keep one of them"));
        }
        let members: Vec<String> = match mix {
            Json::Array(names) => names.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            Json::Object(shares) => shares.keys().cloned().collect(),
            _ => vec![],
        };
        if members.is_empty() && (mix.is_array() || mix.is_object()) {
            self.tell(&below(path, &["mix"]), Finding::new("at least one member", "none", "name the data sets that are mixed"));
        }
        for name in entry.get("caps").and_then(Json::as_object).into_iter().flat_map(|c| c.keys()).filter(|n| !members.contains(n)) {
            let finding = Finding::new(format!("a member of the mixture: one of {}", members.join(", ")), format!("{name:?}"), "");
            self.tell_key(&below(path, &["caps", name]), finding);
        }
    }

    /// Files by language have a place for it in their path, and no other language.
    fn language_rules(&mut self, path: &[String], entry: &Json) {
        let languages = entry.get("languages");
        let holds = entry.get("path").and_then(Json::as_str).map(|p| p.contains("{language}"));
        let empty = |l: &Json| l.as_array().is_some_and(Vec::is_empty) || l.as_object().is_some_and(|map| map.is_empty());
        let (key, finding) = match (languages, holds) {
            (Some(l), _) if empty(l) => ("languages", Finding::new("at least one language", "none", "name the languages, or take it out")),
            (Some(_), Some(false)) => {
                let remedy = "write `{language}` in the place where the files differ, as in \"mgsm/{language}.jsonl\"";
                ("path", Finding::new("a path with `{language}` in it, for `languages`", "none", remedy))
            }
            (None, Some(true)) => {
                let remedy = "add for example `languages = [\"eus_Latn\", \"swh_Latn\"]`";
                ("path", Finding::new("`languages` beside a path with `{language}`", "none", remedy))
            }
            (Some(_), _) if entry.get("language").is_some() => {
                ("language", Finding::new("`language` or `languages`", "both", "keep `languages`: they are the languages of the records"))
            }
            _ => return,
        };
        self.tell(&below(path, &[key]), finding);
    }

    fn recurate_rules(&mut self, path: &[String], entry: &Json) {
        if entry.get("curate").and_then(Json::as_array).is_none_or(Vec::is_empty) {
            self.tell_key(&below(path, &["recurate"]), Finding::new("curators to run anew", "none", "add `curate`, or take `recurate` out"));
        }
        if entry.get("split").is_some() {
            let remedy = "split a data set without `recurate`: parts that change with every pass would leak into each other";
            self.tell_key(&below(path, &["recurate"]), Finding::new("a data set without `split`", "both", remedy));
        }
    }

    fn stage_rules(&mut self, path: &[String], stage: &Json) {
        self.exactly_one(path, stage, &KINDS);
        self.shots_rules(path, stage);
        self.optimizers(path, stage);
        match stage.get("train") {
            Some(train) => self.train_rules(path, stage, train),
            None => self.training_only(path, stage),
        }
        if let Some(generate) = stage.get("generate") {
            self.generate_rules(&below(path, &["generate"]), generate);
        }
        for (i, rule) in stage.get("weights").and_then(Json::as_array).into_iter().flatten().enumerate() {
            let layers = rule.pointer("/select/layers").and_then(Json::as_array);
            let layers: Vec<u64> = layers.into_iter().flatten().filter_map(Json::as_u64).collect();
            if layers.len() > 2 || matches!(layers[..], [first, last] if first > last) {
                let finding = Finding::new("the first and the last layer", format!("{layers:?}"), "write for example `layers = [0, 3]`");
                self.tell(&below(path, &["weights", &i.to_string(), "select", "layers"]), finding);
            }
        }
    }

    fn train_rules(&mut self, path: &[String], stage: &Json, train: &Json) {
        let count = stage.get("objectives").and_then(Json::as_array).map_or(0, Vec::len);
        if count == 0 && stage.get("objectives").is_none_or(Json::is_array) {
            let finding = Finding::new("at least one objective", "none", "add for example `objectives = [{ use = \"causal-lm\" }]`");
            let keyed = if stage.get("objectives").is_some() { below(path, &["objectives"]) } else { below(path, &["train"]) };
            self.tell_key(&keyed, finding);
        }
        if let Some(budget) = train.get("budget").filter(|b| b.is_object()) {
            self.exactly_one(&below(path, &["train", "budget"]), budget, &["steps", "epochs", "tokens"]);
        }
        if let Some(rule) = train.get("batches").filter(|b| b.is_object()) {
            self.exactly_one(&below(path, &["train", "batches"]), rule, &["pure", "balanced"]);
        }
        if train.get("group_by_length") == Some(&Json::Bool(true)) && train.get("packing") == Some(&Json::Bool(true)) {
            let finding = Finding::new("either packing or group_by_length", "both", "take one of them out");
            self.tell_key(&below(path, &["train", "group_by_length"]), finding);
        }
    }

    fn training_only(&mut self, path: &[String], stage: &Json) {
        for key in TRAINING_ONLY.into_iter().filter(|k| stage.get(k).is_some()) {
            let remedy = format!("move `{key}` to the stage that trains");
            self.tell_key(&below(path, &[key]), Finding::new("a stage with `train`", "a stage that does not train", remedy));
        }
    }

    /// None of the keys: a problem of the table. Several: a problem of the second.
    pub(crate) fn exactly_one(&mut self, path: &[String], entry: &Json, keys: &[&str]) {
        if !entry.is_object() {
            return;
        }
        let given: Vec<&str> = keys.iter().copied().filter(|k| entry.get(k).is_some()).collect();
        let expected = format!("exactly one of {}", keys.join(", "));
        match given.as_slice() {
            [_] => {}
            [] => self.tell(path, Finding::new(expected, "none of them", "")),
            [_, second, ..] => self.tell_key(&below(path, &[second]), Finding::new(expected, given.join(" and "), "keep one of them")),
        }
    }

    /// Names become folders and parts of references.
    fn name_rule(&mut self, path: &[String], name: &str, form: Form) {
        if is_name(name, form) {
            return;
        }
        let marks = if form == Form::NoDots { "_ -" } else { ". _ -" };
        let expected = format!("a name of letters A-Z a-z, digits and {marks}, not beginning with a dot");
        let finding = Finding::new(expected, format!("{name:?}"), "rename it");
        // Entries have their name as a key, the run and its stages as a value.
        if path.last().is_some_and(|k| k == name) { self.tell_key(path, finding) } else { self.tell(path, finding) }
    }

    fn stage_names(&mut self) {
        let stages = self.stages();
        let mut seen: Vec<String> = vec![];
        for (path, stage) in &stages {
            let at = below(path, &["name"]);
            let Some(name) = stage.get("name").and_then(Json::as_str) else { continue };
            self.name_rule(&at, name, Form::Dots);
            let is_model = self.json.get("models").and_then(|m| m.get(name)).is_some();
            if is_model {
                self.tell(&at, Finding::new("a name that no model has", format!("{name:?}, which is also [models.{name}]"), "rename the stage"));
            }
            if seen.iter().any(|s| s == name) {
                self.tell(&at, Finding::new("a name of its own for every stage", format!("{name:?} a second time"), "rename the stage"));
            }
            seen.push(name.to_owned());
        }
    }

    fn section(&self, name: &str) -> Vec<(Vec<String>, Json)> {
        let entries = self.json.get(name).and_then(Json::as_object);
        entries.into_iter().flatten().map(|(k, v)| (words(&[name, k]), v.clone())).collect()
    }

    fn stages(&self) -> Vec<(Vec<String>, Json)> {
        let stages = self.json.get("stage").and_then(Json::as_array);
        stages.into_iter().flatten().enumerate().map(|(i, s)| (words(&["stage", &i.to_string()]), s.clone())).collect()
    }
}

fn words(path: &[&str]) -> Vec<String> {
    path.iter().map(|w| (*w).to_owned()).collect()
}

fn below(path: &[String], keys: &[&str]) -> Vec<String> {
    [path, &words(keys)].concat()
}

/// What a name may look like: a data set's has no dot, for `name.train` means a part of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Dots,
    NoDots,
}

fn is_name(name: &str, form: Form) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || (form == Form::Dots && c == '.');
    !name.is_empty() && !name.starts_with('.') && name.chars().all(allowed)
}
