//! Adapters that PEFT wrote, on the tied llama of the fixtures: its logits are the reference.

use serde_json::{Map, Value as Json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tongues_adapter_lora::load;
use tongues_backbone_llama::LlamaConfig;
use tongues_io::tensors::open_file;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Call, Family, Folded, Init, Input, Model, OnDisk, Stack, Stream, entries, values};
use tongues_testkit::{ToyTokenizer, assert_near, spread};

fn fixtures() -> PathBuf {
    let mut at = Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf();
    while !at.join("tests/fixtures/peft-lora").is_dir() {
        assert!(at.pop(), "tests/fixtures/peft-lora lies above the crate");
    }
    at.join("tests/fixtures")
}

fn json_file(path: &Path) -> Map<String, Json> {
    serde_json::from_slice(&std::fs::read(path).expect("the fixture")).expect("JSON")
}

/// The tied llama of the fixtures.
fn base() -> Model {
    let folder = fixtures().join("llama/tied");
    let mut config = json_file(&folder.join("config.json"));
    let known: LlamaConfig = {
        let schema = schema_keys();
        config.retain(|key, _| schema.contains(key));
        serde_json::from_value(Json::Object(config)).expect("a llama")
    };
    let backbone = known.build(&Init { device: tongues_testkit::device(), draws: None }).expect("a llama");
    let mut model = Model::new(backbone, Arc::new(ToyTokenizer::default()));
    let file = open_file(&folder.join("model.safetensors")).expect("weights");
    for entry in entries(&model.net.backbone, "") {
        let values = file.f32(&entry.name).expect("a tensor of the fixture");
        let device = tongues_testkit::device();
        match entry.shape[..] {
            [n] => model.weights().set(&entry.name, Tensor::<1>::from_data(TensorData::new(values, [n]), &device)),
            [n, m] => model.weights().set(&entry.name, Tensor::<2>::from_data(TensorData::new(values, [n, m]), &device)),
            _ => panic!("llama has vectors and matrices"),
        }
        .expect("it fits");
    }
    model
}

fn schema_keys() -> Vec<String> {
    let schema = tongues_kernel::schemars::schema_for!(LlamaConfig).to_value();
    schema["properties"].as_object().expect("an object").keys().cloned().collect()
}

/// Ids, validity, positions and expected logits of a case, and which rows of logits count.
fn reference(folder: &Path, key: &str) -> (Input, Vec<f32>, Vec<bool>) {
    let file = open_file(&folder.join("reference.safetensors")).expect("a reference");
    let (ids, mask) = (file.i64("input_ids").expect("ids"), file.i64("attention_mask").expect("mask"));
    let shape: [usize; 2] = file.info("input_ids").expect("ids").shape.clone().try_into().expect("a rectangle");
    let device = tongues_testkit::device();
    let ints = |v: Vec<i64>| Tensor::<2, Int>::from_data(TensorData::new(v, shape), &device);
    let positions = mask.chunks(shape[1]).flat_map(|row| {
        let counted = row.iter().scan(0, |n, m| {
            *n += m;
            Some((*n - 1).max(0))
        });
        counted.collect::<Vec<i64>>()
    });
    let stream = Stream { ids: ints(ids), rows: None, valid: Some(ints(mask.clone()).equal_elem(1)), positions: ints(positions.collect()), segments: None };
    (Input::of(Stack::Decoder, stream), file.f32(key).expect("logits"), mask.into_iter().map(|m| m == 1).collect())
}

fn real(logits: &[f32], mask: &[bool]) -> Vec<f32> {
    let width = logits.len() / mask.len();
    logits.chunks(width).zip(mask).filter(|(_, m)| **m).flat_map(|(row, _)| row.to_vec()).collect()
}

#[test]
fn files_of_peft_give_its_logits_live_and_folded() {
    for case in ["plain", "rslora"] {
        let folder = fixtures().join("peft-lora").join(case);
        let (input, expected, mask) = reference(&folder, "logits");
        let (expected, merged) = (real(&expected, &mask), real(&reference(&folder, "logits_merged").1, &mask));
        let mut model = base();
        let run = |model: &Model| real(&values(model.logits(&input, Call::default()).expect("logits")), &mask);
        let tolerance = 1e-4 * spread(&expected);
        assert_near(&format!("{case}: the base"), &run(&model), &real(&reference(&folder, "logits_base").1, &mask), tolerance);
        let file = open_file(&folder.join("adapter_model.safetensors")).expect("an adapter");
        let tensors = file.names().map(|n| (n.to_owned(), (file.info(n).expect("info").shape.clone(), file.f32(n).expect("values")))).collect();
        let disk = OnDisk { config: json_file(&folder.join("adapter_config.json")), tensors };
        load(&disk, "lora", &mut model).unwrap_or_else(|e| panic!("{case}: {e}"));
        assert_near(&format!("{case}: live"), &run(&model), &expected, tolerance);
        let again = model.net.parts.list()[0].part.save().expect("saves");
        assert_eq!(again.tensors, disk.tensors, "{case}: tensors written again");
        for (key, value) in &again.config {
            assert!(disk.config[key] == *value || key == "base_model_name_or_path", "{case}: {key} is {value} instead of {}", disk.config[key]);
        }
        assert_eq!(model.fold().expect("folds"), [("lora".to_owned(), Folded::Exact)]);
        assert_near(&format!("{case}: folded"), &run(&model), &merged, tolerance);
    }
}
