//! Plugins register themselves at link time; built-ins use the same door as everyone else.

use crate::schema::Problem;
use crate::{Adapter, Context, Curator, Decoder, Error, Evaluator, Family, Merger, Objective, PartFormat, Result, nearest, schema};
use serde_json::Value as Json;

/// The seven kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A network family.
    Backbone,
    /// Changes a model before it trains.
    Adapter,
    /// What training minimises.
    Objective,
    /// Merges models.
    Merger,
    /// Scores models.
    Evaluator,
    /// Chooses and changes records.
    Curator,
    /// Continues texts.
    Decoder,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 7] = [Kind::Backbone, Kind::Adapter, Kind::Objective, Kind::Merger, Kind::Evaluator, Kind::Curator, Kind::Decoder];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Backbone => "backbone",
            Kind::Adapter => "adapter",
            Kind::Objective => "objective",
            Kind::Merger => "merger",
            Kind::Evaluator => "evaluator",
            Kind::Curator => "curator",
            Kind::Decoder => "decoder",
        }
    }

    /// The kind of that name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == word)
    }
}

/// A plugin at work.
pub enum Built {
    /// A network family with its configuration.
    Backbone(Box<dyn Family>),
    /// An adapter.
    Adapter(Box<dyn Adapter>),
    /// An objective.
    Objective(Box<dyn Objective>),
    /// A merger.
    Merger(Box<dyn Merger>),
    /// An evaluator.
    Evaluator(Box<dyn Evaluator>),
    /// A curator.
    Curator(Box<dyn Curator>),
    /// A decoder.
    Decoder(Box<dyn Decoder>),
}

/// What is known of a plugin without building it.
pub struct Plugin {
    /// Its kind.
    pub kind: Kind,
    /// Its name in recipes.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// The module that registered it.
    pub origin: &'static str,
    /// JSON schema of its options.
    pub schema: fn() -> Json,
    /// From checked options.
    pub build: fn(Json, &mut dyn Context) -> Result<Built>,
}
inventory::collect!(Plugin);

/// A method under the name of another program, as its plugin reads it.
pub struct Alias {
    /// Its kind.
    pub kind: Kind,
    /// The name in the other program.
    pub foreign: &'static str,
    /// The plugin.
    pub plugin: &'static str,
    /// Options that the name stands for, as a JSON object.
    pub options: &'static str,
}
inventory::collect!(Alias);

/// The plugin that another program's name stands for, with its options: an alias, or the plugin of that name with `-` for `_`.
///
/// # Errors
/// None is linked.
pub fn foreign(kind: Kind, name: &str) -> Result<(&'static str, serde_json::Map<String, Json>)> {
    let aliases = || inventory::iter::<Alias>.into_iter().filter(|a| a.kind == kind);
    if let Some(alias) = aliases().find(|a| a.foreign == name) {
        let options = serde_json::from_str(alias.options).map_err(|e| Error::run(alias.foreign, e))?;
        return Ok((alias.plugin, options));
    }
    let known = || plugins().into_iter().filter(|p| p.kind == kind);
    if let Some(plugin) = known().find(|p| p.name == name.replace('_', "-")) {
        return Ok((plugin.name, serde_json::Map::new()));
    }
    let names: Vec<String> = aliases().map(|a| a.foreign.to_owned()).chain(known().map(|p| p.name.replace('-', "_"))).collect();
    let near =
        nearest(name, names.iter().map(String::as_str)).map_or_else(|| "`tongues plugins` lists what is linked".into(), |n| format!("did you mean \"{n}\"?"));
    Err(Error::input(format!("{} method", kind.name()), format!("one of {}", names.join(", ")), format!("\"{name}\""), near))
}

/// All plugins, by kind and name.
pub fn plugins() -> Vec<&'static Plugin> {
    let mut all: Vec<_> = inventory::iter::<Plugin>.into_iter().collect();
    all.sort_by_key(|p| (p.kind, p.name));
    all
}

/// The plugin of that kind and name.
pub fn find(kind: Kind, name: &str) -> Option<&'static Plugin> {
    plugins().into_iter().find(|p| p.kind == kind && p.name == name)
}

/// The reader of a kind of adapter folder.
///
/// # Errors
/// No plugin reads it.
pub fn part_format(peft_type: &str) -> Result<&'static PartFormat> {
    let found = inventory::iter::<PartFormat>.into_iter().find(|f| f.peft_type == peft_type);
    let known = || inventory::iter::<PartFormat>.into_iter().map(|f| f.peft_type).collect::<Vec<_>>().join(", ");
    found
        .ok_or_else(|| Error::input("adapter_config.json: peft_type", format!("one of {}", known()), peft_type, "a plugin that reads this kind must be linked"))
}

/// Builds a plugin after checking its options.
///
/// # Errors
/// No such plugin, or options that its schema does not allow (all of them in one message).
pub fn build(kind: Kind, name: &str, options: Json, cx: &mut dyn Context) -> Result<Built> {
    let plugin = find(kind, name).ok_or_else(|| unknown(kind, name))?;
    let problems = schema::check(&(plugin.schema)(), &options);
    if problems.is_empty() { (plugin.build)(options, cx) } else { Err(wrong_options(plugin, &problems)) }
}

fn unknown(kind: Kind, name: &str) -> Error {
    let names: Vec<&str> = plugins().into_iter().filter(|p| p.kind == kind).map(|p| p.name).collect();
    let near = nearest(name, names.iter().copied()).map_or_else(|| "`tongues plugins` lists them".into(), |n| format!("did you mean \"{n}\"?"));
    Error::input("use", format!("one of the {}s {}", kind.name(), names.join(", ")), format!("\"{name}\""), near)
}

fn wrong_options(plugin: &Plugin, problems: &[Problem]) -> Error {
    let lines: Vec<String> = problems.iter().map(|p| format!("{}: expected {}, found {} {}", p.path.join("."), p.expected, p.found, p.remedy)).collect();
    let at = format!("{} {}", plugin.kind.name(), plugin.name);
    Error::input(at, "valid options", lines.join("; "), format!("`tongues plugins {}` documents them", plugin.name))
}

/// Reads checked options into a plugin's own type.
///
/// # Errors
/// A rule that only the type knows.
pub fn options<T: serde::de::DeserializeOwned>(name: &str, options: Json) -> Result<T> {
    serde_json::from_value(options).map_err(|e| Error::input(name, "valid options", e, format!("`tongues plugins {name}` documents them")))
}

/// Registers a plugin: `register!(Adapter, "lora", "one line", Lora)` where the options are the plugin, or
/// `register!(Objective, "info-nce", "one line", Options => InfoNce::new)` where it is built from them.
#[macro_export]
macro_rules! register {
    ($kind:ident, $name:literal, $summary:literal, $options:ty) => {
        $crate::register!($kind, $name, $summary, $options => |options: $options, _: &mut dyn $crate::Context| -> $crate::Result<$options> { Ok(options) });
    };
    ($kind:ident, $name:literal, $summary:literal, $options:ty => $build:expr) => {
        $crate::inventory::submit! {
            $crate::Plugin {
                kind: $crate::Kind::$kind,
                name: $name,
                summary: $summary,
                origin: module_path!(),
                schema: || $crate::schemars::schema_for!($options).to_value(),
                build: |options, cx| {
                    let options: $options = $crate::options($name, options)?;
                    Ok($crate::Built::$kind(Box::new(($build)(options, cx)?)))
                },
            }
        }
    };
}

/// Registers the name that another program has for a method: `register_alias!(Merger, "their_name", "our-name", r#"{"option": 1}"#)`.
#[macro_export]
macro_rules! register_alias {
    ($kind:ident, $foreign:literal, $plugin:literal, $options:literal) => {
        $crate::inventory::submit! { $crate::Alias { kind: $crate::Kind::$kind, foreign: $foreign, plugin: $plugin, options: $options } }
    };
}

/// Registers the reader of an adapter folder: `register_format!("LORA", load)`.
#[macro_export]
macro_rules! register_format {
    ($peft_type:literal, $load:expr) => {
        $crate::inventory::submit! { $crate::PartFormat { peft_type: $peft_type, load: $load } }
    };
}
