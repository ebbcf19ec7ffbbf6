//! What every check works on: the tree with its places, the same as JSON, and the report.

use crate::catalogue::Catalogue;
use crate::diagnostics::{Finding, Report};
use crate::node::{Node, dotted};
use crate::visit::{PluginSpot, RefSpot, visit, without_null};
use serde_json::{Map, Value as Json};
use tongues_kernel::schema::{Problem, check};
use tongues_kernel::{Kind, nearest};

/// The document under check.
pub(crate) struct Checks<'d, 's> {
    pub(crate) root: &'d Node,
    pub(crate) json: &'d Json,
    pub(crate) report: &'d mut Report<'s>,
    /// Options that a plugin's schema has a default for and the recipe leaves out: path of the table, key, value.
    pub(crate) defaults: Vec<(Vec<String>, String, Json)>,
}

impl Checks<'_, '_> {
    /// Reports a problem of the value at `path`.
    pub(crate) fn tell(&mut self, path: &[String], finding: Finding) {
        let origin = self.root.origin(path, false);
        self.report.push(&origin, dotted(self.root, path), finding);
    }

    /// Reports a problem of the key at the end of `path`.
    pub(crate) fn tell_key(&mut self, path: &[String], finding: Finding) {
        let origin = self.root.origin(path, true);
        self.report.push(&origin, dotted(self.root, path), finding);
    }

    /// Checks the whole document against the recipe's own schema, then all plugins against theirs.
    /// Returns every reference that was found.
    pub(crate) fn schemas(&mut self, schema: &Json, catalogue: &dyn Catalogue) -> Vec<RefSpot> {
        self.against(schema, self.json, &[]);
        let mut marks = visit(schema, self.json, &[]);
        // Options may name plugins in turn, so the list grows while it is walked.
        let mut next = 0;
        while let Some(spot) = marks.plugins.get(next).cloned() {
            next += 1;
            if let Some((schema, options)) = self.plugin(&spot, catalogue) {
                self.against(&schema, &options, &spot.path);
                self.defaults.extend(defaults(&schema, &options).map(|(k, v)| (spot.path.clone(), k, v)));
                let inner = visit(&schema, &options, &spot.path);
                marks.plugins.extend(inner.plugins);
                marks.refs.extend(inner.refs);
            }
        }
        marks.refs
    }

    fn against(&mut self, schema: &Json, value: &Json, base: &[String]) {
        for Problem { path, on_key, expected, found, remedy } in check(schema, value) {
            let path = [base, &path].concat();
            let finding = Finding::new(expected, found, remedy);
            if on_key { self.tell_key(&path, finding) } else { self.tell(&path, finding) }
        }
    }

    /// The schema and the options of a plugin, or a problem where it is unknown.
    fn plugin(&mut self, spot: &PluginSpot, catalogue: &dyn Catalogue) -> Option<(Json, Json)> {
        let name = spot.entry.get("use").and_then(Json::as_str)?;
        let Some(schema) = catalogue.schema(spot.kind, name) else {
            let path = [&spot.path[..], &["use".to_owned()]].concat();
            self.tell(&path, unknown_plugin(spot.kind, name, catalogue));
            return None;
        };
        let is_option = |(key, _): &(&String, &Json)| !spot.own.contains(key);
        let options: Map<String, Json> = spot.entry.iter().filter(is_option).map(|(k, v)| (k.clone(), v.clone())).collect();
        Some((without_null(schema), Json::Object(options)))
    }
}

fn unknown_plugin(kind: Kind, name: &str, catalogue: &dyn Catalogue) -> Finding {
    let names = catalogue.names(kind);
    let kind = kind.name();
    let expected = match names.is_empty() {
        true => format!("a registered {kind} plugin, of which this program has none"),
        false => format!("a registered {kind} plugin: one of {}", names.join(", ")),
    };
    let near = nearest(name, names.iter().map(String::as_str));
    let list = "`tongues plugins` lists all";
    let remedy = near.map_or_else(|| list.to_owned(), |n| format!("did you mean \"{n}\"? {list}"));
    Finding::new(expected, format!("{name:?}"), remedy)
}

/// The defaults TOML can write, of the options that are not given.
fn defaults<'j>(schema: &'j Json, options: &'j Json) -> impl Iterator<Item = (String, Json)> + 'j {
    let properties = schema.get("properties").and_then(Json::as_object).into_iter().flatten();
    let absent = properties.filter(|(key, _)| options.get(key).is_none());
    absent.filter_map(|(key, p)| Some((key.clone(), p.get("default").filter(|d| writable(d))?.clone())))
}

fn writable(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Array(items) => items.iter().all(writable),
        Json::Object(map) => map.values().all(writable),
        _ => true,
    }
}
