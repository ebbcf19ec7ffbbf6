//! Mistakes in checkpoints: place, expectation, remedy, exit code 2.

use crate::support::{Desk, SMALL};
use std::sync::OnceLock;

/// A good checkpoint of our own, copied for each test.
fn checkpoint() -> Desk {
    static FILES: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    let files = FILES.get_or_init(|| {
        let small = SMALL.split("[[stage]]\nname = \"adapted\"").next().expect("the first stage");
        let desk = Desk::with(small);
        desk.good(&["run", "recipe.toml", "--out", "run"]);
        crate::support::files(&desk.path("run/stages/base/checkpoint"))
    });
    let desk = Desk::new();
    files.iter().for_each(|(name, bytes)| desk.file(&format!("model/{name}"), bytes));
    desk
}

fn generate(desk: &Desk, pieces: &[&str]) {
    desk.refused(&["generate", "model", "--prompt", "x", "--max-new-tokens", "1"], pieces);
}

#[test]
fn the_good_one_works() {
    let desk = checkpoint();
    let text = desk.good(&["generate", "model", "--prompt", "Da", "--max-new-tokens", "3", "--temperature", "0"]);
    assert!(text.starts_with("Da"), "{text}");
    assert!(desk.good(&["inspect", "model"]).contains("model.layers.1.mlp.down_proj.weight"));
}

#[test]
fn a_truncated_file_is_refused() {
    let desk = checkpoint();
    let path = desk.path("model/model.safetensors");
    let bytes = std::fs::read(&path).expect("weights");
    desk.file("model/model.safetensors", &bytes[..bytes.len() / 2]);
    generate(&desk, &["model.safetensors", "help"]);
    desk.file("model/model.safetensors", &bytes[..5]);
    generate(&desk, &["model.safetensors"]);
}

#[test]
fn a_header_that_lies_is_refused() {
    let desk = checkpoint();
    let path = desk.path("model/model.safetensors");
    let bytes = std::fs::read(&path).expect("weights");
    let mut huge = bytes.clone();
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    desk.file("model/model.safetensors", &huge);
    generate(&desk, &["model.safetensors", "header"]);
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes")) as usize;
    let header = String::from_utf8(bytes[8..8 + length].to_vec()).expect("a header");
    let at = header.find("\"shape\":[32,32]").expect("a square matrix");
    let lie = format!("{}\"shape\":[32,31]{}", &header[..at], &header[at + 15..]);
    desk.file("model/model.safetensors", &[&bytes[..8], lie.as_bytes(), &bytes[8 + length..]].concat());
    generate(&desk, &["model.safetensors"]);
}

#[test]
fn a_config_without_a_needed_key_is_refused() {
    let desk = checkpoint();
    let text = std::fs::read_to_string(desk.path("model/config.json")).expect("config");
    let mut config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    config.as_object_mut().expect("a table").remove("hidden_size");
    desk.file("model/config.json", config.to_string().as_bytes());
    generate(&desk, &["config.json", "hidden_size"]);
    desk.file("model/config.json", b"{}");
    generate(&desk, &["config.json", "model_type"]);
    desk.file("model/config.json", b"{\"model_type\": \"lama\"}");
    generate(&desk, &["lama", "did you mean \"llama\"?"]);
}

#[test]
fn tokenizer_ids_beyond_the_rows_are_refused() {
    let desk = checkpoint();
    let text = std::fs::read_to_string(desk.path("model/tokenizer.json")).expect("tokenizer");
    let mut tokenizer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    tokenizer["model"]["vocab"]["beyond"] = 5000.into();
    desk.file("model/tokenizer.json", tokenizer.to_string().as_bytes());
    generate(&desk, &["5000", "300"]);
}

#[test]
fn shard_paths_that_leave_the_folder_are_refused() {
    let desk = checkpoint();
    let weights = std::fs::read(desk.path("model/model.safetensors")).expect("weights");
    desk.file("outside.safetensors", &weights);
    std::fs::remove_file(desk.path("model/model.safetensors")).expect("removed");
    let index = serde_json::json!({ "weight_map": { "model.embed_tokens.weight": "../outside.safetensors" } });
    desk.file("model/model.safetensors.index.json", index.to_string().as_bytes());
    generate(&desk, &["../outside.safetensors"]);
}

#[test]
fn pickles_are_never_opened() {
    let desk = checkpoint();
    std::fs::remove_file(desk.path("model/model.safetensors")).expect("removed");
    desk.file("model/pytorch_model.bin", b"\x80\x04cos\nsystem\n(S'echo'\ntR.");
    generate(&desk, &["pytorch_model.bin", "safetensors"]);
}

#[test]
fn a_wrong_flag_names_the_tensors_it_leaves_over() {
    let desk = checkpoint();
    let text = std::fs::read_to_string(desk.path("model/config.json")).expect("config");
    desk.file("model/config.json", text.replace("\"attention_bias\": false", "\"attention_bias\": true").as_bytes());
    generate(&desk, &["q_proj.bias"]);
    desk.file("model/config.json", text.replace("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true").as_bytes());
    generate(&desk, &["lm_head.weight", "model.embed_tokens.weight"]);
}
