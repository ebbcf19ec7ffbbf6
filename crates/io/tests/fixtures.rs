//! Files that other libraries wrote: read to the same numbers, ids and texts, and written again to the same bytes.

use std::path::PathBuf;

use serde_json::Value as Json;
use tongues_io::{
    Checkpoint, Dtype, HfTokenizer, TensorOut, TensorSpec,
    config::{need_usize, read_config, read_json},
    open_file,
    tensors::{Data, write},
};
use tongues_kernel::Tokenizer;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name)
}

fn ids(value: &Json) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

#[test]
fn tokenizers_give_the_ids_and_texts_of_the_reference() {
    for kind in ["bpe", "unigram"] {
        let dir = fixture("tokenizer").join(kind);
        let tokenizer = HfTokenizer::from_dir(&dir).unwrap();
        let reference = read_json(&dir.join("encodings.json")).unwrap();
        assert_eq!(tokenizer.size() as u64, reference["vocab_size"].as_u64().unwrap());
        assert_eq!((tokenizer.pad(), tokenizer.bos(), tokenizer.eos()), (Some(0), Some(1), Some(2)));
        let encodings = reference["encodings"].as_array().unwrap();
        assert!(encodings.len() > 5);
        for one in encodings {
            let text = one["text"].as_str().unwrap();
            let found = tokenizer.encode(text).unwrap();
            assert_eq!(found, ids(&one["ids"]), "{kind}: {text:?}");
            assert_eq!(tokenizer.decode(&found).unwrap(), one["decoded"].as_str().unwrap(), "{kind}: {text:?}");
            let pieces: Vec<Json> = found.iter().map(|id| tokenizer.piece(*id).unwrap().into()).collect();
            assert_eq!(Json::from(pieces), one["tokens"], "{kind}: {text:?}");
        }
    }
}

#[test]
fn shards_hold_the_weights_of_the_single_file() {
    let single = Checkpoint::open(&fixture("llama/base")).unwrap();
    let sharded = Checkpoint::open(&fixture("llama/sharded")).unwrap();
    assert_eq!(single.names().collect::<Vec<_>>(), sharded.names().collect::<Vec<_>>());
    for name in single.names() {
        assert_eq!(single.info(name).unwrap().shape, sharded.info(name).unwrap().shape);
        assert_eq!(single.f32(name).unwrap(), sharded.f32(name).unwrap(), "{name}");
    }
    let config = read_config(&fixture("llama/base")).unwrap();
    let at = fixture("llama/base/config.json");
    let rows = [need_usize(&config, "vocab_size", &at).unwrap(), need_usize(&config, "hidden_size", &at).unwrap()];
    assert_eq!(single.info("model.embed_tokens.weight").unwrap().shape, rows);
    let reference = open_file(&fixture("llama/base/reference.safetensors")).unwrap();
    assert_eq!(reference.info("input_ids").unwrap().dtype, Dtype::I64);
    assert!(reference.i64("input_ids").unwrap().iter().all(|id| (0..rows[0] as i64).contains(id)));
}

#[test]
fn a_file_written_again_has_the_same_bytes() {
    for name in ["llama/base/model.safetensors", "peft-lora/plain/adapter_model.safetensors"] {
        let path = fixture(name);
        let read = open_file(&path).unwrap();
        let tensor = |name: &str| {
            let info = read.info(name).unwrap();
            TensorOut { spec: TensorSpec::new(name, info.dtype, info.shape.clone()), data: Data::F32(read.f32(name).unwrap()) }
        };
        let tensors: Vec<TensorOut> = read.names().map(tensor).collect();
        let dir = tempfile::tempdir().unwrap();
        let again = dir.path().join("again.safetensors");
        write(&again, &tensors, read.metadata().unwrap()).unwrap();
        assert!(std::fs::read(&path).unwrap() == std::fs::read(&again).unwrap(), "{name} differs");
    }
}
