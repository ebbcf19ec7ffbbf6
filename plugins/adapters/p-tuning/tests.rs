//! Tests of `p-tuning`: the promises of every adapter, PEFT's own files, and wrong files.

use serde_json::json;
use tongues_adapter_p_tuning::load;
use tongues_backbone_gpt2 as _;
use tongues_backbone_llama as _;
use tongues_kernel::{Draws, OnDisk};
use tongues_testkit::{AdapterCase, PeftCase, assert_near, snapshot, toy_model, toy_tied};

#[test]
fn p_tuning_keeps_every_promise() {
    AdapterCase::new("p-tuning", json!({ "num_virtual_tokens": 3, "encoder_hidden_size": 10 })).check();
    AdapterCase::new("p-tuning", json!({ "num_virtual_tokens": 2, "name": "soft" })).with_model(toy_tied).check();
}

#[test]
fn encoders_of_peft_give_its_logits() {
    for name in ["p-tuning-llama", "p-tuning-gpt2", "p-lstm-llama", "p-lstm-gpt2"] {
        PeftCase::fixture(env!("CARGO_MANIFEST_DIR"), name).check();
    }
}

#[test]
fn wrong_encoders_are_refused_by_place() {
    let mut disk = AdapterCase::new("p-tuning", json!({ "num_virtual_tokens": 3 })).trained().net.parts.list()[0].part.save().expect("saves");
    disk.config.insert("encoder_more".into(), json!(1));
    let load = |disk: &OnDisk| load(disk, "p", &mut toy_model(Draws::new(11))).expect_err("must be refused").to_string();
    assert!(load(&disk).contains("encoder_more"));
    disk.config.remove("encoder_more");
    disk.tensors.values_mut().for_each(|t| t.0 = vec![16, 3]);
    assert!(load(&disk).contains("[3, 16]"));
}

/// Against the formula: PEFT's files hold the output only.
#[test]
fn the_encoder_is_three_layers_with_bends() {
    let model = AdapterCase::new("p-tuning", json!({ "num_virtual_tokens": 3, "encoder_hidden_size": 5 })).trained();
    let all = snapshot(&model, "parts.p-tuning.encoder.");
    let held = |name: &str| all[&format!("parts.p-tuning.encoder.{name}")].clone();
    let layer = |x: &[f32], i: usize| -> Vec<f32> {
        let (weight, bias) = (held(&format!("mlp_head.{i}.weight")), held(&format!("mlp_head.{i}.bias")));
        let width = weight.len() / bias.len();
        weight.chunks(width).zip(bias).map(|(row, b)| row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + b).collect()
    };
    let bend = |x: Vec<f32>| -> Vec<f32> { x.into_iter().map(|x| x.max(0.0)).collect() };
    let expected: Vec<f32> = held("embedding").chunks(16).flat_map(|x| layer(&bend(layer(&bend(layer(x, 0)), 1)), 2)).collect();
    let saved = model.net.parts.list()[0].part.save().expect("saves");
    assert_near("the rows", &saved.tensors["prompt_embeddings"].1, &expected, 1e-5);
}
