//! Tests of `prompt`: the promises of every adapter, PEFT's own files, packed rows, and wrong files.

use serde_json::json;
use tongues_adapter_prompt::load;
use tongues_backbone_gpt2 as _;
use tongues_backbone_llama as _;
use tongues_kernel::{Built, Draws, Kind, OnDisk, build, score};
use tongues_testkit::{AdapterCase, PeftCase, Surroundings, toy_model, toy_tied};

#[test]
fn prompt_keeps_every_promise() {
    AdapterCase::new("prompt", json!({ "num_virtual_tokens": 3 })).check();
    AdapterCase::new("prompt", json!({ "num_virtual_tokens": 2, "prompt_tuning_init": "SAMPLE_VOCAB", "name": "soft" })).with_model(toy_tied).check();
    let text = json!({ "num_virtual_tokens": 5, "prompt_tuning_init": "TEXT", "prompt_tuning_init_text": "ab" });
    AdapterCase::new("prompt", text).without_draws().check();
}

#[test]
fn prompts_of_peft_give_its_logits() {
    for name in ["prompt-llama", "prompt-gpt2"] {
        PeftCase::fixture(env!("CARGO_MANIFEST_DIR"), name).check();
    }
}

#[test]
fn scores_behind_a_prompt_do_not_depend_on_the_batch() {
    let model = AdapterCase::new("prompt", json!({ "num_virtual_tokens": 3 })).trained();
    let rows = [vec![1, 2, 3, 4, 5, 6], vec![7, 8], vec![9, 10, 11]];
    let together = score::log_probabilities(&model, &rows, 1000).expect("scores");
    for (row, together) in rows.iter().zip(together) {
        let alone = score::log_probabilities(&model, std::slice::from_ref(row), 1000).expect("scores");
        tongues_testkit::assert_near("a row alone", &alone[0], &together, 1e-5);
    }
}

#[test]
fn wrong_prompts_are_refused_by_place() {
    let saved = || AdapterCase::new("prompt", json!({ "num_virtual_tokens": 3 })).trained().net.parts.list()[0].part.save().expect("saves");
    let message = |change: &dyn Fn(&mut OnDisk)| {
        let mut disk = saved();
        change(&mut disk);
        load(&disk, "prompt", &mut toy_model(Draws::new(11))).expect_err("must be refused").to_string()
    };
    assert!(message(&|d| drop(d.config.insert("num_virtual_tokens".into(), json!(4)))).contains("[4, 16]"));
    assert!(message(&|d| drop(d.config.insert("num_transformer_submodules".into(), json!(2)))).contains("num_transformer_submodules"));
    assert!(message(&|d| drop(d.config.insert("modules_to_save".into(), json!(["x"])))).contains("modules_to_save"));
    assert!(message(&|d| d.tensors.clear()).contains("prompt_embeddings"));
    assert!(message(&|d| d.tensors.values_mut().for_each(|t| t.1[3] = f32::NAN)).contains("finite"));
    let mut cx = Surroundings::new(5);
    let Ok(Built::Adapter(adapter)) = build(Kind::Adapter, "prompt", json!({ "prompt_tuning_init": "TEXT" }), &mut cx) else { panic!("valid") };
    assert!(adapter.attach(&mut toy_model(Draws::new(1)), &mut cx).expect_err("no text").to_string().contains("prompt_tuning_init_text"));
}
