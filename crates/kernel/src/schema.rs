//! Checks a value against a JSON schema and reports every problem with its path.
//!
//! Covers what `schemars` derives for option types: objects with known keys, required keys, types, enums, tagged
//! alternatives, ranges, arrays, maps and references. The recipe crate turns paths into file positions.

use crate::nearest;
use serde_json::Value as Json;

/// One problem: where in the value, what was expected, what was found, the nearest valid word.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Keys and indices from the root, e.g. `["stage", "0", "train", "model"]`.
    pub path: Vec<String>,
    /// The problem lies in the key itself, not in its value.
    pub on_key: bool,
    /// What is allowed here.
    pub expected: String,
    /// What is here.
    pub found: String,
    /// What to do, where one can tell.
    pub remedy: String,
}

/// All problems of `value` under `schema`. Empty means valid.
pub fn check(schema: &Json, value: &Json) -> Vec<Problem> {
    let mut walk = Walk { root: schema, path: vec![], problems: vec![] };
    walk.value(schema, value);
    walk.problems
}

struct Walk<'s> {
    root: &'s Json,
    path: Vec<String>,
    problems: Vec<Problem>,
}

impl<'s> Walk<'s> {
    fn value(&mut self, schema: &'s Json, value: &Json) {
        let schema = self.resolve(schema);
        if let Some(all) = self.choices(schema) {
            let open: Vec<&Json> = all.into_iter().filter(|a| value.is_null() || types(self.resolve(a)) != ["null"]).collect();
            return match open[..] {
                [only] => self.value(only, value),
                _ => self.alternatives(&open, value),
            };
        }
        if let Some(all) = schema.get("allOf").and_then(Json::as_array) {
            all.iter().for_each(|one| self.value(one, value));
        }
        let allowed = allowed_words(schema);
        if !allowed.is_empty() && !allowed.contains(&value) {
            return self.not_among(&allowed, value);
        }
        if !self.has_type(schema, value) {
            return;
        }
        match value {
            Json::Object(map) => self.object(schema, map),
            Json::Array(items) => self.array(schema, items),
            Json::Number(n) => self.range(schema, n.as_f64().unwrap_or(f64::NAN)),
            _ => {}
        }
    }

    fn resolve(&self, mut schema: &'s Json) -> &'s Json {
        while let Some(target) = schema.get("$ref").and_then(Json::as_str) {
            match self.root.pointer(target.trim_start_matches('#')) {
                Some(found) => schema = found,
                None => break,
            }
        }
        schema
    }

    /// The alternatives of a schema that has some; those of an alternative stand in its place.
    fn choices(&self, schema: &'s Json) -> Option<Vec<&'s Json>> {
        let own = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Json::as_array)?;
        Some(own.iter().flat_map(|one| self.choices(self.resolve(one)).unwrap_or_else(|| vec![one])).collect())
    }

    /// Takes the alternative with the fewest problems; reports those of the best one.
    fn alternatives(&mut self, alternatives: &[&'s Json], value: &Json) {
        let words: Vec<&Json> = alternatives.iter().flat_map(|a| allowed_words(self.resolve(a))).collect();
        let mut best: Option<(usize, Vec<Problem>)> = None;
        for &alternative in alternatives {
            let mut walk = Walk { root: self.root, path: self.path.clone(), problems: vec![] };
            walk.value(alternative, value);
            if walk.problems.is_empty() {
                return;
            }
            let depth = walk.problems.iter().map(|p| p.path.len()).max().unwrap_or(0);
            if best.as_ref().is_none_or(|(d, _)| depth > *d) {
                best = Some((depth, walk.problems));
            }
        }
        let of_its_type: Vec<&&Json> = alternatives.iter().filter(|a| types(self.resolve(a)).iter().any(|t| is_type(t, value))).collect();
        let (depth, problems) = best.unwrap_or_default();
        if depth > self.path.len() {
            self.problems.extend(problems);
        } else if let [only] = of_its_type[..] {
            self.value(only, value);
        } else if words.is_empty() {
            let kinds: Vec<String> = alternatives.iter().map(|a| type_words(self.resolve(a))).filter(|k| k != "null").collect();
            self.report(kinds.join(" or "), kind(value), "");
        } else {
            self.not_among(&words, value);
        }
    }

    fn not_among(&mut self, allowed: &[&Json], value: &Json) {
        let words: Vec<String> = allowed.iter().map(|w| w.to_string()).collect();
        let plain: Vec<&str> = allowed.iter().filter_map(|w| w.as_str()).collect();
        let near = value.as_str().and_then(|v| nearest(v, plain.iter().copied()));
        self.report(format!("one of {}", words.join(", ")), value, &near.map_or(String::new(), |n| format!("did you mean \"{n}\"?")));
    }

    fn has_type(&mut self, schema: &Json, value: &Json) -> bool {
        let types = types(schema);
        if types.is_empty() || types.iter().any(|t| is_type(t, value)) {
            return true;
        }
        self.report(type_words(schema), kind(value), "");
        false
    }

    fn object(&mut self, schema: &'s Json, map: &serde_json::Map<String, Json>) {
        let known = schema.get("properties").and_then(Json::as_object).map_or_else(Vec::new, |p| p.iter().collect::<Vec<_>>());
        for (key, value) in map {
            self.path.push(key.clone());
            match known.iter().find(|(k, _)| *k == key) {
                Some((_, property)) => self.value(property, value),
                None => self.other_key(schema, key, value, &known.iter().map(|(k, _)| k.as_str()).collect::<Vec<_>>()),
            }
            self.path.pop();
        }
        for key in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            // A slip in a needed key is one mistake, not two.
            let misspelt = || map.keys().any(|k| !known.iter().any(|(n, _)| *n == k) && nearest(k, known.iter().map(|(n, _)| n.as_str())) == Some(key));
            if !map.contains_key(key) && !misspelt() {
                let what = known.iter().find(|(k, _)| *k == key).and_then(|(_, p)| p.get("description")).and_then(Json::as_str);
                let found = if map.is_empty() { "nothing".into() } else { format!("only {}", map.keys().cloned().collect::<Vec<_>>().join(", ")) };
                self.report(format!("the key `{key}`"), found, &what.map_or(String::new(), |w| format!("{key}: {w}")));
            }
        }
    }

    fn other_key(&mut self, schema: &'s Json, key: &str, value: &Json, known: &[&str]) {
        match schema.get("additionalProperties") {
            Some(Json::Bool(false)) => {
                let remedy = nearest(key, known.iter().copied()).map_or(String::new(), |n| format!("did you mean `{n}`?"));
                let expected = if known.is_empty() { "no options".into() } else { format!("one of {}", known.join(", ")) };
                self.report(expected, format!("the unknown key `{key}`"), &remedy);
                if let Some(last) = self.problems.last_mut() {
                    last.on_key = true;
                }
            }
            Some(inner @ Json::Object(_)) => self.value(inner, value),
            _ => {}
        }
    }

    fn array(&mut self, schema: &'s Json, items: &[Json]) {
        if let Some(least) = schema.get("minItems").and_then(Json::as_u64)
            && (items.len() as u64) < least
        {
            self.report(format!("at least {least} entries"), items.len(), "");
        }
        let Some(inner) = schema.get("items") else { return };
        for (i, item) in items.iter().enumerate() {
            self.path.push(i.to_string());
            self.value(inner, item);
            self.path.pop();
        }
    }

    fn range(&mut self, schema: &Json, x: f64) {
        let bound = |key: &str| schema.get(key).and_then(Json::as_f64);
        let low = bound("minimum").is_some_and(|m| x < m) || bound("exclusiveMinimum").is_some_and(|m| x <= m);
        let high = bound("maximum").is_some_and(|m| x > m) || bound("exclusiveMaximum").is_some_and(|m| x >= m);
        if low || high {
            let words = [("minimum", "at least"), ("exclusiveMinimum", "more than"), ("maximum", "at most"), ("exclusiveMaximum", "less than")];
            let expected: Vec<String> = words.iter().filter_map(|(k, w)| bound(k).map(|b| format!("{w} {b}"))).collect();
            self.report(format!("a number {}", expected.join(" and ")), x, "");
        }
    }

    fn report(&mut self, expected: impl Into<String>, found: impl ToString, remedy: &str) {
        let problem = Problem { path: self.path.clone(), on_key: false, expected: expected.into(), found: found.to_string(), remedy: remedy.into() };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

fn allowed_words(schema: &Json) -> Vec<&Json> {
    match (schema.get("enum").and_then(Json::as_array), schema.get("const")) {
        (Some(words), _) => words.iter().collect(),
        (None, Some(word)) => vec![word],
        _ => vec![],
    }
}

fn types(schema: &Json) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(one)) => vec![one],
        Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).collect(),
        _ => vec![],
    }
}

fn is_type(name: &str, value: &Json) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        _ => true,
    }
}

fn type_words(schema: &Json) -> String {
    let words = types(schema).into_iter().filter(|t| *t != "null").map(|t| match t {
        "object" => "a table",
        "array" => "a list",
        "string" => "text in quotes",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        other => other,
    });
    let words: Vec<&str> = words.collect();
    if words.is_empty() { "null".into() } else { words.join(" or ") }
}

fn kind(value: &Json) -> String {
    match value {
        Json::Object(_) => "a table".into(),
        Json::Array(_) => "a list".into(),
        Json::Null => "nothing".into(),
        Json::String(text) => format!("the text {text:?}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Options {
        /// The rank.
        #[schemars(range(min = 1))]
        r: u32,
        kind: Option<Way>,
        #[serde(default)]
        targets: Vec<String>,
    }
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    #[allow(dead_code)]
    enum Way {
        Mean,
        Random,
    }

    fn problems(value: Json) -> Vec<Problem> {
        check(&schemars::schema_for!(Options).to_value(), &value)
    }

    #[test]
    fn a_valid_value_has_no_problem() {
        assert_eq!(problems(json!({"r": 4, "kind": "mean", "targets": ["q"]})), vec![]);
        assert_eq!(problems(json!({"r": 4, "kind": null})), vec![]);
    }

    #[test]
    fn every_problem_is_reported_with_its_place() {
        let found = problems(json!({"r": 0, "kind": "maen", "target": 1, "targets": ["a", 3]}));
        let paths: Vec<String> = found.iter().map(|p| p.path.join(".")).collect();
        assert_eq!(paths, ["r", "kind", "target", "targets.1"]);
        assert_eq!(found[1].remedy, "did you mean \"mean\"?");
        assert_eq!(found[2].remedy, "did you mean `targets`?");
        assert!(found[2].on_key && !found[0].on_key);
    }

    #[test]
    fn a_missing_key_is_named_with_its_meaning() {
        let found = problems(json!({}));
        assert_eq!((found[0].expected.as_str(), found[0].remedy.as_str()), ("the key `r`", "r: The rank."));
    }
}
