//! Weights kept in the dtype of their files: the same function, the same gradients, less memory, the same files again.

use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use tongues_io::hf::{self, Keep, Reading};
use tongues_io::{Dtype, open_file};
use tongues_kernel::burn::module::{Module, ModuleVisitor, Param};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::{DType, Int};
use tongues_kernel::{Bare, Call, Draws, Init, Input, Model, Policy, Stack, Stream, entries, policy, values};

fn read(dir: &Path, keep: Keep) -> Model {
    let mut cx = Bare { device: Device::flex().autodiff(), draws: Draws::new(0) };
    let mut model = Model::without_tokenizer(hf::load_backbone(dir, &Reading { keep, ..Reading::default() }, &mut cx).expect("the checkpoint loads"));
    policy::release(&mut model);
    model
}

/// A random model of whole blocks, written in a dtype.
fn checkpoint(dtype: Dtype) -> tempfile::TempDir {
    let config = json!({
        "model_type": "llama", "vocab_size": 40, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "initializer_range": 0.2, "attention_bias": true
    });
    let mut cx = Bare { device: Device::flex(), draws: Draws::new(0) };
    let family = hf::family(config.as_object().expect("an object"), Path::new("config.json"), &mut cx).expect("a family");
    let model = Model::without_tokenizer(family.build(&Init { device: Device::flex(), draws: Some(Draws::new(3)) }).expect("a model"));
    let dir = tempfile::tempdir().expect("a folder");
    hf::save(&model, Some(dtype), dir.path()).expect("saved");
    dir
}

/// Matrices by dtype.
fn dtypes(model: &Model) -> BTreeMap<String, usize> {
    struct Count(BTreeMap<String, usize>);
    impl ModuleVisitor for Count {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let dtype = if tongues_ops::is_int8(&param.val()) { "int8".into() } else { format!("{:?}", param.val().dtype()) };
            if D == 2 {
                *self.0.entry(dtype).or_default() += 1;
            } else {
                assert_eq!(param.val().dtype(), DType::F32, "vectors stay wide");
            }
        }
    }
    let mut count = Count(BTreeMap::new());
    model.net.backbone.visit(&mut count);
    count.0
}

fn logits(model: &Model, rows: usize) -> Tensor<3> {
    let ids = Tensor::<1, Int>::arange(0..5 * rows as i64, &Device::flex()).remainder_scalar(40).reshape([rows, 5]);
    let positions = Tensor::<1, Int>::arange(0..5, &Device::flex()).reshape([1, 5]).expand([rows, 5]);
    let stream = Stream { ids, rows: None, valid: None, positions, segments: None };
    model.logits(&Input::of(Stack::Decoder, stream), Call::default()).expect("logits")
}

fn apart(a: &[f32], b: &[f32]) -> f64 {
    let norm = (b.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / b.len() as f64).sqrt();
    a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max) / norm
}

#[test]
fn half_precision_weights_stay_as_stored_and_give_the_logits_of_wide_ones() {
    for (dtype, name) in [(Dtype::BF16, "BF16"), (Dtype::F16, "F16")] {
        let dir = checkpoint(dtype);
        let (narrow, wide) = (read(dir.path(), Keep::Auto), read(dir.path(), Keep::Float32));
        let matrices = dtypes(&wide)["F32"];
        assert_eq!(dtypes(&narrow), BTreeMap::from([(name.to_owned(), matrices)]));
        for rows in [1, 2, 5] {
            let difference = apart(&values(logits(&narrow, rows)), &values(logits(&wide, rows)));
            assert!(difference < 1e-5, "{name}, {rows} rows: {difference}");
        }
    }
}

#[test]
fn gradients_reach_what_trains_beside_frozen_narrow_weights() {
    let dir = checkpoint(Dtype::BF16);
    let trains = "model.layers.0.self_attn.q_proj.weight";
    let gradient = |keep| {
        let mut model = read(dir.path(), keep);
        policy::apply(&mut model, &BTreeMap::from([(trains.to_owned(), Policy::free())]));
        let grads = logits(&model, 2).powf_scalar(2.0).sum().backward();
        let weight = model.weights().get::<2>(trains).expect("there");
        assert_eq!(entries(&model.net.backbone, "").iter().filter(|e| e.trains).map(|e| e.name.as_str()).collect::<Vec<_>>(), [trains]);
        (dtypes(&model), values(weight.grad(&grads).expect("a gradient")))
    };
    let ((kinds, narrow), (_, wide)) = (gradient(Keep::Auto), gradient(Keep::Float32));
    assert_eq!(kinds["F32"], 1, "what trains is 32-bit, and nothing else: {kinds:?}");
    assert!(apart(&narrow, &wide) < 1e-4, "{}", apart(&narrow, &wide));
}

#[test]
fn a_checkpoint_keeps_its_dtype_and_its_bytes() {
    for dtype in [Dtype::BF16, Dtype::F16] {
        let dir = checkpoint(dtype);
        let again = tempfile::tempdir().expect("a folder");
        hf::save(&read(dir.path(), Keep::Auto), None, again.path()).expect("saved");
        for file in ["model.safetensors", "config.json"] {
            assert_eq!(std::fs::read(dir.path().join(file)).expect("read"), std::fs::read(again.path().join(file)).expect("read"), "{file}");
        }
        let config = tongues_io::config::read_config(again.path()).expect("config");
        assert_eq!((&config["dtype"], &config["torch_dtype"]), (&hf::dtype_name(dtype).into(), &hf::dtype_name(dtype).into()));
    }
}

#[test]
fn a_model_goes_on_as_its_checkpoint_would_be_read() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/llama/base");
    let mut model = read(&fixture, Keep::Auto);
    let dir = tempfile::tempdir().expect("a folder");
    hf::save(&model, Some(Dtype::BF16), dir.path()).expect("saved");
    hf::as_written(&mut model, Dtype::BF16);
    let back = read(dir.path(), Keep::Auto);
    assert_eq!(dtypes(&model), dtypes(&back));
    assert_eq!(values(logits(&model, 3)), values(logits(&back, 3)));
}

#[test]
fn int8_is_near_and_can_neither_train_nor_be_written() {
    let dir = checkpoint(Dtype::BF16);
    let (rounded, wide) = (read(dir.path(), Keep::Int8), read(dir.path(), Keep::Float32));
    let kinds = dtypes(&rounded);
    assert!(kinds["int8"] >= 4, "{kinds:?}");
    let found = apart(&values(logits(&rounded, 2)), &values(logits(&wide, 2)));
    assert!(found > 1e-6 && found < 0.3, "{found}");
    let error = hf::save(&rounded, None, dir.path()).expect_err("refused").to_string();
    assert!(error.contains("int8") && error.contains("dtype = \"auto\""), "{error}");
    assert!(hf::rounded(&rounded, |name| name.ends_with("_proj.weight")).is_some());
    let before = open_file(&dir.path().join("model.safetensors")).expect("still whole");
    assert_eq!(before.info("model.norm.weight").expect("there").dtype, Dtype::BF16);
}

#[test]
fn files_that_do_not_give_the_model_are_not_certified() {
    let dir = checkpoint(Dtype::F32);
    let (live, mut other) = (read(dir.path(), Keep::Auto), read(dir.path(), Keep::Auto));
    hf::certificate::certify(&live, &other, Dtype::F32, &[], dir.path()).expect("the same model");
    let told = hf::certificate::check_files(dir.path()).expect("certified");
    assert_eq!(told.difference, Some(0.0));
    let mut weights = other.weights();
    let norm = weights.get::<1>("model.norm.weight").expect("there");
    weights.set("model.norm.weight", norm * 1.001).expect("set");
    let error = hf::certificate::certify(&live, &other, Dtype::F32, &[], dir.path()).expect_err("refused").to_string();
    assert!(error.contains("nothing was replaced"), "{error}");
    assert!(hf::certificate::check_model(&live, &told, dir.path()).expect("the same") < 1e-6);
    let far = other.weights().get::<1>("model.norm.weight").expect("there") * 1.01;
    other.weights().set("model.norm.weight", far).expect("set");
    let error = hf::certificate::check_model(&other, &told, dir.path()).expect_err("refused").to_string();
    assert!(error.contains("certificate"), "{error}");
}
