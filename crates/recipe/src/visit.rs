//! Finds what a schema marks in a value: plugins (`x-plugin`) and references to other things (`x-ref`).

use serde_json::{Map, Value as Json};
use tongues_kernel::Kind;
use tongues_kernel::schema::check;

/// What a reference names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Data,
    Model,
    Tokenizer,
    Format,
}

impl Target {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "data" => Some(Self::Data),
            "model" => Some(Self::Model),
            "tokenizer" => Some(Self::Tokenizer),
            "format" => Some(Self::Format),
            _ => None,
        }
    }
}

/// A place where a plugin is named.
#[derive(Clone, Debug)]
pub(crate) struct PluginSpot {
    pub(crate) kind: Kind,
    /// Path of the table that holds `use` and the options.
    pub(crate) path: Vec<String>,
    /// Keys of the table that are not the plugin's options.
    pub(crate) own: Vec<String>,
    pub(crate) entry: Map<String, Json>,
}

/// A place where something else of the recipe is named.
#[derive(Clone, Debug)]
pub(crate) struct RefSpot {
    pub(crate) target: Target,
    /// `*` matches any run of characters.
    pub(crate) glob: bool,
    pub(crate) path: Vec<String>,
    pub(crate) name: String,
}

/// Everything marked in one value.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    pub(crate) plugins: Vec<PluginSpot>,
    pub(crate) refs: Vec<RefSpot>,
}

/// All marks of `value`, which lies at `path`, under `schema`.
pub(crate) fn visit(schema: &Json, value: &Json, path: &[String]) -> Marks {
    let mut walk = Walk { root: schema, path: path.to_vec(), marks: Marks::default() };
    walk.value(schema, value);
    walk.marks
}

/// The schema without its `null` alternatives, which TOML cannot write: problems then speak of what can be written.
pub(crate) fn without_null(mut schema: Json) -> Json {
    strip(&mut schema);
    schema
}

fn strip(schema: &mut Json) {
    match schema {
        Json::Array(items) => items.iter_mut().for_each(strip),
        Json::Object(map) => {
            map.values_mut().for_each(strip);
            if let Some(Json::Array(types)) = map.get_mut("type") {
                types.retain(|t| t != "null");
                if let [one] = types.as_slice() {
                    map["type"] = one.clone();
                }
            }
            for key in ["anyOf", "oneOf"] {
                strip_alternatives(map, key);
            }
        }
        _ => {}
    }
}

/// Drops the null alternative; a single one left is put in the place of the choice.
fn strip_alternatives(map: &mut Map<String, Json>, key: &str) {
    let Some(Json::Array(alternatives)) = map.get_mut(key) else { return };
    alternatives.retain(|a| a.get("type").is_none_or(|t| t != "null"));
    if let [Json::Object(only)] = alternatives.as_slice() {
        let only = only.clone();
        map.remove(key);
        only.into_iter().for_each(|(k, v)| {
            map.entry(k).or_insert(v);
        });
    }
}

struct Walk<'s> {
    root: &'s Json,
    path: Vec<String>,
    marks: Marks,
}

impl<'s> Walk<'s> {
    fn value(&mut self, schema: &'s Json, value: &Json) {
        if let Some(target) = target(schema) {
            let glob = schema.get("x-glob").and_then(Json::as_bool).unwrap_or(false);
            return self.reference(target, glob, value);
        }
        if let Some(kind) = plugin_kind(schema) {
            return self.plugin(kind, &["use".to_owned()], value);
        }
        if let Some(target) = resolve(self.root, schema) {
            return self.value(target, value);
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(alternatives) = schema.get(key).and_then(Json::as_array)
                && let Some(one) = self.pick(alternatives, value)
            {
                self.value(one, value);
            }
        }
        for one in schema.get("allOf").and_then(Json::as_array).into_iter().flatten() {
            self.value(one, value);
        }
        match value {
            Json::Object(map) => self.object(schema, map),
            Json::Array(items) => self.array(schema, items),
            _ => {}
        }
    }

    /// The alternative the value fits, or the first where it fits none.
    fn pick(&self, alternatives: &'s [Json], value: &Json) -> Option<&'s Json> {
        let fits = |a: &&Json| {
            let mut alone = (*a).clone();
            if let (Some(map), Some(defs)) = (alone.as_object_mut(), self.root.get("$defs")) {
                map.insert("$defs".into(), defs.clone());
            }
            check(&alone, value).is_empty()
        };
        alternatives.iter().find(fits).or(alternatives.first())
    }

    fn object(&mut self, schema: &'s Json, map: &Map<String, Json>) {
        let empty = Map::new();
        let known = schema.get("properties").and_then(Json::as_object);
        let own: Vec<String> = known.unwrap_or(&empty).keys().cloned().collect();
        if let Some(target) = schema.get("x-ref-keys").and_then(Json::as_str).and_then(Target::parse) {
            self.keys(target, map);
        }
        for (key, value) in map {
            let property = known.and_then(|k| k.get(key));
            let Some(inner) = property.or_else(|| schema.get("additionalProperties")) else { continue };
            if let (Some(kind), Json::String(_)) = (plugin_kind(inner), value) {
                self.plugin(kind, &own, &Json::Object(map.clone()));
                continue;
            }
            self.path.push(key.clone());
            self.value(inner, value);
            self.path.pop();
        }
    }

    /// The keys of a table are names of other things.
    fn keys(&mut self, target: Target, map: &Map<String, Json>) {
        for name in map.keys() {
            let path = [self.path.as_slice(), std::slice::from_ref(name)].concat();
            self.marks.refs.push(RefSpot { target, glob: false, path, name: name.clone() });
        }
    }

    fn array(&mut self, schema: &'s Json, items: &[Json]) {
        let Some(inner) = schema.get("items") else { return };
        self.each(items, |walk, item| walk.value(inner, item));
    }

    fn each(&mut self, items: &[Json], mut f: impl FnMut(&mut Self, &Json)) {
        for (i, item) in items.iter().enumerate() {
            self.path.push(i.to_string());
            f(self, item);
            self.path.pop();
        }
    }

    fn reference(&mut self, target: Target, glob: bool, value: &Json) {
        match value {
            Json::String(name) => {
                let (path, name) = (self.path.clone(), name.clone());
                self.marks.refs.push(RefSpot { target, glob, path, name });
            }
            Json::Array(items) => self.each(items, |walk, item| walk.reference(target, glob, item)),
            _ => {}
        }
    }

    fn plugin(&mut self, kind: Kind, own: &[String], value: &Json) {
        match value {
            Json::Object(entry) => {
                let (path, own, entry) = (self.path.clone(), own.to_vec(), entry.clone());
                self.marks.plugins.push(PluginSpot { kind, path, own, entry });
            }
            Json::Array(items) => self.each(items, |walk, item| walk.plugin(kind, own, item)),
            _ => {}
        }
    }
}

/// What a `$ref` points to.
pub(crate) fn resolve<'s>(root: &'s Json, schema: &Json) -> Option<&'s Json> {
    let target = schema.get("$ref").and_then(Json::as_str)?;
    root.pointer(target.trim_start_matches('#'))
}

fn target(schema: &Json) -> Option<Target> {
    schema.get("x-ref").and_then(Json::as_str).and_then(Target::parse)
}

pub(crate) fn plugin_kind(schema: &Json) -> Option<Kind> {
    schema.get("x-plugin").and_then(Json::as_str).and_then(Kind::parse)
}
