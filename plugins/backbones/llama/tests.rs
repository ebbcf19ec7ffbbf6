//! Equality with the reference implementation, on checkpoints written by it.

use std::path::PathBuf;
use tongues_backbone_llama as _;
use tongues_io::{hf, open_file};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::Int;
use tongues_kernel::{Bare, Call, Draws, Input, Model, Session, Stack, Stream, values};
use tongues_testkit::BackboneCase;

fn fixture(case: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/llama").join(case)
}

fn model(case: &str) -> Model {
    let mut cx = Bare { device: tongues_testkit::device(), draws: Draws::new(0) };
    Model::without_tokenizer(hf::load_backbone(&fixture(case), &hf::Reading::default(), &mut cx).expect("the fixture loads"))
}

/// Ids, mask and positions as the reference was given them.
fn input(case: &str) -> (Input, Vec<i64>) {
    let file = open_file(&fixture(case).join("reference.safetensors")).expect("reference");
    let shape: [usize; 2] = file.info("input_ids").expect("ids").shape.clone().try_into().expect("a matrix");
    let (ids, mask) = (file.i64("input_ids").expect("ids"), file.i64("attention_mask").expect("mask"));
    let positions = mask
        .chunks(shape[1])
        .flat_map(|row| {
            row.iter()
                .scan(-1i64, |n, m| {
                    Some({
                        *n += m;
                        (*n).max(0)
                    })
                })
                .collect::<Vec<_>>()
        })
        .collect::<Vec<_>>();
    let ints = |v: &[i64]| Tensor::<2, Int>::from_data(TensorData::new(v.to_vec(), shape), &tongues_testkit::device());
    let stream = Stream { ids: ints(&ids), rows: None, valid: Some(ints(&mask).equal_elem(1)), positions: ints(&positions), segments: None };
    (Input::of(Stack::Decoder, stream), mask)
}

fn reference(case: &str, file: &str, name: &str) -> Vec<f32> {
    open_file(&fixture(case).join(file)).and_then(|f| f.f32(name)).expect("reference logits")
}

fn std(x: &[f32]) -> f64 {
    let mean = x.iter().map(|v| f64::from(*v)).sum::<f64>() / x.len() as f64;
    (x.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / x.len() as f64).sqrt()
}

/// Largest difference at places that hold a token, in units of the tolerance 1e-4 · std.
fn difference(ours: &[f32], theirs: &[f32], mask: &[i64]) -> f64 {
    let width = ours.len() / mask.len();
    let worst = mask.iter().enumerate().filter(|(_, m)| **m == 1).flat_map(|(i, _)| i * width..(i + 1) * width);
    worst.map(|j| f64::from((ours[j] - theirs[j]).abs())).fold(0.0, f64::max) / (1e-4 * std(theirs))
}

fn ours(case: &str) -> (Vec<f32>, Vec<i64>) {
    let (input, mask) = input(case);
    (values(model(case).logits(&input, Call::default()).expect("logits")), mask)
}

#[test]
fn logits_equal_transformers() {
    for case in ["base", "tied", "llama3", "sharded", "v5"] {
        let (ours, mask) = ours(case);
        let theirs = reference(case, "reference.safetensors", "logits");
        assert!(std(&theirs) >= 1.0, "{case}: the fixture is too flat");
        let worst = difference(&ours, &theirs, &mask);
        assert!(worst <= 1.0, "{case}: {worst} tolerances off");
    }
}

#[test]
fn every_rope_type_equals_the_reference() {
    for case in ["linear", "yarn", "yarn-explicit", "yarn-mscale", "shortrope"] {
        BackboneCase::new(fixture(case)).check();
    }
    // Beyond 8 tokens these turn all keys otherwise.
    for case in ["dynamic", "longrope"] {
        BackboneCase::new(fixture(case)).with_sessions_up_to(8).check();
    }
}

#[test]
fn flags_matter() {
    for case in ["base", "llama3", "v5"] {
        let (ours, mask) = ours(case);
        let file = open_file(&fixture(case).join("flags.safetensors")).expect("flags");
        let flags: Vec<String> = file.names().map(str::to_owned).collect();
        assert!(!flags.is_empty());
        for flag in flags {
            let worst = difference(&ours, &file.f32(&flag).expect("logits"), &mask);
            assert!(worst >= 100.0, "{case}: with {flag} changed the output is only {worst} tolerances away");
        }
    }
}

#[test]
fn greedy_text_equals_transformers() {
    let file = open_file(&fixture("base").join("generation.safetensors")).expect("generation");
    let ids = |name| file.i64(name).expect("ids").into_iter().map(|i| i as u32).collect::<Vec<u32>>();
    let (prompt, expected) = (ids("prompt"), ids("output"));
    let model = model("base");
    let (mut session, mut scores) = Session::open(&model, &[&prompt]).expect("session");
    let mut written = prompt.clone();
    while written.len() < expected.len() {
        let row = values(scores);
        let best = (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).expect("a token") as u32;
        written.push(best);
        scores = session.push(&[best]).expect("push");
    }
    assert_eq!(written, expected);
}

#[test]
fn a_saved_model_is_read_back_with_equal_bytes() {
    for case in ["base", "tied", "llama3"] {
        let dir = tempfile::tempdir().expect("a folder");
        hf::save(&model(case), None, dir.path()).expect("save");
        let read = |d: &std::path::Path| std::fs::read(d.join("model.safetensors")).expect("weights");
        assert_eq!(read(dir.path()), read(&fixture(case)), "{case}");
    }
}

#[test]
fn contradictions_are_refused() {
    let wrong = |patch: serde_json::Value| {
        let mut options = serde_json::json!({"vocab_size": 8, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2});
        options.as_object_mut().expect("a table").extend(patch.as_object().expect("a table").clone());
        let mut cx = Bare { device: tongues_testkit::device(), draws: Draws::new(0) };
        match tongues_kernel::build(tongues_kernel::Kind::Backbone, "llama", options, &mut cx) {
            Ok(tongues_kernel::Built::Backbone(f)) => {
                f.build(&tongues_kernel::Init { device: tongues_testkit::device(), draws: None }).map(|_| ()).expect_err("refused").to_string()
            }
            Ok(_) => panic!("another kind"),
            Err(error) => error.to_string(),
        }
    };
    assert!(wrong(serde_json::json!({"hidden_act": "gelu"})).contains("hidden_act"));
    assert!(wrong(serde_json::json!({"num_attention_heads": 3})).contains("head_dim"));
    assert!(wrong(serde_json::json!({"num_key_value_heads": 3})).contains("num_key_value_heads"));
    assert!(wrong(serde_json::json!({"hidden_sise": 8})).contains("hidden_size"));
}
