//! A folder of AdapterHub in memory: `adapter_config.json` with the method's keys under `config`, and tensors by module paths.

use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use tongues_kernel::burn::module::Module;
use tongues_kernel::{Error, OnDisk, Result, Role, Spec, Tensors, entries, nearest, refuse, restore_values};

/// The place that messages about the keys tell.
pub const PLACE: &str = "adapter_config.json: config";
const TENSORS: &str = "adapter.safetensors";

/// What a folder says beside the method's keys, or may say without changing anything.
const AROUND: [&str; 10] =
    ["config", "hidden_size", "model_class", "model_name", "model_type", "name", "version", "base_model_name_or_path", "revision", "with_embedding"];

/// The model that a folder belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Path of the network without its head, with the dot behind: `model.`.
    pub root: String,
    hidden: usize,
    family: String,
    class: Json,
}

impl Host {
    /// From what the backbone says of itself.
    pub fn of(spec: &Spec) -> Self {
        let embeddings = spec.sites.iter().find(|i| i.site.role == Role::Embeddings);
        let root = embeddings.and_then(|i| i.path.rsplit_once('.')).map_or(String::new(), |(root, _)| format!("{root}."));
        let class = spec.config.get("architectures").and_then(|a| a.get(0)).cloned().unwrap_or(Json::Null);
        let family = spec.config.get("model_type").and_then(Json::as_str).unwrap_or(&spec.family).to_owned();
        Self { root, hidden: spec.hidden, family, class }
    }

    /// `adapter_config.json` of an adapter with these method's keys.
    pub fn config(&self, name: &str, settings: Map<String, Json>) -> Map<String, Json> {
        let keys = [
            ("config", Json::Object(settings)),
            ("hidden_size", json!(self.hidden)),
            ("model_class", self.class.clone()),
            ("model_name", Json::Null),
            ("model_type", json!(self.family)),
            ("name", json!(name)),
            ("version", json!("adapters.1.3.0")),
        ];
        keys.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
    }
}

/// The keys under `config`; a word that old folders have there is spelled out.
///
/// # Errors
/// Neither a table nor a known word.
pub fn settings_of(config: &Map<String, Json>) -> Result<Map<String, Json>> {
    match config.get("config") {
        Some(Json::Object(keys)) => {
            let mut keys = keys.clone();
            keys.remove("architecture");
            Ok(keys)
        }
        Some(Json::String(word)) => named(word),
        other => refuse(PLACE, "a table of keys", other.unwrap_or(&Json::Null), "is this an adapter folder of AdapterHub?"),
    }
}

fn named(word: &str) -> Result<Map<String, Json>> {
    let (base, invertible) = word.strip_suffix("+inv").or_else(|| word.strip_suffix("_inv")).map_or((word, false), |base| (base, true));
    let mut keys = match base {
        "pfeiffer" | "seq_bn" => json!({ "output_adapter": true, "original_ln_before": true, "non_linearity": "relu", "reduction_factor": 16 }),
        "houlsby" | "double_seq_bn" => json!({ "mh_adapter": true, "output_adapter": true, "non_linearity": "swish", "reduction_factor": 16 }),
        "parallel" | "par_bn" => json!({ "output_adapter": true, "is_parallel": true, "scaling": 4.0, "reduction_factor": 2 }),
        _ => return refuse(PLACE, "a table of keys, or pfeiffer, houlsby, parallel", word, "write the keys out"),
    };
    if invertible {
        keys["inv_adapter"] = json!("nice");
        keys["inv_adapter_reduction_factor"] = json!(2);
    }
    Ok(keys.as_object().cloned().unwrap_or_default())
}

/// Names that can stand inside the names of tensors.
///
/// # Errors
/// Empty, or with a dot.
pub fn check_name(at: &str, name: &str) -> Result<()> {
    if name.is_empty() || name.contains('.') {
        return refuse(format!("{at}: name"), "a name without dots", format!("\"{name}\""), "it stands inside the names of tensors");
    }
    Ok(())
}

/// A folder that is being read: every tensor must be used.
pub struct Folder {
    /// The adapter's name in the files.
    pub name: String,
    /// Path of the network without its head, with the dot behind.
    pub root: String,
    left: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Folder {
    /// Checks what the folder says beside the method's keys.
    ///
    /// # Errors
    /// It has no name, an unknown key that is not null, or belongs to a model of another width.
    pub fn open(disk: &OnDisk, spec: &Spec) -> Result<Self> {
        if let Some((key, value)) = disk.config.iter().find(|(k, v)| !AROUND.contains(&k.as_str()) && !v.is_null()) {
            return refuse(format!("adapter_config.json: {key}"), "null, or no such key", value, "a plugin that builds this must read it");
        }
        let name = disk.config.get("name").and_then(Json::as_str);
        let name = name.ok_or_else(|| Error::input("adapter_config.json: name", "the name inside the names of tensors", "none", "the file is incomplete"))?;
        match disk.config.get("hidden_size") {
            None | Some(Json::Null) => {}
            Some(width) if width.as_u64() == Some(spec.hidden as u64) => {}
            Some(width) => {
                let expected = format!("{}, the width of this {} model", spec.hidden, spec.family);
                return refuse("adapter_config.json: hidden_size", expected, width, "the adapter belongs to another model");
            }
        }
        Ok(Self { name: name.into(), root: Host::of(spec).root, left: disk.tensors.clone() })
    }

    /// Fills every parameter of a module from the tensor that `path` names.
    ///
    /// # Errors
    /// One lacks, or has another shape.
    pub fn fill<M: Module>(&mut self, module: &mut M, path: impl Fn(&str) -> String) -> Result<()> {
        let mut saved = Tensors::new();
        for entry in entries(module, "") {
            let name = path(&entry.name);
            let Some((shape, values)) = self.left.remove(&name) else {
                let near = nearest(&name, self.left.keys().map(String::as_str)).map_or_else(String::new, |n| format!("the nearest is {n}; "));
                let remedy = format!("{near}the file is incomplete, or the adapter belongs to another model");
                return refuse(format!("{TENSORS}: {name}"), "a tensor, as the keys say", "none", remedy);
            };
            if shape != entry.shape || values.len() != shape.iter().product::<usize>() {
                let remedy = "the adapter belongs to another model, or the keys are not those of the tensors";
                return refuse(format!("{TENSORS}: {name}"), format!("shape {:?}", entry.shape), format!("{shape:?}"), remedy);
            }
            saved.insert(entry.name, (shape, values));
        }
        restore_values(module, "", &saved)
    }

    /// Forgets the second copy of a norm in front that files of the package may hold.
    pub(super) fn drop_alias(&mut self, place: &str, norm_in_front: bool) {
        if norm_in_front {
            self.left.remove(&format!("{place}.adapter_down.0.weight"));
            self.left.remove(&format!("{place}.adapter_down.0.bias"));
        }
    }

    /// Forgets tensors whose names hold this piece: copies under other names.
    pub fn drop_copies(&mut self, piece: &str) {
        self.left.retain(|name, _| !name.contains(piece));
    }

    /// Takes the tensors of the invertible network out, as a folder of its own.
    pub(super) fn split_off_invertible(&mut self, config: &Map<String, Json>) -> OnDisk {
        let prefix = format!("{}invertible_adapters.{}.", self.root, self.name);
        let (taken, left) = std::mem::take(&mut self.left).into_iter().partition(|(name, _)| name.starts_with(&prefix));
        self.left = left;
        let mut config = config.clone();
        if let Ok(keys) = settings_of(&config) {
            config.insert("config".into(), Json::Object(super::part::only_invertible(&keys)));
        }
        OnDisk { config, tensors: taken }
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// A tensor was not used.
    pub fn finish(self) -> Result<()> {
        match self.left.into_keys().next() {
            Some(name) => {
                refuse(format!("{TENSORS}: {name}"), "a tensor that the keys call for", "one they do not", "the adapter belongs to another model or kind")
            }
            None => Ok(()),
        }
    }
}
