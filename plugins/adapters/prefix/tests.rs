//! Tests of `prefix`: the promises of every adapter, PEFT's own files, and wrong files.

use serde_json::{Value as Json, json};
use tongues_adapter_prefix::load;
use tongues_backbone_gpt2 as _;
use tongues_backbone_llama as _;
use tongues_kernel::{Draws, OnDisk, score};
use tongues_testkit::{AdapterCase, PeftCase, assert_near, snapshot, toy_model, toy_tied};

#[test]
fn prefix_keeps_every_promise() {
    AdapterCase::new("prefix", json!({ "num_virtual_tokens": 3 })).check();
    AdapterCase::new("prefix", json!({ "num_virtual_tokens": 2, "prefix_projection": true, "encoder_hidden_size": 6, "name": "p" }))
        .with_model(toy_tied)
        .check();
}

#[test]
fn prefixes_of_peft_give_its_logits() {
    for name in ["prefix-llama", "prefix-gpt2", "projected-llama", "projected-gpt2"] {
        PeftCase::fixture(env!("CARGO_MANIFEST_DIR"), name).check();
    }
}

#[test]
fn scores_behind_a_prefix_do_not_depend_on_the_batch() {
    let model = AdapterCase::new("prefix", json!({ "num_virtual_tokens": 3 })).trained();
    let rows = [vec![1, 2, 3, 4, 5, 6], vec![7, 8], vec![9, 10, 11]];
    let together = score::log_probabilities(&model, &rows, 1000).expect("scores");
    for (row, together) in rows.iter().zip(together) {
        let alone = score::log_probabilities(&model, std::slice::from_ref(row), 1000).expect("scores");
        assert_near("a row alone", &alone[0], &together, 1e-5);
    }
}

#[test]
fn wrong_prefixes_are_refused_by_place() {
    let message = |change: &dyn Fn(&mut OnDisk)| {
        let mut disk = AdapterCase::new("prefix", json!({ "num_virtual_tokens": 3 })).trained().net.parts.list()[0].part.save().expect("saves");
        change(&mut disk);
        load(&disk, "prefix", &mut toy_model(Draws::new(11))).expect_err("must be refused").to_string()
    };
    let with = |key: &'static str, value: Json| message(&|d| drop(d.config.insert(key.into(), value.clone())));
    for (key, value) in [("num_layers", json!(3)), ("token_dim", json!(16)), ("num_attention_heads", json!(7)), ("num_transformer_submodules", json!(2))] {
        let told = with(key, value);
        assert!(told.contains(key) && told.contains("toy model"), "{told}");
    }
    assert!(with("something_new", json!("yes")).contains("something_new"));
    assert!(with("num_virtual_tokens", json!(2)).contains("[2, 32]"));
    assert!(message(&|d| d.tensors.values_mut().for_each(|t| t.1[0] = f32::INFINITY)).contains("finite"));
}

/// Against the formula: PEFT's files hold the output only.
#[test]
fn the_projection_is_two_layers_with_a_tanh() {
    let model = AdapterCase::new("prefix", json!({ "num_virtual_tokens": 3, "prefix_projection": true, "encoder_hidden_size": 5 })).trained();
    let all = snapshot(&model, "parts.prefix.encoder.");
    let held = |name: &str| all[&format!("parts.prefix.encoder.{name}")].clone();
    let layer = |x: &[f32], name: &str| -> Vec<f32> {
        let (weight, bias) = (held(&format!("{name}.weight")), held(&format!("{name}.bias")));
        let width = weight.len() / bias.len();
        weight.chunks(width).zip(bias).map(|(row, b)| row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + b).collect()
    };
    let bend = |x: Vec<f32>| -> Vec<f32> { x.into_iter().map(f32::tanh).collect() };
    let expected: Vec<f32> = held("embedding").chunks(8).flat_map(|x| layer(&bend(layer(x, "first")), "second")).collect();
    let saved = model.net.parts.list()[0].part.save().expect("saves");
    assert_near("keys and values", &saved.tensors["prompt_embeddings"].1, &expected, 1e-5);
}
