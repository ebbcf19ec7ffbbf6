//! A valid recipe to spoil, and plugins that exist only here.
#![allow(dead_code)]

use serde_json::{Value as Json, json};
use tongues_kernel::Kind;
use tongues_recipe::{Catalogue, Diagnostics, Loaded, parse};

pub const GOOD: &str = r#"recipe = 1
name = "basque"
seed = 7

[tokenizers.t]
train = { size = 300, data = "corpus.train" }

[models.base]
checkpoint = "models/base"

[models.fresh]
scratch = { use = "llama", tokenizer = "t", hidden_size = 64 }

[data.corpus]
path = "corpus.tsv"
curate = [{ use = "dedup" }]
split = { dev = 0.1 }

[data.toy]
world = { language = "pivot", sentences = 100 }

[[stage]]
name = "adapt"
train = { model = "base", data = "corpus.train", budget = { steps = 5 }, learning_rate = 1e-3 }
adapters = [{ use = "lora", r = 8 }]
weights = [{ select = { layers = [0, 3] }, train = true }, { select = "*", train = false }]
objectives = [{ use = "causal-lm" }]

[[stage]]
name = "mix"
merge = { use = "linear", models = ["base", "adapt"], shares = [0.5, 0.5] }

[[stage]]
name = "score"
evaluate = { models = ["base", "ad*"], on = [{ use = "bits-per-byte", data = "corpus.dev", limit = 9 }] }

[[stage]]
name = "write"
generate = { model = "mix", prompts = ["Kaixo"], decode = { use = "sampling", temperature = 0.8 } }
"#;

/// One made-up plugin or two of every kind.
pub struct Fake;

impl Catalogue for Fake {
    fn names(&self, kind: Kind) -> Vec<String> {
        let names: &[&str] = match kind {
            Kind::Backbone => &["llama"],
            Kind::Adapter => &["lora", "prefix"],
            Kind::Objective => &["causal-lm", "distil"],
            Kind::Merger => &["linear"],
            Kind::Evaluator => &["bits-per-byte", "chrf"],
            Kind::Curator => &["dedup", "filter"],
            Kind::Decoder => &["sampling"],
        };
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    fn schema(&self, kind: Kind, name: &str) -> Option<Json> {
        let (required, properties) = match (kind, name) {
            (Kind::Backbone, "llama") => (json!(["hidden_size"]), json!({ "hidden_size": { "type": "integer", "minimum": 1 } })),
            (Kind::Adapter, "lora") => (json!([]), lora()),
            (Kind::Objective, "distil") => (json!(["teacher"]), distil()),
            (Kind::Merger, "linear") => (json!([]), json!({ "shares": { "type": ["array", "null"], "items": { "type": "number" } } })),
            (Kind::Evaluator, "chrf") => (json!(["decode"]), json!({ "decode": { "$ref": "#/$defs/Use", "x-plugin": "decoder" } })),
            (Kind::Curator, "filter") => (json!(["model"]), json!({ "model": { "type": "string", "x-ref": "model" } })),
            (Kind::Decoder, "sampling") => (json!([]), json!({ "temperature": { "type": "number", "exclusiveMinimum": 0 } })),
            _ if self.names(kind).iter().any(|n| n == name) => (json!([]), json!({})),
            _ => return None,
        };
        let definitions = json!({
            "Use": { "type": "object", "properties": { "use": { "type": "string" } }, "required": ["use"] },
            "Side": { "type": "object", "properties": { "model": { "type": "string", "x-ref": "model" }, "data": { "type": "string", "x-ref": "data" } },
                "additionalProperties": false },
        });
        Some(json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false, "$defs": definitions }))
    }
}

fn lora() -> Json {
    json!({
        "r": { "type": "integer", "minimum": 1, "default": 8, "description": "Rank of the update." },
        "dropout": { "type": "number", "minimum": 0, "maximum": 1, "default": 0.0 },
        "init": { "anyOf": [{ "type": "string", "enum": ["zero", "random"] }, { "type": "null" }], "default": null },
    })
}

fn distil() -> Json {
    json!({ "teacher": { "anyOf": [{ "$ref": "#/$defs/Side" }, { "type": "string", "x-ref": "model" }] } })
}

pub fn load(text: &str) -> Result<Loaded, Diagnostics> {
    parse(text, "r.toml", &[], &Fake)
}

/// The good recipe with one piece replaced.
pub fn spoiled(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old:?} is not in the good recipe");
    GOOD.replacen(old, new, 1)
}

/// Each problem without its excerpt, help on the same line.
pub fn problems(text: &str) -> Vec<String> {
    told(load(text))
}

/// `old` replaced by `new` in the good recipe gives exactly these problems, in this order.
#[track_caller]
pub fn wrong(old: &str, new: &str, expected: &[&str]) {
    assert_eq!(problems(&spoiled(old, new)), expected, "{old:?} replaced by {new:?}");
}

/// The same as [`problems`], with overrides.
pub fn problems_with(text: &str, overrides: &[&str]) -> Vec<String> {
    let overrides: Vec<String> = overrides.iter().map(|o| (*o).to_owned()).collect();
    told(parse(text, "r.toml", &overrides, &Fake))
}

fn told(result: Result<Loaded, Diagnostics>) -> Vec<String> {
    let problems = result.err().map_or_else(Vec::new, |d| d.problems);
    problems.into_iter().map(|p| tongues_recipe::Diagnostic { excerpt: None, ..p }.to_string().replace("\n  help: ", " | ")).collect()
}
