//! A plugin of this test, through the same door as everyone else's.

use super::tools::*;
use super::toy::toy;
use serde_json::json;
use tongues_kernel::schemars::{self, JsonSchema};
use tongues_kernel::*;

/// Notes a sentence.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Sayer {
    /// What it says.
    sentence: String,
    /// How often.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    times: u32,
    /// Whose.
    model: Option<ModelRef>,
}

fn one() -> u32 {
    1
}

impl Adapter for Sayer {
    fn attach(&self, model: &mut Model, _: &mut dyn Context) -> Result<()> {
        let whose = self.model.as_ref().map_or(String::new(), |m| format!("{}: ", m.0));
        model.lineage.steps.extend((0..self.times).map(|_| format!("{whose}{}", self.sentence)));
        Ok(())
    }
}
register!(Adapter, "sayer", "Notes a sentence in the lineage.", Sayer);

struct Shouter(Sayer);
impl Shouter {
    fn new(options: Sayer, _: &mut dyn Context) -> Result<Self> {
        if options.sentence.is_empty() { refuse("sentence", "some text", "none", "") } else { Ok(Self(options)) }
    }
}
impl Adapter for Shouter {
    fn attach(&self, model: &mut Model, _: &mut dyn Context) -> Result<()> {
        model.lineage.steps.push(self.0.sentence.to_uppercase());
        Ok(())
    }
}
register!(Adapter, "shouter", "Notes it in capitals.", Sayer => Shouter::new);

fn lineage(name: &str, options: serde_json::Value) -> Result<Vec<String>> {
    let mut cx = Models::of(&[]);
    let Built::Adapter(adapter) = build(Kind::Adapter, name, options, &mut cx)? else { return refuse("kind", "an adapter", "another", "") };
    let mut model = toy(1);
    adapter.attach(&mut model, &mut cx)?;
    Ok(model.lineage.steps)
}

#[test]
fn a_registered_plugin_is_found_and_built() {
    let plugin = find(Kind::Adapter, "sayer").unwrap();
    assert_eq!((plugin.summary, plugin.kind.name()), ("Notes a sentence in the lineage.", "adapter"));
    assert_eq!((plugin.schema)()["properties"]["model"]["x-ref"], "model", "references are marked for the recipe");
    assert!(find(Kind::Decoder, "sayer").is_none());
    let names: Vec<&str> = plugins().iter().map(|p| p.name).collect();
    assert_eq!(names, ["sayer", "shouter"]);
    assert_eq!(lineage("sayer", json!({ "sentence": "a", "times": 2, "model": "m" })).unwrap(), ["m: a", "m: a"]);
    assert_eq!(lineage("shouter", json!({ "sentence": "a" })).unwrap(), ["A"]);
}

#[test]
fn wrong_options_are_told_all_at_once() {
    let error = lineage("sayer", json!({ "times": 0, "sentense": "a", "model": 3 })).unwrap_err().to_string();
    for piece in ["times: expected a number at least 1, found 0", "the unknown key `sentense`", "did you mean `sentence`?", "model: "] {
        assert!(error.contains(piece), "{piece} is not in: {error}");
    }
    assert!(!error.contains("the key `sentence`"), "a slip in a needed key is one problem: {error}");
    assert!(lineage("sayer", json!({ "times": 1 })).unwrap_err().to_string().contains("the key `sentence`"));
    let error = lineage("sayre", json!({})).unwrap_err().to_string();
    assert!(error.contains("did you mean \"sayer\"?"), "{error}");
    assert!(lineage("shouter", json!({ "sentence": "" })).unwrap_err().to_string().starts_with("sentence: expected some text"));
}
