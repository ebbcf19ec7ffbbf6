//! The adapter folder in PEFT's form.

use crate::{Lora, Pair};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use tongues_kernel::OnDisk;
use tongues_nn::peft::{self, PREFIX, host};

/// After the path of A's module.
pub const SUFFIX_A: &str = ".lora_A.weight";
/// After the path of B's module.
pub const SUFFIX_B: &str = ".lora_B.weight";
/// After the path of B's module.
pub const SUFFIX_BIAS: &str = ".lora_B.bias";
/// After the path of a module with lengths of its own.
pub const SUFFIX_MAGNITUDE: &str = ".lora_magnitude_vector";
/// After the path of the embeddings.
pub const SUFFIX_EMBEDDING: [&str; 2] = [".lora_embedding_A", ".lora_embedding_B"];
/// After the path of the embeddings.
pub const SUFFIX_TOKENS: &str = ".token_adapter.trainable_tokens_delta";

/// Config and tensors.
pub fn on_disk(lora: &Lora) -> OnDisk {
    let mut tensors = BTreeMap::new();
    let mut put = |path: &str, suffix: &str, tensor| tensors.insert(format!("{PREFIX}{path}{suffix}"), tensor);
    for (path, pair) in lora.at.iter() {
        let (a, b) = pair.written();
        put(path, SUFFIX_A, host(a));
        put(path, SUFFIX_B, host(b));
        pair.lora_B.bias.iter().for_each(|bias| drop(put(path, SUFFIX_BIAS, host(bias.val()))));
        pair.lora_magnitude_vector.iter().for_each(|m| drop(put(path, SUFFIX_MAGNITUDE, host(m.val()))));
    }
    for (path, rows) in lora.rows.iter() {
        put(path, SUFFIX_EMBEDDING[0], host(rows.lora_embedding_A.val()));
        put(path, SUFFIX_EMBEDDING[1], host(rows.lora_embedding_B.val()));
    }
    for (path, tokens) in lora.tokens.iter() {
        put(path, SUFFIX_TOKENS, host(tokens.trainable_tokens_delta.val()));
    }
    for (path, copy) in lora.saved.iter() {
        let lies = lora.settings.across.contains(path);
        let weight = copy.weight.val();
        put(path, ".weight", host(if lies { weight.transpose() } else { weight }));
        copy.bias.iter().for_each(|bias| drop(put(path, ".bias", host(bias.val()))));
    }
    OnDisk { config: config(lora), tensors }
}

fn config(lora: &Lora) -> Map<String, Json> {
    let s = &lora.settings;
    // With a start the matrices are written with twice the rank; the factor must stay.
    let times = lora.at.iter().next().map_or(1, |(_, pair)| if pair.start.is_some() { 2 } else { 1 });
    let alpha = |a: f64| number(if s.use_rslora { a * f64::from(times).sqrt() } else { a * f64::from(times) });
    let rank = |pair: &Pair| pair.rank() * times as usize;
    let r = s.r * times as usize;
    let mut ranks: Map<String, Json> = lora.at.iter().filter(|(_, p)| rank(p) != r).map(|(path, p)| (path.clone(), json!(rank(p)))).collect();
    ranks.extend(lora.rows.iter().filter(|(_, rows)| rows.rank() != r).map(|(path, rows)| (path.clone(), json!(rows.rank()))));
    let alphas: Map<String, Json> = s.alphas.iter().map(|(path, a)| (path.clone(), alpha(*a))).collect();
    let entries = [
        ("alpha_pattern", Json::Object(alphas)),
        ("bias", json!("none")),
        ("fan_in_fan_out", json!(s.fan_in_fan_out)),
        ("init_lora_weights", json!(true)),
        ("layers_to_transform", json!(s.layers_to_transform)),
        ("lora_alpha", alpha(s.lora_alpha)),
        ("lora_bias", json!(s.lora_bias)),
        ("lora_dropout", json!(s.lora_dropout)),
        ("modules_to_save", json!(s.modules_to_save)),
        ("r", json!(r)),
        ("rank_pattern", Json::Object(ranks)),
        ("target_modules", json!(s.target_modules)),
        ("trainable_token_indices", s.trainable_token_indices.clone()),
        ("use_dora", json!(s.use_dora)),
        ("use_rslora", json!(s.use_rslora)),
    ];
    peft::config("LORA", entries)
}

/// PEFT writes whole numbers without a point.
fn number(x: f64) -> Json {
    if x.fract() == 0.0 && x.abs() < 1e15 { json!(x as i64) } else { json!(x) }
}
