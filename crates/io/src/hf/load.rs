//! A folder becomes a model; every tensor is accounted for.

use super::keep::{Keep, in_blocks, set_dtype, tensor};
use crate::tokenizer::{HfTokenizer, check_rows};
use crate::{Checkpoint, Dtype, config};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use tongues_kernel::burn::module::{Module, ModuleMapper, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{
    Backbone, Built, Context, Dyn, Error, Family, Init, Kind, Model, Result, Role, Spec, build, entries, find, nearest, plugins, put, refuse,
};

/// Buffers that some writers store and no reader needs.
const BUFFERS: [&str; 3] = ["rotary_emb.inv_freq", "attn.masked_bias", "position_ids"];

/// How a checkpoint is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// In which dtype its matrices are kept.
    pub keep: Keep,
}

/// Reads a model folder. The family is the backbone plugin that `model_type` names.
///
/// # Errors
/// A file is missing or malformed, the family is unknown, a needed key is absent, a tensor is missing, has another shape
/// or is not used, or the tokenizer has ids beyond the embedding matrix.
pub fn load(dir: &Path, how: Reading, cx: &mut dyn Context) -> Result<Model> {
    let backbone = load_backbone(dir, how, cx)?;
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
pub fn load_backbone(dir: &Path, how: Reading, cx: &mut dyn Context) -> Result<Box<dyn Backbone>> {
    let written = config::read_config(dir)?;
    let place = dir.join("config.json");
    let family = family(&written, &place, cx)?;
    let backbone = family.build(&Init { device: cx.device(), draws: None }).map_err(|e| e.within(place.display()))?;
    let checkpoint = Checkpoint::open(dir)?;
    let mut backbone = fill(backbone, &checkpoint, dir, how)?;
    keep_keys(backbone.as_mut(), written);
    set_dtype(&mut backbone.spec_mut().config, stored_dtype(&checkpoint)?);
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
    let options: Map<String, Json> = config.iter().filter(|(k, v)| keys.contains_key(*k) && !v.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect();
    match build(Kind::Backbone, name, Json::Object(options), cx).map_err(|e| e.within(place.display()))? {
        Built::Backbone(family) => Ok(family),
        _ => Err(Error::run(name, "a backbone plugin built something else")),
    }
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

/// The dtype of most numbers of a checkpoint; the configuration may say another one.
fn stored_dtype(checkpoint: &Checkpoint) -> Result<Dtype> {
    let mut counts: BTreeMap<Dtype, usize> = BTreeMap::new();
    for name in checkpoint.names() {
        let info = checkpoint.info(name)?;
        *counts.entry(info.dtype).or_default() += info.shape.iter().product::<usize>();
    }
    Ok(counts.into_iter().max_by_key(|(_, count)| *count).map_or(Dtype::F32, |(dtype, _)| dtype))
}

fn fill(backbone: Box<dyn Backbone>, checkpoint: &Checkpoint, dir: &Path, how: Reading) -> Result<Box<dyn Backbone>> {
    let backbone = Dyn(backbone);
    let wanted: BTreeSet<String> = entries(&backbone, "").into_iter().map(|e| e.name).collect();
    let ties = backbone.spec().ties.clone();
    check_names(&wanted, &ties, checkpoint, dir)?;
    let projections = projections(backbone.spec());
    let mut filler = Filler { path: vec![], checkpoint, ties: &ties, how, projections, result: Ok(()) };
    let backbone = backbone.map(&mut filler);
    filler.result.map_err(|e| e.within(dir.display()))?;
    Ok(backbone.0)
}

fn check_names(wanted: &BTreeSet<String>, ties: &[(String, String)], checkpoint: &Checkpoint, dir: &Path) -> Result<()> {
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
fn check_ties(ties: &[(String, String)], checkpoint: &Checkpoint, dir: &Path) -> Result<()> {
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
fn source(name: &str, ties: &[(String, String)], checkpoint: &Checkpoint) -> Option<String> {
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

/// Weights of projections other than the head.
fn projections(spec: &Spec) -> BTreeSet<String> {
    let inner = spec.sites.iter().filter(|i| i.weight && !matches!(i.site.role, Role::Head | Role::Embeddings));
    inner.map(|i| format!("{}.weight", i.path)).collect()
}

struct Filler<'c> {
    path: Vec<String>,
    checkpoint: &'c Checkpoint,
    ties: &'c [(String, String)],
    how: Reading,
    projections: BTreeSet<String>,
    result: Result<()>,
}

impl Filler<'_> {
    fn tensor<const D: usize>(&self, name: &str, shape: [usize; D], device: &Device) -> Result<Tensor<D>> {
        let stored = source(name, self.ties, self.checkpoint).unwrap_or_else(|| name.to_owned());
        let found = &self.checkpoint.info(&stored)?.shape;
        if *found != shape {
            return refuse(
                format!("tensor {stored}"),
                format!("the shape {shape:?} that config.json asks for"),
                format!("{found:?}"),
                "config.json and the weights are of different models",
            );
        }
        let tensor = tensor(self.checkpoint, &stored, shape, self.how.keep, device)?;
        Ok(if self.projections.contains(name) { in_blocks(tensor, self.how.keep) } else { tensor })
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
        match self.tensor(&self.path.join("."), shape, &old.device()) {
            Ok(tensor) => put(param, tensor),
            Err(error) => {
                self.result = Err(error);
                param
            }
        }
    }
}
