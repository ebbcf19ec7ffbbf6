//! The JSON schema of a whole recipe with every plugin's options woven in, for editors.
//!
//! Where a recipe names a plugin, the schema has one alternative for each registered plugin of the kind: `use` is its
//! name, the other keys are its options. Text such as `"{r}"` is allowed for numbers and flags, as sweeps fill it in.

use crate::ast::Recipe;
use crate::catalogue::Catalogue;
use crate::visit::{plugin_kind, without_null};
use serde_json::{Map, Value as Json, json};
use tongues_kernel::Kind;

/// The schema of recipes (JSON Schema 2020-12) that use the catalogue's plugins.
pub fn schema(catalogue: &dyn Catalogue) -> Json {
    let mut root = without_null(schemars::schema_for!(Recipe).to_value());
    let mut weave = Weave { catalogue, defs: Map::new() };
    if let Some(Json::Object(defs)) = root.get_mut("$defs").map(Json::take) {
        for (name, def) in defs {
            let woven = weave.definition(def);
            weave.defs.insert(name, woven);
        }
    }
    weave.defs.iter_mut().for_each(|(_, def)| allow_placeholders(def));
    root["$defs"] = Json::Object(weave.defs);
    root
}

struct Weave<'c> {
    catalogue: &'c dyn Catalogue,
    defs: Map<String, Json>,
}

impl Weave<'_> {
    /// A definition with its plugin places filled: either it has a `use` of a kind, or a property is of plugins.
    fn definition(&mut self, mut def: Json) -> Json {
        let kind = def.pointer("/properties/use").and_then(plugin_kind);
        if let Some(kind) = kind {
            return self.alternatives(kind, &def).unwrap_or(def);
        }
        for (_, property) in def.get_mut("properties").and_then(Json::as_object_mut).into_iter().flatten() {
            if let Some(kind) = plugin_kind(property) {
                self.property(kind, property);
            }
        }
        def
    }

    /// A list of plugins, or one plugin.
    fn property(&mut self, kind: Kind, property: &mut Json) {
        if self.catalogue.names(kind).is_empty() {
            return;
        }
        // Plugins may take plugins of their own kind: the name stands before the definition is there.
        if !self.defs.contains_key(kind.name()) {
            self.defs.insert(kind.name().to_owned(), Json::Null);
            let own = json!({ "type": "object", "properties": { "use": { "type": "string" } }, "required": ["use"] });
            let entry = self.alternatives(kind, &own).unwrap_or(own);
            self.defs.insert(kind.name().to_owned(), entry);
        }
        let pointer = json!({ "$ref": format!("#/$defs/{}", kind.name()) });
        match property.get_mut("items") {
            Some(items) => *items = pointer,
            None => property["$ref"] = pointer["$ref"].clone(),
        }
    }

    /// One alternative a plugin; none where the catalogue has no plugin of the kind.
    fn alternatives(&mut self, kind: Kind, own: &Json) -> Option<Json> {
        let names = self.catalogue.names(kind);
        let each: Vec<Json> = names.iter().filter_map(|name| self.alternative(kind, name, own)).collect();
        let description = own.get("description").cloned();
        let mut entry = json!({ "oneOf": each });
        description.into_iter().for_each(|d| entry["description"] = d);
        (!each.is_empty()).then_some(entry)
    }

    /// The entry's own keys and the plugin's options as one table.
    fn alternative(&mut self, kind: Kind, name: &str, own: &Json) -> Option<Json> {
        let prefix = format!("{}.{name}", kind.name());
        let mut options = without_null(self.catalogue.schema(kind, name)?);
        rename(&mut options, &prefix);
        if let Some(Json::Object(defs)) = options.get_mut("$defs").map(Json::take) {
            self.defs.extend(defs.into_iter().map(|(k, d)| (format!("{prefix}.{k}"), d)));
        }
        let mut table = own.clone();
        let properties = table.get_mut("properties")?.as_object_mut()?;
        properties.insert("use".into(), json!({ "const": name }));
        for (key, property) in options.get_mut("properties").and_then(Json::as_object_mut).into_iter().flatten() {
            if let Some(kind) = plugin_kind(property) {
                self.property(kind, property);
            }
            properties.entry(key.clone()).or_insert_with(|| property.take());
        }
        let required = |j: &Json| j.get("required").and_then(Json::as_array).cloned().unwrap_or_default();
        table["required"] = Json::Array([required(own), required(&options)].concat());
        table["additionalProperties"] = options.get("additionalProperties").cloned().unwrap_or(json!(true));
        table["title"] = json!(name);
        options.get("description").into_iter().for_each(|d| table["description"] = d.clone());
        Some(table)
    }
}

/// Moves a plugin's references to its definitions, which get the plugin's name in front.
fn rename(schema: &mut Json, prefix: &str) {
    match schema {
        Json::Array(items) => items.iter_mut().for_each(|item| rename(item, prefix)),
        Json::Object(map) => {
            map.values_mut().for_each(|value| rename(value, prefix));
            if let Some(Json::String(target)) = map.get_mut("$ref")
                && let Some(name) = target.strip_prefix("#/$defs/")
            {
                *target = format!("#/$defs/{prefix}.{name}");
            }
        }
        _ => {}
    }
}

/// Numbers and flags may be written as `"{key}"` in a stage with `for`.
fn allow_placeholders(schema: &mut Json) {
    match schema {
        Json::Array(items) => items.iter_mut().for_each(allow_placeholders),
        Json::Object(map) => {
            map.values_mut().for_each(allow_placeholders);
            let kind = map.get("type").and_then(Json::as_str);
            if kind.is_some_and(|t| ["integer", "number", "boolean"].contains(&t)) && !map.contains_key("const") {
                let notes: Vec<_> = ["description", "default"].into_iter().filter_map(|key| map.remove_entry(key)).collect();
                let plain = Json::Object(std::mem::take(map));
                map.insert("anyOf".into(), json!([plain, { "type": "string", "pattern": "\\{[A-Za-z0-9_-]+\\}" }]));
                map.extend(notes);
            }
        }
        _ => {}
    }
}
