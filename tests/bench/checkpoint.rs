//! Writes a random llama of 1.1 billion parameters in bfloat16 (2.2 GB, the shape of TinyLlama) for `cargo xtask bench load` and
//! `cargo xtask bench merge`. With a number, an expert of the one without: its weights with noise of their own.
//!
//!     synthetic-checkpoint FOLDER [NUMBER]
#![allow(missing_docs)]

use serde_json::json;
use std::path::Path;
use tongues_builtin as _;
use tongues_io::{Algorithm, CheckpointWriter, Dtype, HfTokenizer, hf, write_atomic};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Bare, Draws, Error, Init, Model, Result};

fn main() -> Result<()> {
    let Some(dir) = std::env::args().nth(1) else { return Err(Error::input("arguments", "a folder", "none", "name one")) };
    let dir = Path::new(&dir);
    let mut expert = std::env::args().nth(2).and_then(|n| n.parse::<u64>().ok());
    std::fs::create_dir_all(dir).map_err(|e| Error::run(dir.display(), e))?;
    let config = json!({ "model_type": "llama", "vocab_size": 32000, "hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22,
        "num_attention_heads": 32, "num_key_value_heads": 4, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5,
        "architectures": ["LlamaForCausalLM"] });
    let mut cx = Bare { device: Device::flex(), draws: Draws::new(1) };
    let family = hf::family(config.as_object().unwrap_or(&serde_json::Map::new()), dir, &mut cx)?;
    let model = Model::without_tokenizer(family.build(&Init { device: Device::flex(), draws: None })?);
    let mut plan = hf::tensor_specs(&model, Dtype::BF16);
    plan.sort_by(|a, b| a.name.cmp(&b.name));
    let mut writer = CheckpointWriter::create(dir, &plan, 1_000_000_000)?;
    let mut state = 1u64;
    for spec in &plan {
        let count: usize = spec.shape.iter().product();
        let is_norm = spec.shape.len() == 1;
        let mut bytes = Vec::with_capacity(2 * count);
        for _ in 0..count {
            let unit = next(&mut state);
            let noise = expert.as_mut().map_or(0.0, |state| 0.01 * next(state));
            let value = noise + if is_norm { 1.0 + 0.2 * unit } else { 0.07 * unit };
            bytes.extend_from_slice(&((value.to_bits() >> 16) as u16).to_le_bytes());
        }
        writer.push_bytes(&spec.name, &bytes)?;
    }
    writer.finish()?;
    HfTokenizer::train(Algorithm::Bpe, 270, &mut ["one small text", "and another one"].into_iter().map(String::from))?.save(dir)?;
    let mut written = model.spec().config.clone();
    hf::set_dtype(&mut written, Dtype::BF16);
    write_atomic(&dir.join("config.json"), serde_json::Value::Object(written).to_string().as_bytes())
}

/// Uniform in ±0.5.
fn next(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1u32 << 24) as f32 - 0.5
}
