//! A model becomes a folder that the ecosystem loads.

use super::keep::{check_exact, set_dtype, written_dtype};
use super::stored;
use crate::{CheckpointWriter, Dtype, TensorSpec, write_atomic};
use serde_json::{Map, Value as Json, json};
use std::path::Path;
use tongues_kernel::{Error, Model, Result, Tokenizer, entries, for_each_value};

/// Bytes of tensors in one file.
const SHARD_BYTES: usize = 5_000_000_000;

/// Writes the backbone, its configuration and its tokenizer, in the given dtype or that of the checkpoint it was read from. Parts
/// are not written: fold them first, or save them as adapters.
///
/// # Errors
/// The folder cannot be written, or weights were rounded to int8.
pub fn save(model: &Model, dtype: Option<Dtype>, dir: &Path) -> Result<()> {
    let dtype = dtype.unwrap_or_else(|| written_dtype(&model.spec().config));
    check_exact(model)?;
    save_weights(model, dtype, dir)?;
    sides(&model.spec().config, model.tokenizers.first().map(AsRef::as_ref), dtype, dir)
}

/// Writes what stands beside the weights: tokenizer, `generation_config.json` and `config.json`.
///
/// # Errors
/// The folder cannot be written.
pub fn save_sides(config: &Map<String, Json>, tokenizer: &dyn Tokenizer, dtype: Dtype, dir: &Path) -> Result<()> {
    sides(config, Some(tokenizer), dtype, dir)
}

fn sides(config: &Map<String, Json>, tokenizer: Option<&dyn Tokenizer>, dtype: Dtype, dir: &Path) -> Result<()> {
    for (name, content) in tokenizer.map(|t| t.files()).unwrap_or_default() {
        write_atomic(&dir.join(name), content.as_bytes())?;
    }
    let config = written_config(config, tokenizer, dtype);
    let ends = tokenizer.map(|tokenizer| tokenizer.ends()).unwrap_or_default();
    write_json(&dir.join("generation_config.json"), &generation(&config, &ends))?;
    write_json(&dir.join("config.json"), &config)
}

/// Names and shapes of the backbone's tensors, as they will be stored.
pub fn tensor_specs(model: &Model, dtype: Dtype) -> Vec<TensorSpec> {
    let shape = |name: &str, shape| stored::shape(model.spec(), name, shape);
    let mut all: Vec<TensorSpec> = entries(&model.net.backbone, "").into_iter().map(|e| TensorSpec::new(&e.name, dtype, shape(&e.name, e.shape))).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn save_weights(model: &Model, dtype: Dtype, dir: &Path) -> Result<()> {
    let mut writer = CheckpointWriter::create(dir, &tensor_specs(model, dtype), SHARD_BYTES)?;
    for_each_value(&model.net.backbone, "", &mut |name, shape, values| writer.push(name, &stored::written(model.spec(), name, shape, values)))?;
    writer.finish()
}

/// `config.json`: the family's keys, the dtype in both spellings, the special tokens.
fn written_config(config: &Map<String, Json>, tokenizer: Option<&dyn Tokenizer>, dtype: Dtype) -> Map<String, Json> {
    let mut config = config.clone();
    set_dtype(&mut config, dtype);
    if let Some(tokenizer) = tokenizer {
        for (key, id) in [("bos_token_id", tokenizer.bos()), ("eos_token_id", tokenizer.eos()), ("pad_token_id", tokenizer.pad())] {
            config.entry(key).or_insert_with(|| json!(id));
        }
    }
    config
}

/// The special tokens; where several end a text, all of them.
fn generation(config: &Map<String, Json>, ends: &[u32]) -> Map<String, Json> {
    let keys = ["bos_token_id", "eos_token_id", "pad_token_id"];
    let mut map: Map<String, Json> = keys.iter().filter_map(|k| config.get(*k).map(|v| ((*k).to_owned(), v.clone()))).collect();
    if ends.len() > 1 {
        map.insert("eos_token_id".into(), json!(ends));
    }
    map
}

pub(super) fn write_json(path: &Path, map: &Map<String, Json>) -> Result<()> {
    let text = serde_json::to_string_pretty(map).map_err(|e| Error::run(path.display(), e))?;
    write_atomic(path, (text + "\n").as_bytes())
}
