//! Configurations of mergekit (YAML) as merges of this project; keys and meaning are those of mergekit 0.1.5.

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use std::path::Path;
use tongues_io::Dtype;
use tongues_kernel::{Error, Kind, Result, foreign, refuse};
use tongues_recipe::Recipe;
use tongues_recipe::ast::Merge;

/// A configuration as it stands in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    merge_method: String,
    models: Option<Vec<Entry>>,
    slices: Option<Vec<Slice>>,
    modules: Option<Map<String, Json>>,
    base_model: Option<String>,
    parameters: Option<Map<String, Json>>,
    dtype: Option<String>,
    out_dtype: Option<String>,
    tokenizer_source: Option<String>,
    tokenizer: Option<Json>,
    chat_template: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    model: String,
    parameters: Option<Map<String, Json>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Slice {
    sources: Vec<Source>,
    parameters: Option<Map<String, Json>>,
    base_model: Option<String>,
    residual_weight: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    model: String,
    layer_range: [usize; 2],
    parameters: Option<Map<String, Json>>,
}

/// A merge read from a file of mergekit.
#[derive(Debug)]
pub struct Import {
    /// A recipe with the models, under the names that the file has for them, and one stage.
    pub recipe: Recipe,
    /// The dtype of the result, where the file says one.
    pub dtype: Option<Dtype>,
    /// The file's text.
    pub text: String,
}

impl Import {
    /// Reads a file. Models are named as there: a folder, a name of the hub, with `@revision` and `+adapter`.
    ///
    /// # Errors
    /// It is not YAML, has a key that mergekit does not have, or asks for something that cannot be done.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::input(path.display(), "a configuration of mergekit", e, "check the path"))?;
        Self::parse(&text).map_err(|e| e.within(path.display()))
    }

    /// Reads a text.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |e: &dyn std::fmt::Display| {
            Error::input("mergekit", "a configuration with mergekit's keys", e, "docs: merge_method, models or slices, base_model, parameters, dtype")
        };
        let config: Config = serde_yaml_ng::from_str(text).map_err(|e| wrong(&e))?;
        config.check()?;
        let dtype = config.out_dtype.as_deref().or(config.dtype.as_deref()).map(dtype).transpose()?;
        let merge = config.merge()?;
        let _: Merge = serde_json::from_value(merge.clone()).map_err(|e| wrong(&e))?;
        let models: Map<String, Json> = config.names().into_iter().map(|name| (name.to_owned(), model(name))).collect();
        let recipe = json!({ "recipe": 1, "name": "merge", "models": models, "stage": [{ "name": "merged", "merge": merge }] });
        Ok(Self { recipe: serde_json::from_value(recipe).map_err(|e| wrong(&e))?, dtype, text: text.into() })
    }

    /// The merge.
    ///
    /// # Errors
    /// Never: the recipe has one.
    pub fn merge(&self) -> Result<&Merge> {
        self.recipe.stage.first().and_then(|s| s.merge.as_ref()).ok_or_else(|| Error::run("mergekit", "a recipe without its merge"))
    }
}

impl Config {
    fn check(&self) -> Result<()> {
        let given = [self.models.is_some(), self.slices.is_some(), self.modules.is_some()].iter().filter(|g| **g).count();
        if given != 1 {
            return refuse("models", "exactly one of `models`, `slices` and `modules`", given, "see mergekit's README");
        }
        if self.modules.is_some() {
            return refuse("modules", "`models` or `slices`", "`modules`", "models with several modules are not merged; merge their parts one by one");
        }
        if self.tokenizer_source.is_some() && self.tokenizer.is_some() {
            return refuse("tokenizer", "one of `tokenizer_source` and `tokenizer`", "both", "keep `tokenizer`");
        }
        for slice in self.slices.iter().flatten() {
            if slice.residual_weight.is_some() {
                return refuse("slices: residual_weight", "no such key", "one", "mergekit reads it and does nothing with it; take it out");
            }
            if slice.base_model.as_ref().is_some_and(|base| Some(base) != self.base_model.as_ref()) {
                return refuse(
                    "slices: base_model",
                    "the base of the whole merge",
                    format!("{:?}", slice.base_model),
                    "merge slices with other bases in steps",
                );
            }
        }
        Ok(())
    }

    /// All models, as they are written.
    fn names(&self) -> Vec<&str> {
        let entries = self.models.iter().flatten().map(|e| e.model.as_str());
        let sources = self.slices.iter().flatten().flat_map(|s| &s.sources).map(|s| s.model.as_str());
        entries.chain(sources).chain(self.base_model.as_deref()).collect()
    }

    /// The stage's table.
    fn merge(&self) -> Result<Json> {
        let (plugin, options) = foreign(Kind::Merger, &self.merge_method)?;
        let mut merge = self.parameters.clone().unwrap_or_default();
        merge.extend(options);
        merge.insert("use".into(), plugin.into());
        let own = |p: &Option<Map<String, Json>>| Json::Object(p.clone().unwrap_or_default());
        if let Some(models) = &self.models {
            let all: Vec<Json> = models.iter().map(|e| json!({ "model": e.model, "parameters": own(&e.parameters) })).collect();
            merge.insert("models".into(), all.into());
        }
        if let Some(slices) = &self.slices {
            let source = |s: &Source| json!({ "model": s.model, "layer_range": s.layer_range, "parameters": own(&s.parameters) });
            let slice = |s: &Slice| json!({ "sources": s.sources.iter().map(source).collect::<Vec<_>>(), "parameters": own(&s.parameters) });
            merge.insert("slices".into(), slices.iter().map(slice).collect::<Vec<_>>().into());
        }
        let strings = [("base_model", &self.base_model), ("tokenizer_source", &self.tokenizer_source), ("chat_template", &self.chat_template)];
        merge.extend(strings.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value.as_ref()?)))));
        merge.extend(self.tokenizer.iter().map(|t| ("tokenizer".to_owned(), t.clone())));
        Ok(Json::Object(merge))
    }
}

fn dtype(name: &str) -> Result<Dtype> {
    match name {
        "float32" => Ok(Dtype::F32),
        "bfloat16" => Ok(Dtype::BF16),
        "float16" => Ok(Dtype::F16),
        other => refuse(
            "dtype",
            "float32, bfloat16 or float16",
            format!("\"{other}\""),
            "sums are made in float32 whatever stands here; it is the dtype of the result",
        ),
    }
}

/// `path[@revision][+adapter[@revision]]`.
fn model(name: &str) -> Json {
    let (base, adapter) = name.split_once('+').map_or((name, None), |(base, adapter)| (base, Some(adapter)));
    json!({ "checkpoint": located(base), "adapters": adapter.map(located).into_iter().collect::<Vec<_>>() })
}

/// A folder stays a folder; anything else with one `/` is a name of the hub.
fn located(name: &str) -> String {
    let is_name = name.split('/').count() == 2 && !name.starts_with('.') && !Path::new(name).exists();
    if is_name { format!("hf:{name}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Import::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_done_is_told() {
        assert!(refused("merge_method: linear\nmodels: []\nslices: []").contains("exactly one of"));
        assert!(refused("merge_method: linear\nmodels: []\nweights: 1").contains("unknown field `weights`"));
        assert!(refused("merge_method: linear\nmodels: [{model: a, weight: 1}]").contains("unknown field `weight`"));
        assert!(refused("merge_method: linear\nmodules: {}").contains("`models` or `slices`"));
        assert!(refused("merge_method: nowhere\nmodels: []").contains("nowhere"));
        assert!(refused("{a: [").contains("mergekit"));
    }

    #[test]
    fn names_are_folders_or_of_the_hub() {
        assert_eq!(model("./a/b")["checkpoint"], "./a/b");
        assert_eq!(model("org/name@main+org/lora"), json!({ "checkpoint": "hf:org/name@main", "adapters": ["hf:org/lora"] }));
    }
}
