//! Names and what they stand for: `[data]`, `[models]`, `[tokenizers]`, `[formats]` and the stages that make a model.

use crate::diagnostics::Finding;
use crate::visit::{RefSpot, Target};
use serde_json::Value as Json;
use tongues_kernel::{nearest, policy::matches};

/// Something a reference can mean.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Thing {
    Data(String),
    Tokenizer(String),
    Format(String),
    Model(String),
    Stage(usize),
}

impl Thing {
    /// The section that owns the value at `path`.
    pub(crate) fn owner(path: &[String]) -> Option<Self> {
        let [section, name, ..] = path else { return None };
        match section.as_str() {
            "data" => Some(Self::Data(name.clone())),
            "tokenizers" => Some(Self::Tokenizer(name.clone())),
            "formats" => Some(Self::Format(name.clone())),
            "models" => Some(Self::Model(name.clone())),
            "stage" => name.parse().ok().map(Self::Stage),
            _ => None,
        }
    }
}

struct DataSet {
    name: String,
    /// Shares of dev and test, where the set is split.
    split: Option<(f64, f64)>,
}

pub(crate) struct StageName {
    pub(crate) name: String,
    pub(crate) makes_model: bool,
}

/// Which stages can be referred to from a place.
#[derive(Clone, Copy, Debug)]
enum Before {
    /// Those before this one.
    Stage(usize),
    /// None.
    Stages,
    /// All.
    End,
}

impl Before {
    fn reaches(self, stage: usize) -> bool {
        match self {
            Self::Stage(user) => stage < user,
            Self::Stages => false,
            Self::End => true,
        }
    }
}

/// All names of a recipe.
pub(crate) struct Scope {
    data: Vec<DataSet>,
    tokenizers: Vec<String>,
    formats: Vec<String>,
    models: Vec<String>,
    pub(crate) stages: Vec<StageName>,
}

/// The format that every recipe has.
const CHAT: &str = "chat";
/// Kinds of stages whose name is a model afterwards.
const MAKERS: [&str; 3] = ["train", "merge", "export"];

impl Scope {
    pub(crate) fn of(recipe: &Json) -> Self {
        let keys = |section: &str| entries(recipe, section).map(|(k, _)| k.clone()).collect();
        let stages = recipe.get("stage").and_then(Json::as_array).into_iter().flatten();
        Self {
            data: entries(recipe, "data").map(|(k, v)| DataSet { name: k.clone(), split: shares(v) }).collect(),
            tokenizers: keys("tokenizers"),
            formats: keys("formats"),
            models: keys("models"),
            stages: stages.map(stage_name).collect(),
        }
    }

    /// What a reference means.
    pub(crate) fn resolve(&self, spot: &RefSpot) -> Result<Vec<Thing>, Finding> {
        let before = match Thing::owner(&spot.path) {
            Some(Thing::Stage(i)) => Before::Stage(i),
            // A fresh model may take the tokenizer of any stage; whether that comes in time is checked by order.
            _ if spot.target == Target::Tokenizer => Before::End,
            _ => Before::Stages,
        };
        match spot.target {
            Target::Data => self.data(&spot.name).map(|t| vec![t]),
            Target::Model if spot.glob && spot.name.contains('*') => self.matching(&spot.name, before),
            Target::Model => self.model(&spot.name, before).map(|t| vec![t]),
            Target::Tokenizer => self.tokenizer(&spot.name, before).map(|t| vec![t]),
            Target::Format => self.format(&spot.name),
        }
    }

    fn data(&self, name: &str) -> Result<Thing, Finding> {
        let exact = self.data.iter().find(|d| d.name == name);
        let part = name.rsplit_once('.').filter(|(_, part)| ["train", "dev", "test"].contains(part));
        let cut = part.and_then(|(set, part)| Some((self.data.iter().find(|d| d.name == set)?, part)));
        match (exact, cut) {
            (Some(DataSet { split: Some(shares), .. }), _) => Err(whole_of_a_split(name, *shares)),
            (Some(set), _) => Ok(Thing::Data(set.name.clone())),
            (None, Some((set, part))) => part_of(set, part),
            (None, None) => {
                let names: Vec<String> = self.data.iter().flat_map(DataSet::references).collect();
                Err(unknown("a data set", "data", name, &names))
            }
        }
    }

    fn model(&self, name: &str, before: Before) -> Result<Thing, Finding> {
        if self.models.iter().any(|m| m == name) {
            return Ok(Thing::Model(name.to_owned()));
        }
        let names = self.models_before(before);
        match self.stages.iter().position(|s| s.name == name) {
            Some(i) if before.reaches(i) && self.stages[i].makes_model => Ok(Thing::Stage(i)),
            Some(i) => Err(self.useless_stage(i, before, &names)),
            None if name.contains('*') => {
                Err(Finding::new(format!("one name: one of {}", listed(&names)), format!("the pattern {name:?}"), "patterns are for the models of `evaluate`"))
            }
            None => Err(unknown("a model or of an earlier stage", "models", name, &names)),
        }
    }

    fn tokenizer(&self, name: &str, before: Before) -> Result<Thing, Finding> {
        if self.tokenizers.iter().any(|t| t == name) {
            return Ok(Thing::Tokenizer(name.to_owned()));
        }
        let known = self.models.iter().chain(self.stages.iter().map(|s| &s.name)).any(|n| n == name);
        if known {
            return self.model(name, before);
        }
        let names = [self.tokenizers.clone(), self.models_before(before)].concat();
        Err(unknown("a tokenizer, or of a model that has one", "tokenizers", name, &names))
    }

    /// `chat` needs no entry: it is the model's own template.
    fn format(&self, name: &str) -> Result<Vec<Thing>, Finding> {
        if self.formats.iter().any(|f| f == name) {
            return Ok(vec![Thing::Format(name.to_owned())]);
        }
        let own = (!self.formats.iter().any(|f| f == CHAT)).then(|| CHAT.to_owned());
        if own.as_deref() == Some(name) {
            return Ok(vec![]);
        }
        Err(unknown("a format", "formats", name, &own.into_iter().chain(self.formats.clone()).collect::<Vec<_>>()))
    }

    fn matching(&self, pattern: &str, before: Before) -> Result<Vec<Thing>, Finding> {
        let names = self.models_before(before);
        let hits: Vec<&String> = names.iter().filter(|n| matches(pattern, n)).collect();
        if hits.is_empty() {
            return Err(Finding::new(
                format!("a pattern that matches one of {}", listed(&names)),
                format!("{pattern:?}, which matches nothing"),
                "only models and earlier stages that train, merge or export can be matched",
            ));
        }
        hits.into_iter().map(|n| self.model(n, before)).collect()
    }

    fn models_before(&self, before: Before) -> Vec<String> {
        let usable = |(i, s): &(usize, &StageName)| before.reaches(*i) && s.makes_model && !s.name.is_empty();
        let made = self.stages.iter().enumerate().filter(usable).map(|(_, s)| &s.name);
        let mut names: Vec<String> = self.models.clone();
        made.for_each(|name| {
            if !names.contains(name) {
                names.push(name.clone())
            }
        });
        names
    }

    /// The name is that of a stage, but of one that cannot be used here.
    fn useless_stage(&self, i: usize, before: Before, names: &[String]) -> Finding {
        let StageName { name, makes_model } = &self.stages[i];
        let (what, remedy) = match before {
            _ if !makes_model => ("a stage that makes no model", "only train, merge and export make one"),
            Before::Stage(user) if user == i => ("this very stage", "a stage starts from what was made before it"),
            Before::Stage(_) => ("a stage that has not run by then", "move it up, above what uses it"),
            _ => ("a stage, which runs only after this is ready", "name one of [models]"),
        };
        let found = format!("{name:?}, {what}");
        Finding::new(format!("a model or an earlier stage: one of {}", listed(names)), found, remedy)
    }
}

impl DataSet {
    /// What one may write to mean this set.
    fn references(&self) -> Vec<String> {
        self.split.map_or_else(|| vec![self.name.clone()], |s| parts(s).iter().map(|p| format!("{}.{p}", self.name)).collect())
    }
}

fn entries<'j>(recipe: &'j Json, section: &str) -> impl Iterator<Item = (&'j String, &'j Json)> {
    // An empty name is reported as such; nobody should be told to write it.
    recipe.get(section).and_then(Json::as_object).into_iter().flatten().filter(|(name, _)| !name.is_empty())
}

fn shares(data: &Json) -> Option<(f64, f64)> {
    let split = data.get("split")?;
    let share = |part: &str| split.get(part).and_then(Json::as_f64).unwrap_or(0.0);
    Some((share("dev"), share("test")))
}

fn stage_name(stage: &Json) -> StageName {
    let name = stage.get("name").and_then(Json::as_str).unwrap_or("").to_owned();
    StageName { name, makes_model: MAKERS.iter().any(|kind| stage.get(*kind).is_some()) }
}

/// The parts of a split that are not empty.
fn parts((dev, test): (f64, f64)) -> Vec<&'static str> {
    [("train", true), ("dev", dev > 0.0), ("test", test > 0.0)].into_iter().filter(|(_, on)| *on).map(|(p, _)| p).collect()
}

fn whole_of_a_split(name: &str, shares: (f64, f64)) -> Finding {
    let parts: Vec<String> = parts(shares).iter().map(|p| format!("`{name}.{p}`")).collect();
    Finding::new("a part of the data set, for it is split", format!("the bare name {name:?}"), format!("write {}", parts.join(" or ")))
}

fn part_of(set: &DataSet, part: &str) -> Result<Thing, Finding> {
    let name = &set.name;
    let Some(shares) = set.split else {
        let remedy = format!("write `{name}`, or cut it: `split = {{ dev = 0.1 }}` under [data.{name}]");
        return Err(Finding::new(format!("{name:?}, for this data set has no split"), format!("\"{name}.{part}\""), remedy));
    };
    if parts(shares).contains(&part) {
        return Ok(Thing::Data(name.clone()));
    }
    let remedy = format!("give it a share under [data.{name}]: `split = {{ {part} = 0.1 }}`");
    Err(Finding::new(format!("a part that has records: one of {}", listed(&set.references())), format!("\"{name}.{part}\", whose share is 0"), remedy))
}

fn unknown(what: &str, section: &str, name: &str, names: &[String]) -> Finding {
    // The bare name of a swept stage means none of its expansions.
    let expansion = || names.iter().map(String::as_str).find(|n| n.strip_prefix(name).is_some_and(|rest| rest.starts_with('-')));
    let near = expansion().or_else(|| nearest(name, names.iter().map(String::as_str)));
    let remedy = near.map_or_else(|| format!("describe it under [{section}.{name}]"), |n| format!("did you mean \"{n}\"?"));
    Finding::new(format!("the name of {what}: one of {}", listed(names)), format!("{name:?}"), remedy)
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none, for there is none yet".to_owned() } else { names.join(", ") }
}
