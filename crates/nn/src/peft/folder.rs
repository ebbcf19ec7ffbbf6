//! Keys and tensors of an adapter folder in PEFT's form.

use serde_json::{Map, Value as Json, json};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Error, OnDisk, Result, refuse, values};

/// What stands before every module path.
pub const PREFIX: &str = "base_model.model.";
/// The file with the keys.
pub const CONFIG: &str = "adapter_config.json";
/// The file with the tensors.
pub const TENSORS: &str = "adapter_model.safetensors";

/// Keys that say nothing about what the tensors do.
const COMMON: [&str; 7] = ["peft_type", "task_type", "base_model_name_or_path", "revision", "auto_mapping", "inference_mode", "peft_version"];

/// Refuses every key that is neither known nor says "not this": each is a behaviour.
///
/// # Errors
/// There is one.
pub fn refuse_unknown(config: &Map<String, Json>, known: &[&str]) -> Result<()> {
    let is_known = |key: &str| COMMON.contains(&key) || known.contains(&key);
    let wrong: Vec<String> = config.iter().filter(|(k, v)| !is_known(k) && !inert(v)).map(|(k, v)| format!("{k} = {v}")).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    refuse(CONFIG, "keys that are known here, others null, false or empty", wrong.join(", "), "merge the adapter with PEFT and load the merged checkpoint")
}

/// A value that says "not this".
pub fn inert(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// A number.
///
/// # Errors
/// It is missing or no number.
pub fn number(config: &Map<String, Json>, key: &str) -> Result<f64> {
    let found = config.get(key).unwrap_or(&Json::Null);
    found.as_f64().ok_or_else(|| Error::input(format!("{CONFIG}: {key}"), "a number", found, "the file is incomplete"))
}

/// A whole number of at least 1.
///
/// # Errors
/// It is missing or none.
pub fn whole(config: &Map<String, Json>, key: &str) -> Result<usize> {
    let n = number(config, key)?;
    if n >= 1.0 && n.fract() == 0.0 { Ok(n as usize) } else { refuse(format!("{CONFIG}: {key}"), "a whole number of at least 1", n, "correct the file") }
}

/// A switch; off where it is missing.
///
/// # Errors
/// It is something else.
pub fn flag(config: &Map<String, Json>, key: &str) -> Result<bool> {
    match config.get(key) {
        None | Some(Json::Null) => Ok(false),
        Some(Json::Bool(on)) => Ok(*on),
        Some(other) => refuse(format!("{CONFIG}: {key}"), "true or false", other, "correct the file"),
    }
}

/// A text, where there is one.
pub fn text<'c>(config: &'c Map<String, Json>, key: &str) -> Option<&'c str> {
    config.get(key)?.as_str()
}

/// A tensor of a file, which must have that shape and be finite.
///
/// # Errors
/// It is missing, has another shape, or holds a value that is not finite.
pub fn tensor<const D: usize>(disk: &OnDisk, name: &str, shape: [usize; D], device: &Device) -> Result<Tensor<D>> {
    let place = || format!("{TENSORS}: {name}");
    let Some((found, values)) = disk.tensors.get(name) else {
        return refuse(place(), format!("a tensor of shape {shape:?}, as {CONFIG} says"), "none", "the file is incomplete");
    };
    if found[..] != shape || values.len() != shape.iter().product::<usize>() {
        let remedy = format!("the adapter belongs to another model, or {CONFIG} is not that of the tensors");
        return refuse(place(), format!("shape {shape:?}"), format!("{found:?}"), remedy);
    }
    match values.iter().position(|x| !x.is_finite()) {
        Some(at) => refuse(place(), "finite values", format!("{} at place {at}", values[at]), "the training that wrote it diverged; take an earlier save"),
        None => Ok(Tensor::from_data(TensorData::new(values.clone(), shape), device)),
    }
}

/// Shape and values of a tensor, as a file holds them.
pub fn host<const D: usize>(tensor: Tensor<D>) -> (Vec<usize>, Vec<f32>) {
    (tensor.dims().to_vec(), values(tensor))
}

/// Keys of a file: the type, what every file has, and the given ones. `base_model_name_or_path` is left empty: who writes the
/// folder knows it.
pub fn config<'k>(peft_type: &str, entries: impl IntoIterator<Item = (&'k str, Json)>) -> Map<String, Json> {
    let common = [("base_model_name_or_path", Json::Null), ("inference_mode", json!(true)), ("peft_type", json!(peft_type)), ("task_type", json!("CAUSAL_LM"))];
    let mut all: Vec<(&str, Json)> = common.into_iter().chain(entries).collect();
    all.sort_by_key(|(key, _)| *key);
    all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
