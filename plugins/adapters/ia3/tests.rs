//! Tests of `ia3`: the promises of every adapter, PEFT's own files, and wrong files.

use serde_json::json;
use tongues_adapter_ia3::load;
use tongues_backbone_gpt2 as _;
use tongues_backbone_llama as _;
use tongues_kernel::{Built, Draws, Kind, OnDisk, build};
use tongues_testkit::{AdapterCase, PeftCase, Surroundings, toy_model, toy_tied};

#[test]
fn ia3_keeps_every_promise() {
    AdapterCase::new("ia3", json!({})).without_draws().check();
    let options = json!({ "target_modules": "all-linear", "feedforward_modules": ["down_proj", "o_proj"], "exclude_modules": ["gate_proj"], "name": "thin" });
    AdapterCase::new("ia3", options).without_draws().with_model(toy_tied).check();
}

#[test]
fn ia3_of_peft_gives_its_logits() {
    for name in ["ia3-llama", "ia3-gpt2"] {
        PeftCase::fixture(env!("CARGO_MANIFEST_DIR"), name).check();
    }
}

fn saved() -> OnDisk {
    AdapterCase::new("ia3", json!({})).trained().net.parts.list()[0].part.save().expect("saves")
}

fn message(change: impl Fn(&mut OnDisk)) -> String {
    let mut disk = saved();
    change(&mut disk);
    load(&disk, "ia3", &mut toy_model(Draws::new(11))).expect_err("must be refused").to_string()
}

const DOWN: &str = "base_model.model.model.layers.1.mlp.down_proj.ia3_l";

#[test]
fn wrong_ia3_files_are_refused_by_place() {
    let lost = message(|d| drop(d.tensors.remove(DOWN)));
    assert!(lost.contains(DOWN) && lost.contains("incomplete"), "{lost}");
    let shape = message(|d| drop(d.tensors.insert(DOWN.into(), (vec![24, 1], vec![1.0; 24]))));
    assert!(shape.contains("[1, 24]") && shape.contains("[24, 1]"), "{shape}");
    let nan = message(|d| drop(d.tensors.insert(DOWN.into(), (vec![1, 24], vec![f32::NAN; 24]))));
    assert!(nan.contains("finite") && nan.contains(DOWN), "{nan}");
    let other = message(|d| drop(d.tensors.insert("base_model.model.model.layers.9.mlp.down_proj.ia3_l".into(), (vec![1, 24], vec![1.0; 24]))));
    assert!(other.contains("layers.9") && other.contains("toy model"), "{other}");
    let key = message(|d| drop(d.config.insert("modules_to_save".into(), json!(["lm_head"]))));
    assert!(key.contains("modules_to_save"), "{key}");
    assert!(message(|d| d.tensors.clear()).contains("at least one"));
}

#[test]
fn wrong_ia3_options_are_refused() {
    let refusal = |options| {
        let mut cx = Surroundings::new(5);
        let Ok(Built::Adapter(adapter)) = build(Kind::Adapter, "ia3", options, &mut cx) else { panic!("the options are valid") };
        adapter.attach(&mut toy_model(Draws::new(1)), &mut cx).expect_err("must be refused").to_string()
    };
    assert!(refusal(json!({ "target_modules": ["q_prj"] })).contains("q_proj"));
    assert!(refusal(json!({ "target_modules": ["k_proj"] })).contains("feedforward_modules"));
    assert!(refusal(json!({ "target_modules": ".*nothing" })).contains("matches nothing"));
    assert!(refusal(json!({ "exclude_modules": ".*" })).contains("exclude_modules"));
}
