//! Chosen, moved and fresh tensors of checkpoints, and what is refused of them.

use serde_json::{Value as Json, json};
use std::path::Path;
use tongues_io::hf::{self, From, Reading};
use tongues_io::{Dtype, TensorOut, TensorSpec, open_file, tensors};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Bare, Draws, Init, Model, Result, entries, values};

fn bare() -> Bare {
    Bare { device: Device::flex(), draws: Draws::new(5) }
}

/// A random llama with so many blocks, as a folder without a tokenizer.
fn folder(layers: usize, seed: u64) -> tempfile::TempDir {
    let config =
        json!({"model_type": "llama", "vocab_size": 20, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": layers, "num_attention_heads": 2});
    let family = hf::family(config.as_object().expect("an object"), Path::new("config.json"), &mut bare()).expect("a family");
    let model = Model::without_tokenizer(family.build(&Init { device: Device::flex(), draws: Some(Draws::new(seed)) }).expect("a model"));
    let dir = tempfile::tempdir().expect("a folder");
    hf::save(&model, None, dir.path()).expect("saved");
    dir
}

fn read(dir: &Path, how: &Reading) -> Result<Model> {
    hf::load_backbone(dir, how, &mut bare()).map(Model::without_tokenizer)
}

fn tensor(model: &mut Model, name: &str) -> Vec<f32> {
    values(model.weights().get::<2>(name).expect("a matrix"))
}

fn query(layer: usize) -> String {
    format!("model.layers.{layer}.self_attn.q_proj.weight")
}

#[test]
fn chosen_blocks_become_a_smaller_model_that_saves_and_reads() {
    let dir = folder(4, 1);
    let mut whole = read(dir.path(), &Reading::default()).expect("read");
    let mut some = read(dir.path(), &Reading { layers: vec![3, 1, 1], ..Reading::default() }).expect("read");
    assert_eq!(some.spec().config["num_hidden_layers"], 3);
    for (new, old) in [(0, 3), (1, 1), (2, 1)] {
        assert_eq!(tensor(&mut some, &query(new)), tensor(&mut whole, &query(old)), "block {new}");
    }
    assert_ne!(tensor(&mut whole, &query(3)), tensor(&mut whole, &query(1)));
    let out = tempfile::tempdir().expect("a folder");
    hf::save(&some, None, out.path()).expect("saved");
    let mut back = read(out.path(), &Reading::default()).expect("the smaller model is an ordinary one");
    assert_eq!(tensor(&mut back, &query(0)), tensor(&mut whole, &query(3)));
    let error = read(dir.path(), &Reading { layers: vec![4], ..Reading::default() }).err().expect("refused").to_string();
    assert!(error.contains("blocks below the checkpoint's 4"), "{error}");
}

#[test]
fn tensors_of_another_checkpoint_and_fresh_ones() {
    let (dir, other) = (folder(2, 1), folder(2, 2));
    let from = |tensors: &str, into: Option<&str>| From { dir: other.path().into(), tensors: tensors.into(), into: into.map(String::from) };
    let how = Reading { from: vec![from("model.layers.0.*", Some("model.layers.1."))], fresh: vec!["model.embed_tokens.weight".into()], ..Reading::default() };
    let (mut a, mut b) = (read(dir.path(), &Reading::default()).expect("read"), read(other.path(), &Reading::default()).expect("read"));
    let mut mixed = read(dir.path(), &how).expect("read");
    assert_eq!(tensor(&mut mixed, &query(1)), tensor(&mut b, &query(0)));
    assert_eq!(tensor(&mut mixed, &query(0)), tensor(&mut a, &query(0)));
    let embed = "model.embed_tokens.weight";
    let drawn = tensor(&mut mixed, embed);
    assert!(drawn != tensor(&mut a, embed) && drawn != tensor(&mut b, embed) && drawn.iter().any(|x| *x != 0.0));
    assert_eq!(drawn, tensor(&mut read(dir.path(), &how).expect("read"), embed), "draws are of the seed");
    for (how, piece) in [
        (Reading { from: vec![from("model.layer.*", None)], ..Reading::default() }, "model.layer.*"),
        (Reading { from: vec![from("model.layers.0.*", Some("model.blocks."))], ..Reading::default() }, "model.blocks."),
        (Reading { fresh: vec!["model.embed.*".into()], ..Reading::default() }, "model.embed.*"),
    ] {
        let error = read(dir.path(), &how).err().expect("refused").to_string();
        assert!(error.contains(piece), "{error}");
    }
}

/// The folder with its weights changed by `change`.
fn rewritten(dir: &Path, change: impl Fn(&mut Vec<TensorOut>)) {
    let path = dir.join("model.safetensors");
    let file = open_file(&path).expect("weights");
    let one = |name: &str| {
        let info = file.info(name).expect("listed");
        TensorOut { spec: TensorSpec::new(name, info.dtype, info.shape.clone()), data: tensors::Data::Bytes(file.bytes(name).expect("bytes").to_vec()) }
    };
    let mut all: Vec<TensorOut> = file.names().map(one).collect();
    change(&mut all);
    tensors::write(&path, &all, &tensors::pt_metadata()).expect("written");
}

#[test]
fn unused_tensors_are_refused_or_told_and_missing_ones_may_be_drawn() {
    let dir = folder(2, 1);
    let extra = TensorOut { spec: TensorSpec::new("model.extra.weight", Dtype::F32, vec![1]), data: tensors::Data::F32(vec![1.0]) };
    rewritten(dir.path(), |all| all.push(extra.clone()));
    let error = read(dir.path(), &Reading::default()).err().expect("refused").to_string();
    assert!(error.contains("model.extra.weight") && error.contains("allow_unused"), "{error}");
    let model = read(dir.path(), &Reading { allow_unused: true, ..Reading::default() }).expect("read");
    assert!(!entries(&model.net.backbone, "").iter().any(|e| e.name == "model.extra.weight"));
    rewritten(dir.path(), |all| all.retain(|t| !t.spec.name.contains("extra") && t.spec.name != "lm_head.weight"));
    let error = read(dir.path(), &Reading::default()).err().expect("refused").to_string();
    assert!(error.contains("lm_head.weight") && error.contains("fresh"), "{error}");
    read(dir.path(), &Reading { fresh: vec!["lm_head.*".into()], ..Reading::default() }).expect("drawn");
}

fn config(dir: &Path, change: impl Fn(&mut Json)) {
    let path = dir.join("config.json");
    let mut config: Json = serde_json::from_slice(&std::fs::read(&path).expect("config")).expect("JSON");
    change(&mut config);
    std::fs::write(path, config.to_string()).expect("written");
}

#[test]
fn sizes_that_no_tensor_bears_out_are_refused_before_anything_is_made() {
    let dir = folder(2, 1);
    let keys = ["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim"];
    for key in keys {
        for huge in [json!(u64::MAX), json!(u64::MAX / 2), json!(1u64 << 40), json!(0)] {
            let before = std::fs::read(dir.path().join("config.json")).expect("config");
            config(dir.path(), |c| c[key] = huge.clone());
            let error = read(dir.path(), &Reading::default()).err().unwrap_or_else(|| panic!("{key} = {huge} was taken")).to_string();
            assert!(error.contains("config.json"), "{key} = {huge}: {error}");
            std::fs::write(dir.path().join("config.json"), before).expect("written");
        }
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    std::fs::write(dir.path().join("config.json"), format!("{{\"model_type\": \"llama\", \"x\": {deep}}}")).expect("written");
    let error = read(dir.path(), &Reading::default()).err().expect("refused").to_string();
    assert!(error.contains("recursion limit"), "{error}");
}

#[test]
fn an_index_that_claims_a_tensor_twice_and_other_dtypes_are_refused() {
    let dir = folder(1, 1);
    std::fs::rename(dir.path().join("model.safetensors"), dir.path().join("a.safetensors")).expect("renamed");
    let index = r#"{"weight_map": {"lm_head.weight": "a.safetensors", "lm_head.weight": "b.safetensors"}}"#;
    std::fs::write(dir.path().join("model.safetensors.index.json"), index).expect("written");
    let error = read(dir.path(), &Reading::default()).err().expect("refused").to_string();
    assert!(error.contains("lm_head.weight") && error.contains("a.safetensors and b.safetensors"), "{error}");
    let dir = folder(1, 1);
    rewritten(dir.path(), |all| {
        let head = all.iter_mut().find(|t| t.spec.name == "lm_head.weight").expect("a head");
        let numbers: usize = head.spec.shape.iter().product();
        (head.spec.dtype, head.data) = (Dtype::F8_E4M3, tensors::Data::Bytes(vec![0; numbers]));
    });
    let error = read(dir.path(), &Reading::default()).err().expect("refused").to_string();
    assert!(error.contains("lm_head.weight") && error.contains("F8_E4M3"), "{error}");
}
