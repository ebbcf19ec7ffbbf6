//! A configuration of any bytes, or with any values, beside good weights.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use std::sync::LazyLock;
use tongues_builtin as _;
use tongues_io::hf::{self, Reading};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Bare, Draws, Init, Model};

fn bare() -> Bare {
    Bare { device: Device::flex(), draws: Draws::new(0) }
}

static DIR: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a folder");
    let config = serde_json::json!({"model_type": "llama", "vocab_size": 8, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2});
    let family = hf::family(config.as_object().expect("an object"), Path::new("config.json"), &mut bare()).expect("a family");
    let model = Model::without_tokenizer(family.build(&Init { device: Device::flex(), draws: Some(Draws::new(1)) }).expect("a model"));
    hf::save(&model, None, dir.path()).expect("saved");
    dir
});

/// Keys of all families, with values cut from the input: bytes that are JSON by chance are rare.
fn built(data: &[u8]) -> Option<Vec<u8>> {
    const KEYS: [&str; 16] = [
        "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size",
        "max_position_embeddings", "sliding_window", "rope_theta", "rms_norm_eps", "tie_word_embeddings", "n_embd", "n_layer", "n_head", "layer_types",
    ];
    const FAMILIES: [&str; 8] = ["llama", "mistral", "qwen2", "qwen3", "gpt2", "gemma2", "gemma3_text", "bloom"];
    let (family, rest) = data.split_first()?;
    let mut config = serde_json::json!({"model_type": FAMILIES[*family as usize % FAMILIES.len()], "vocab_size": 8, "hidden_size": 8,
        "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2});
    for chunk in rest.chunks_exact(10) {
        let number = u64::from_le_bytes(chunk[2..].try_into().ok()?);
        let value = match chunk[1] % 5 {
            0 => number.into(),
            1 => (number >> (chunk[1] as u32 / 4)).into(),
            2 => serde_json::Number::from_f64(f64::from_bits(number)).map_or(serde_json::Value::Null, Into::into),
            3 => (number % 2 == 0).into(),
            _ => serde_json::Value::Null,
        };
        config[KEYS[chunk[0] as usize % KEYS.len()]] = value;
    }
    Some(config.to_string().into_bytes())
}

fuzz_target!(|data: &[u8]| {
    let raw = data.first().is_some_and(|b| b % 4 == 0);
    let text = if raw { data.get(1..).map(<[u8]>::to_vec) } else { built(data) };
    let Some(text) = text else { return };
    std::fs::write(DIR.path().join("config.json"), text).expect("written");
    let _ = hf::load_backbone(DIR.path(), &Reading::default(), &mut bare());
});
