//! A folder becomes a model; every tensor is accounted for.

use super::fill::{fill, some};
use super::keep::set_dtype;
use super::reading::Reading;
use super::sizes;
use crate::tokenizer::{HfTokenizer, check_rows};
use crate::{Checkpoint, Dtype, config};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tongues_kernel::{Backbone, Built, Context, Dyn, Error, Family, Init, Kind, Model, Result, build, find, nearest, plugins, refuse};

/// Reads a model folder. The family is the backbone plugin that `model_type` names.
///
/// # Errors
/// A file is missing or malformed, the family is unknown, a needed key is absent, a tensor is missing, has another shape
/// or is not used, or the tokenizer has ids beyond the embedding matrix.
pub fn load(dir: &Path, how: &Reading, cx: &mut dyn Context) -> Result<Model> {
    let (backbone, unused) = read(dir, how, cx)?;
    let tokenizer = HfTokenizer::from_dir(dir)?;
    check_rows(&tokenizer, backbone.spec().vocabulary).map_err(|e| e.within(dir.display()))?;
    let mut model = Model::new(backbone, Arc::new(tokenizer));
    // A model with other tensors than the folder has no folder yet.
    model.lineage.base = how.is_whole().then(|| dir.display().to_string());
    model.lineage.steps.push(format!("read from {}", dir.file_name().unwrap_or_default().to_string_lossy()));
    model.lineage.steps.extend(how.told());
    if !unused.is_empty() {
        let names: Vec<&str> = unused.iter().map(String::as_str).collect();
        model.lineage.steps.push(format!("{} tensors of the checkpoint were left out: {}", unused.len(), some(&names)));
    }
    Ok(model)
}

/// Reads the network of a model folder, without its tokenizer.
///
/// # Errors
/// As [`load`].
pub fn load_backbone(dir: &Path, how: &Reading, cx: &mut dyn Context) -> Result<Box<dyn Backbone>> {
    read(dir, how, cx).map(|(backbone, _)| backbone)
}

fn read(dir: &Path, how: &Reading, cx: &mut dyn Context) -> Result<(Box<dyn Backbone>, Vec<String>)> {
    let place = dir.join("config.json");
    let written = how.config(&config::read_config(dir)?, &place)?;
    let checkpoint = Checkpoint::open(dir)?;
    let backbone = network(dir, &written, &checkpoint, how, cx)?;
    let (mut backbone, unused) = fill(backbone.0, &checkpoint, dir, how)?;
    keep_keys(backbone.as_mut(), written);
    set_dtype(&mut backbone.spec_mut().config, stored_dtype(&checkpoint)?);
    Ok((backbone, unused))
}

/// The network of a configuration, with no values yet; its sizes are those of the checkpoint.
pub(super) fn network(dir: &Path, config: &Map<String, Json>, checkpoint: &Checkpoint, how: &Reading, cx: &mut dyn Context) -> Result<Dyn<dyn Backbone>> {
    let place = dir.join("config.json");
    let family = family(config, &place, cx)?;
    sizes::check(config, checkpoint, how, &place)?;
    let draws = (!how.fresh.is_empty()).then(|| cx.draws().stream("fresh"));
    family.build(&Init { device: cx.device(), draws }).map(Dyn).map_err(|e| e.within(place.display()))
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

/// The dtype of most numbers of a checkpoint; the configuration may say another one.
pub(super) fn stored_dtype(checkpoint: &Checkpoint) -> Result<Dtype> {
    let mut counts: BTreeMap<Dtype, usize> = BTreeMap::new();
    for name in checkpoint.names() {
        let info = checkpoint.info(name)?;
        *counts.entry(info.dtype).or_default() += info.shape.iter().product::<usize>();
    }
    Ok(counts.into_iter().max_by_key(|(_, count)| *count).map_or(Dtype::F32, |(dtype, _)| dtype))
}
