//! Tests of the adapter `mam`: the promises of every adapter, AdapterHub's own files, and what is refused.

use serde_json::{Value as Json, json};
use std::path::Path;
use tongues_adapter_mam as _;
use tongues_backbone_gpt2 as _;
use tongues_backbone_llama as _;
use tongues_kernel::{Built, Draws, Folded, Kind, Session, build, score, values};
use tongues_testkit::{AdapterCase, HubCase, Surroundings, assert_near, toy_model};

fn hub(base: &str, case: &str) -> HubCase {
    HubCase::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/adapters"), base, case)
}

#[test]
fn every_promise_is_kept() {
    AdapterCase::new("mam", json!({ "prefix_length": 3, "bottleneck_size": 5, "reduction_factor": 4, "non_linearity": "gelu", "name": "sw" })).check();
}

#[test]
fn every_promise_is_kept_by_a_flat_prefix_in_one_layer() {
    AdapterCase::new("mam", json!({ "prefix_length": 2, "flat": true, "leave_out": [0], "dropout": 0.2, "scaling": 2.0, "non_linearity": "swish" })).check();
}

#[test]
fn files_of_adapterhub_give_its_logits() {
    for (base, case) in [("base-llama", "mam"), ("base-gpt2", "mam-flat")] {
        hub(base, case).check();
    }
}

#[test]
fn the_parts_are_two_and_say_what_they_are() {
    let (mut model, _) = AdapterCase::new("mam", json!({ "prefix_length": 3, "bottleneck_size": 5 })).attached(5);
    let parts: Vec<(&str, bool)> = model.net.parts.list().iter().map(|a| (a.name.as_str(), a.part.starts_as_identity())).collect();
    assert_eq!(parts, [("mam-prefix", false), ("mam-ffn", true)]);
    assert!(model.fold().expect("asks").iter().all(|(_, folded)| matches!(folded, Folded::No(_))));
}

#[test]
fn read_token_by_token_it_is_the_same() {
    let model = AdapterCase::new("mam", json!({ "prefix_length": 3, "bottleneck_size": 5 })).trained();
    let row: Vec<u32> = (20..28).collect();
    let whole = score::log_probabilities(&model, std::slice::from_ref(&row), 64).expect("scores").remove(0);
    let (mut session, mut logits) = Session::open(&model, &[&row[..1]]).expect("a session");
    for (i, next) in row[1..].iter().enumerate() {
        let found = values(logits);
        let largest = found.iter().copied().fold(f32::MIN, f32::max);
        let total: f32 = found.iter().map(|x| (x - largest).exp()).sum();
        assert_near("a step", &[found[*next as usize] - largest - total.ln()], &[whole[i]], 1e-4);
        logits = session.push(&[*next]).expect("a token");
    }
}

#[test]
fn a_wrong_file_is_refused() {
    let case = hub("base-llama", "mam");
    let table = "model.prefix_tuning.prefix_tunings.sw.self_prefix.wte.weight";
    assert!(case.refused(|disk| drop(disk.tensors.remove(table))).contains(table));
    let prefix = |key: &'static str, value: Json| {
        let message = case.refused(|disk| disk.config["config"]["configs"][0][key] = value.clone());
        assert!(message.contains(key), "{key}: {message}");
    };
    prefix("use_gating", json!(true));
    prefix("some_new_behaviour", json!("yes"));
    prefix("non_linearity", json!("bump"));
    prefix("prefix_length", json!(0));
    prefix("leave_out", json!([9]));
    assert!(case.refused(|disk| disk.config["config"]["configs"][0]["prefix_length"] = json!(4)).contains(table));
    assert!(case.refused(|disk| disk.config["config"]["configs"][0]["architecture"] = json!("lora")).contains("lora"));
    assert!(case.refused(|disk| drop(disk.config["config"].as_object_mut().map(|c| c.remove("configs")))).contains("configs"));
}

#[test]
fn options_that_do_not_fit_are_refused() {
    for (options, piece) in [(json!({ "leave_out": [4] }), "leave_out"), (json!({ "name": "a.b" }), "dots"), (json!({ "leave_out": [0, 1] }), "leave_out")] {
        let mut cx = Surroundings::new(5);
        let Ok(Built::Adapter(adapter)) = build(Kind::Adapter, "mam", options, &mut cx) else { panic!("the options are valid") };
        let message = adapter.attach(&mut toy_model(Draws::new(1)), &mut cx).expect_err("must be refused").to_string();
        assert!(message.contains(piece), "{message}");
    }
}
