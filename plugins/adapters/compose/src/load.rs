//! Reads a folder that holds several parts.

use crate::part::{self, How};
use serde_json::Value as Json;
use tongues_kernel::{Error, Model, OnDisk, Result, part_format, refuse};

const FILE: &str = "adapter_config.json";

/// Reads every part through its own reader and puts them together again.
///
/// # Errors
/// The config is not one that this plugin wrote, or what a part's reader refuses.
pub fn load(disk: &OnDisk, name: &str, model: &mut Model) -> Result<()> {
    let known = ["peft_type", "how", "choices", "base_model_name_or_path", "revision"];
    if let Some((key, value)) = disk.config.iter().find(|(k, v)| !known.contains(&k.as_str()) && !v.is_null()) {
        return refuse(format!("{FILE}: {key}"), "null, or no such key", value, "remove it");
    }
    let how = disk.config.get("how").cloned().unwrap_or_default();
    let how: How = serde_json::from_value(how).map_err(|e| Error::input(format!("{FILE}: how"), "sum or route", e, "the file is incomplete"))?;
    let mut choices = vec![];
    for choice in disk.config.get("choices").and_then(Json::as_array).into_iter().flatten() {
        let parts = choice.as_array().cloned().unwrap_or_default();
        choices.push(parts.iter().map(|entry| one(disk, entry, model)).collect::<Result<Vec<String>>>()?);
    }
    let owner = |tensor: &String| tensor.split_once('/').map_or("", |(part, _)| part).to_owned();
    if let Some(lost) = disk.tensors.keys().find(|tensor| !choices.iter().flatten().any(|name| *name == owner(tensor))) {
        return refuse(format!("adapter_model.safetensors: {lost}"), "a tensor of one of the parts", "one of none", "the file is damaged");
    }
    part::check(FILE, &choices, &how, model)?;
    part::attach(name, &choices, how, model)
}

/// Reads one part; gives its name.
fn one(disk: &OnDisk, entry: &Json, model: &mut Model) -> Result<String> {
    let (Some(name), Some(config)) = (entry.get("name").and_then(Json::as_str), entry.get("config").and_then(Json::as_object)) else {
        return refuse(format!("{FILE}: choices"), "lists of parts with `name` and `config`", entry, "the file is damaged");
    };
    let prefix = format!("{name}/");
    let tensors = disk.tensors.iter().filter_map(|(n, t)| Some((n.strip_prefix(&prefix)?.to_owned(), t.clone()))).collect();
    let own = OnDisk { config: config.clone(), tensors };
    let Some(kind) = own.kind() else {
        return refuse(format!("{FILE}: {name}"), "the key `peft_type`, or AdapterHub's `config`", "neither", "the file is damaged");
    };
    (part_format(&kind)?.load)(&own, name, model).map_err(|e| e.within(name))?;
    Ok(name.to_owned())
}
