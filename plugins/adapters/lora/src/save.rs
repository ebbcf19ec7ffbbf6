//! The adapter folder in PEFT's form.

use crate::{Lora, Pair};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{OnDisk, values};

/// What PEFT puts before every module path.
pub const PREFIX: &str = "base_model.model.";
/// After the path of A's module.
pub const SUFFIX_A: &str = ".lora_A.weight";
/// After the path of B's module.
pub const SUFFIX_B: &str = ".lora_B.weight";

/// Config and tensors. `base_model_name_or_path` is left empty: who writes the folder knows it.
pub fn on_disk(lora: &Lora) -> OnDisk {
    let mut tensors = BTreeMap::new();
    for (path, pair) in lora.at.iter() {
        tensors.insert(format!("{PREFIX}{path}{SUFFIX_A}"), host(pair.lora_A.weight.val()));
        tensors.insert(format!("{PREFIX}{path}{SUFFIX_B}"), host(pair.lora_B.weight.val()));
    }
    OnDisk { config: config(lora), tensors }
}

fn host(tensor: Tensor<2>) -> (Vec<usize>, Vec<f32>) {
    (tensor.dims().to_vec(), values(tensor))
}

fn config(lora: &Lora) -> Map<String, Json> {
    let s = &lora.settings;
    let ranks = pattern(lora, |_, pair| (pair.rank() != s.r).then(|| json!(pair.rank())));
    let alphas = pattern(lora, |i, _| s.alphas.get(i).filter(|a| **a != s.lora_alpha).map(|a| number(*a)));
    let entries = [
        ("alpha_pattern", alphas),
        ("base_model_name_or_path", Json::Null),
        ("bias", json!("none")),
        ("fan_in_fan_out", json!(s.fan_in_fan_out)),
        ("inference_mode", json!(true)),
        ("init_lora_weights", json!(true)),
        ("layers_to_transform", json!(s.layers_to_transform)),
        ("lora_alpha", number(s.lora_alpha)),
        ("lora_dropout", json!(s.lora_dropout)),
        ("modules_to_save", Json::Null),
        ("peft_type", json!("LORA")),
        ("r", json!(s.r)),
        ("rank_pattern", ranks),
        ("target_modules", json!(s.target_modules)),
        ("task_type", json!("CAUSAL_LM")),
        ("use_dora", json!(false)),
        ("use_rslora", json!(s.use_rslora)),
    ];
    entries.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
}

/// Path to value, for the pairs that differ from the rest.
fn pattern(lora: &Lora, value: impl Fn(usize, &Pair) -> Option<Json>) -> Json {
    let own = lora.at.iter().enumerate().filter_map(|(i, (path, pair))| Some((path.clone(), value(i, pair)?)));
    Json::Object(own.collect())
}

/// PEFT writes whole numbers without a point.
fn number(x: f64) -> Json {
    if x.fract() == 0.0 && x.abs() < 1e15 { json!(x as i64) } else { json!(x) }
}
