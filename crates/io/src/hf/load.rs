//! A folder becomes a model; every tensor is accounted for.

use super::stored::Stored;
use crate::tokenizer::{HfTokenizer, check_rows};
use crate::{Checkpoint, config};
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use tongues_kernel::burn::module::{Module, ModuleMapper, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Backbone, Built, Context, Dyn, Error, Family, Init, Kind, Model, Result, build, entries, find, nearest, plugins, put, refuse};

/// Buffers that some writers store and no reader needs.
const BUFFERS: [&str; 4] = ["rotary_emb.inv_freq", ".attn.masked_bias", ".attn.bias", "position_ids"];

/// Reads a model folder. The family is the backbone plugin that `model_type` names.
///
/// # Errors
/// A file is missing or malformed, the family is unknown, a needed key is absent, a tensor is missing, has another shape
/// or is not used, or the tokenizer has ids beyond the embedding matrix.
pub fn load(dir: &Path, cx: &mut dyn Context) -> Result<Model> {
    let backbone = load_backbone(dir, cx)?;
    let tokenizer = HfTokenizer::from_dir(dir)?;
    check_rows(&tokenizer, backbone.spec().vocabulary).map_err(|e| e.within(dir.display()))?;
    let mut model = Model::new(backbone, Arc::new(tokenizer));
    model.lineage.base = Some(dir.display().to_string());
    model.lineage.steps.push(format!("read from {}", dir.file_name().unwrap_or_default().to_string_lossy()));
    Ok(model)
}

/// Reads the network of a model folder, without its tokenizer.
///
/// # Errors
/// As [`load`].
pub fn load_backbone(dir: &Path, cx: &mut dyn Context) -> Result<Box<dyn Backbone>> {
    let written = config::read_config(dir)?;
    let place = dir.join("config.json");
    let family = family(&written, &place, cx)?;
    let backbone = family.build(&Init { device: cx.device(), draws: None }).map_err(|e| e.within(place.display()))?;
    let checkpoint = Checkpoint::open(dir)?;
    let mut backbone = fill(backbone, &checkpoint, dir)?;
    keep_keys(backbone.as_mut(), written);
    Ok(backbone)
}

/// The family with its configuration, from the keys of `config.json` that the family knows.
///
/// # Errors
/// `model_type` is absent or names no linked backbone, or a key that the family needs is absent or malformed.
pub fn family(config: &Map<String, Json>, place: &Path, cx: &mut dyn Context) -> Result<Box<dyn Family>> {
    let known: Vec<&str> = plugins().into_iter().filter(|p| p.kind == Kind::Backbone).map(|p| p.name).collect();
    let Some(name) = config.get("model_type").and_then(Json::as_str) else {
        return refuse(place.display(), "the key `model_type`", "none", format!("add the family's name: {}", known.join(", ")));
    };
    let Some(plugin) = find(Kind::Backbone, name) else {
        let near = nearest(name, known.iter().copied()).map_or_else(
            || "a backbone plugin for this family must be linked; `tongues plugins` lists those that are".into(),
            |n| format!("did you mean \"{n}\"?"),
        );
        return refuse(format!("{}: model_type", place.display()), format!("a family that is linked: {}", known.join(", ")), name, near);
    };
    let schema = (plugin.schema)();
    let keys = schema.get("properties").and_then(Json::as_object).cloned().unwrap_or_default();
    let read = |k: &String, v: &Json| keys.get(k).is_some_and(|schema| !v.is_null() || null_means_something(schema));
    let options: Map<String, Json> = config.iter().filter(|(k, v)| read(k, v)).map(|(k, v)| (k.clone(), v.clone())).collect();
    match build(Kind::Backbone, name, Json::Object(options), cx).map_err(|e| e.within(place.display()))? {
        Built::Backbone(family) => Ok(family),
        _ => Err(Error::run(name, "a backbone plugin built something else")),
    }
}

/// A null is an absent key, but where the family has another default and takes a null: there it switches something off.
fn null_means_something(schema: &Json) -> bool {
    let takes_null = schema.get("type").and_then(Json::as_array).is_some_and(|types| types.iter().any(|t| t == "null"));
    takes_null && schema.get("default").is_some_and(|d| !d.is_null())
}

/// Keys that the family does not know are kept as they were, for other readers.
fn keep_keys(backbone: &mut dyn Backbone, written: Map<String, Json>) {
    let spec = backbone.spec_mut();
    let mut merged = written;
    for (key, value) in std::mem::take(&mut spec.config) {
        merged.insert(key, value);
    }
    spec.config = merged;
}

fn fill(backbone: Box<dyn Backbone>, checkpoint: &Checkpoint, dir: &Path) -> Result<Box<dyn Backbone>> {
    let backbone = Dyn(backbone);
    let wanted: BTreeSet<String> = entries(&backbone, "").into_iter().map(|e| e.name).collect();
    let spec = backbone.spec().clone();
    let checkpoint = &Stored::of(checkpoint, &spec, &wanted);
    check_names(&wanted, &spec.ties, checkpoint, dir)?;
    let mut filler = Filler { path: vec![], checkpoint, ties: &spec.ties, result: Ok(()) };
    let backbone = backbone.map(&mut filler);
    filler.result.map_err(|e| e.within(dir.display()))?;
    Ok(backbone.0)
}

fn check_names(wanted: &BTreeSet<String>, ties: &[(String, String)], checkpoint: &Stored<'_>, dir: &Path) -> Result<()> {
    let alias = |name: &str| ties.iter().any(|(a, _)| a == name);
    let missing: Vec<&str> = wanted.iter().map(String::as_str).filter(|n| source(n, ties, checkpoint).is_none()).collect();
    let unused: Vec<&str> = checkpoint.names().filter(|n| !wanted.contains(*n) && !alias(n) && !BUFFERS.iter().any(|b| n.ends_with(b))).collect();
    if !missing.is_empty() {
        let remedy = if unused.is_empty() { "the checkpoint is incomplete".into() } else { format!("it has unused tensors instead: {}", some(&unused)) };
        return refuse(dir.display(), format!("the tensors {}", some(&missing)), "none of them", remedy);
    }
    if !unused.is_empty() {
        let remedy = "config.json may be of another model, or a flag (bias, tied head) may be wrong";
        return refuse(dir.display(), "only tensors that config.json explains", some(&unused), remedy);
    }
    check_ties(ties, checkpoint, dir)
}

/// A tied pair may be stored twice, but then with equal bytes.
fn check_ties(ties: &[(String, String)], checkpoint: &Stored<'_>, dir: &Path) -> Result<()> {
    for (alias, source) in ties {
        let both = checkpoint.contains(alias) && checkpoint.contains(source);
        if both && checkpoint.bytes(alias)? != checkpoint.bytes(source)? {
            let remedy = "set `tie_word_embeddings` to false in config.json, or remove the wrong tensor";
            return refuse(dir.display(), format!("{alias} equal to {source}, since config.json ties them"), "two different tensors", remedy);
        }
    }
    Ok(())
}

/// The name under which a tensor is stored: its own, or its alias's.
fn source(name: &str, ties: &[(String, String)], checkpoint: &Stored<'_>) -> Option<String> {
    if checkpoint.contains(name) {
        return Some(name.to_owned());
    }
    let alias = ties.iter().find(|(_, source)| source == name)?;
    checkpoint.contains(&alias.0).then(|| alias.0.clone())
}

fn some(names: &[&str]) -> String {
    let shown = names.iter().take(6).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 6 { format!("{shown} and {} more", names.len() - 6) } else { shown }
}

struct Filler<'c> {
    path: Vec<String>,
    checkpoint: &'c Stored<'c>,
    ties: &'c [(String, String)],
    result: Result<()>,
}

impl Filler<'_> {
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let stored = source(name, self.ties, self.checkpoint).unwrap_or_else(|| name.to_owned());
        let found = &self.checkpoint.shape(&stored)?;
        if found != shape {
            return refuse(
                format!("tensor {stored}"),
                format!("the shape {shape:?} that config.json asks for"),
                format!("{found:?}"),
                "config.json and the weights are of different models",
            );
        }
        self.checkpoint.f32(&stored)
    }
}

impl ModuleMapper for Filler<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.result.is_err() {
            return param;
        }
        let old = param.val();
        let shape = old.dims();
        match self.values(&self.path.join("."), &shape) {
            Ok(values) => put(param, Tensor::from_data(TensorData::new(values, shape), &old.device().without_autodiff())),
            Err(error) => {
                self.result = Err(error);
                param
            }
        }
    }
}
