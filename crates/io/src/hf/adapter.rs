//! Adapter folders in PEFT's form, and in AdapterHub's.

use super::save::write_json;
use crate::tensors::pt_metadata;
use crate::{Dtype, TensorOut, TensorSpec, config, open_file};
use std::path::Path;
use tongues_kernel::{Model, OnDisk, Result, Spec, Stack, part_format, refuse};

/// Reads an adapter folder and attaches its parts under `name`.
///
/// # Errors
/// A file is missing or malformed, no linked plugin reads this kind of folder, or it does not fit the model.
pub fn load_adapter(dir: &Path, name: &str, model: &mut Model) -> Result<()> {
    let place = dir.join("adapter_config.json");
    let mut disk = OnDisk { config: config::read_object(&place)?, ..OnDisk::default() };
    let Some(kind) = disk.kind() else {
        return refuse(place.display(), "the key `peft_type`, or AdapterHub's `config`", "neither", "is this an adapter folder of PEFT or AdapterHub?");
    };
    let format = part_format(&kind).map_err(|e| e.within(place.display()))?;
    let file = open_file(&dir.join(tensors_of(&disk)))?;
    for tensor in file.names().map(str::to_owned).collect::<Vec<_>>() {
        let shape = file.info(&tensor)?.shape.clone();
        disk.tensors.insert(tensor.clone(), (shape, file.f32(&tensor)?));
    }
    (format.load)(&disk, name, model).map_err(|e| e.within(dir.display()))
}

/// The name of the file with the tensors.
fn tensors_of(disk: &OnDisk) -> &'static str {
    if disk.is_hub() { "adapter.safetensors" } else { "adapter_model.safetensors" }
}

/// Writes a part as an adapter folder; `base` is the model it belongs to, as a path or hub name, `spec` what that model is.
///
/// # Errors
/// The folder cannot be written.
pub fn save_adapter(on_disk: OnDisk, base: &str, spec: &Spec, dir: &Path) -> Result<()> {
    let file = tensors_of(&on_disk);
    let mut config = on_disk.config;
    // PEFT has the hub's name and the revision in two keys.
    let (name, revision) = match base.strip_prefix("hf:").map(|hub| hub.split_once('@').unwrap_or((hub, "main"))) {
        Some((name, revision)) => (name, Some(revision)),
        None => (base, None),
    };
    config.insert("base_model_name_or_path".into(), name.into());
    // With the task of a decoder, PEFT asks an encoder for what only decoders have, and refuses the folder.
    if let Some(task) = config.get_mut("task_type").filter(|_| spec.main() != Stack::Decoder) {
        *task = serde_json::Value::Null;
    }
    config.extend(revision.map(|r| ("revision".to_owned(), r.into())));
    let tensors: Vec<TensorOut> = on_disk
        .tensors
        .into_iter()
        .map(|(name, (shape, values))| TensorOut { spec: TensorSpec::new(name, Dtype::F32, shape), data: crate::tensors::Data::F32(values) })
        .collect();
    crate::tensors::write(&dir.join(file), &tensors, &pt_metadata())?;
    write_json(&dir.join("adapter_config.json"), &config)
}

/// The file with an adapter folder's tensors, by what lies there.
pub fn adapter_tensors(dir: &Path) -> std::path::PathBuf {
    let hub = dir.join("adapter.safetensors");
    if hub.exists() { hub } else { dir.join("adapter_model.safetensors") }
}
