//! A plugin's options as text for people: name, type, default, range, meaning.

use crate::visit::{resolve, without_null};
use serde_json::Value as Json;

/// Renders the JSON schema of a plugin's options, one option after the other, nested tables indented.
///
/// ```
/// # use serde_json::json;
/// let schema = json!({ "properties": { "r": { "type": "integer", "minimum": 1, "default": 8, "description": "The rank." } } });
/// assert_eq!(tongues_recipe::options_text(&schema), "r: whole number, at least 1; default 8\n    The rank.\n");
/// ```
pub fn options_text(schema: &Json) -> String {
    let schema = without_null(schema.clone());
    let text = Pages { root: &schema }.table(&schema, 0);
    if text.is_empty() { "no options\n".into() } else { text }
}

/// Tables in tables beyond this are not spelled out: a schema may refer to itself.
const DEEPEST: usize = 3;

struct Pages<'s> {
    root: &'s Json,
}

impl Pages<'_> {
    fn table(&self, schema: &Json, depth: usize) -> String {
        let properties = schema.get("properties").and_then(Json::as_object).into_iter().flatten();
        let required = schema.get("required").and_then(Json::as_array);
        let is_required = |key: &str| required.is_some_and(|r| r.iter().any(|k| k == key));
        properties.map(|(key, property)| self.option(key, property, is_required(key), depth)).collect()
    }

    fn option(&self, key: &str, property: &Json, required: bool, depth: usize) -> String {
        let pad = "    ".repeat(depth);
        let inner = self.follow(property);
        let default = match property.get("default").filter(|d| !d.is_null()) {
            Some(value) => format!("; default {value}"),
            None if required => "; required".to_owned(),
            None => "; optional".to_owned(),
        };
        let mut text = format!("{pad}{key}: {}{default}\n", self.kind(property));
        let meaning = property.get("description").or_else(|| inner.get("description")).and_then(Json::as_str);
        for line in meaning.unwrap_or("").lines() {
            text += &format!("{pad}    {line}\n");
        }
        text += &self.words(inner, &pad);
        let nested = inner.get("items").map_or(inner, |items| self.follow(items));
        if depth < DEEPEST && marked(property).is_none() { text + &self.table(nested, depth + 1) } else { text }
    }

    /// The meaning of each allowed word, where it has one.
    fn words(&self, schema: &Json, pad: &str) -> String {
        let alternatives = schema.get("oneOf").and_then(Json::as_array).into_iter().flatten();
        let line = |a: &Json| Some(format!("{pad}    {}: {}\n", a.get("const")?, a.get("description")?.as_str()?));
        alternatives.filter_map(line).collect()
    }

    fn follow<'a>(&'a self, schema: &'a Json) -> &'a Json {
        resolve(self.root, schema).unwrap_or(schema)
    }

    /// The type in words, with its range.
    fn kind(&self, schema: &Json) -> String {
        if let Some(kind) = marked(schema) {
            return kind;
        }
        let schema = self.follow(schema);
        if let Some(words) = words(schema) {
            return words;
        }
        if let Some(alternatives) = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Json::as_array) {
            let kinds: Vec<String> = alternatives.iter().map(|a| self.kind(a)).collect();
            return kinds.join(" or ");
        }
        let name = match schema.get("type") {
            Some(Json::String(name)) => self.type_name(name, schema),
            Some(Json::Array(names)) => {
                let names = names.iter().filter_map(Json::as_str).map(|n| self.type_name(n, schema));
                names.collect::<Vec<_>>().join(" or ")
            }
            _ => "any value".to_owned(),
        };
        name + &range(schema)
    }

    fn type_name(&self, name: &str, schema: &Json) -> String {
        match name {
            "integer" => "whole number".into(),
            "number" => "number".into(),
            "string" => "text".into(),
            "boolean" => "true or false".into(),
            "array" => schema.get("items").map_or_else(|| "list".into(), |items| format!("list of {}", self.kind(items))),
            "object" => "table".into(),
            other => other.into(),
        }
    }
}

/// Names of plugins and of other things of the recipe.
fn marked(schema: &Json) -> Option<String> {
    let each = if schema.get("type").is_some_and(|t| t == "array") { "list, each " } else { "" };
    if let Some(kind) = schema.get("x-plugin").and_then(Json::as_str) {
        return Some(format!("{each}a plugin of the kind {kind}, with its options"));
    }
    let what = match schema.get("x-ref").and_then(Json::as_str)? {
        "data" => "data set",
        other => other,
    };
    Some(format!("{each}the name of a {what} in the recipe"))
}

/// The allowed words of an enumeration, if it is one.
fn words(schema: &Json) -> Option<String> {
    let direct = schema.get("enum").and_then(Json::as_array).cloned();
    let constant = schema.get("const").map(|word| vec![word.clone()]);
    let each = || schema.get("oneOf")?.as_array()?.iter().map(|a| a.get("const").cloned()).collect::<Option<Vec<_>>>();
    let words = direct.or(constant).or_else(each)?;
    let listed = words.iter().map(Json::to_string).collect::<Vec<_>>().join(", ");
    Some(if words.len() == 1 { listed } else { format!("one of {listed}") })
}

fn range(schema: &Json) -> String {
    let word = |(key, word): (&str, &str)| {
        // An unsigned type says "minimum 0" of itself, which tells nobody anything.
        let silent = key == "minimum" && schema.get("format").and_then(Json::as_str).is_some_and(|f| f.starts_with("uint"));
        let bound = schema.get(key).filter(|b| !(silent && b.as_f64() == Some(0.0)))?;
        Some(format!(", {word} {bound}"))
    };
    let bounds = [("minimum", "at least"), ("exclusiveMinimum", "more than"), ("maximum", "at most"), ("exclusiveMaximum", "less than")];
    bounds.into_iter().filter_map(word).collect()
}
