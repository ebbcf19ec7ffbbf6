//! A model becomes a folder that the ecosystem loads.

use crate::{CheckpointWriter, Dtype, TensorSpec, write_atomic};
use serde_json::{Map, Value as Json, json};
use std::path::Path;
use tongues_kernel::{Error, Model, Result, entries, for_each_value};

/// Bytes of tensors in one file.
const SHARD_BYTES: usize = 5_000_000_000;

/// Writes the backbone, its configuration and its tokenizer. Parts are not written: fold them first, or save them as adapters.
///
/// # Errors
/// The folder cannot be written.
pub fn save(model: &Model, dir: &Path) -> Result<()> {
    save_weights(model, dir)?;
    for (name, content) in tokenizer_files(model) {
        write_atomic(&dir.join(name), content.as_bytes())?;
    }
    let config = written_config(model);
    let ends = model.tokenizers.first().map(|tokenizer| tokenizer.ends()).unwrap_or_default();
    write_json(&dir.join("generation_config.json"), &generation(&config, &ends))?;
    write_json(&dir.join("config.json"), &config)
}

fn tokenizer_files(model: &Model) -> Vec<(String, String)> {
    model.tokenizers.first().map(|t| t.files()).unwrap_or_default()
}

/// Names and shapes of the backbone's tensors, as they will be stored.
pub fn tensor_specs(model: &Model, dtype: Dtype) -> Vec<TensorSpec> {
    let mut all: Vec<TensorSpec> = entries(&model.net.backbone, "").into_iter().map(|e| TensorSpec::new(e.name, dtype, e.shape)).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn save_weights(model: &Model, dir: &Path) -> Result<()> {
    let mut writer = CheckpointWriter::create(dir, &tensor_specs(model, Dtype::F32), SHARD_BYTES)?;
    for_each_value(&model.net.backbone, "", &mut |name, _, values| writer.push(name, &values))?;
    writer.finish()
}

/// `config.json`: the family's keys, the dtype in both spellings, the special tokens.
fn written_config(model: &Model) -> Map<String, Json> {
    let mut config = model.spec().config.clone();
    for key in ["dtype", "torch_dtype"] {
        config.insert(key.into(), "float32".into());
    }
    if let Some(tokenizer) = model.tokenizers.first() {
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
