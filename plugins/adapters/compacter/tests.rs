//! Tests of the adapter `compacter`: the promises of every adapter, AdapterHub's own files, and what is refused.

use serde_json::{Value as Json, json};
use std::path::Path;
use tongues_adapter_compacter as _;
use tongues_backbone_gpt2 as _;
use tongues_backbone_llama as _;
use tongues_kernel::policy::tensor_names;
use tongues_kernel::{Built, Draws, Kind, Trains, build};
use tongues_testkit::{AdapterCase, HubCase, Surroundings, toy_model};

fn hub(base: &str, case: &str) -> HubCase {
    HubCase::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/adapters"), base, case)
}

#[test]
fn every_promise_is_kept() {
    AdapterCase::new("compacter", json!({ "reduction_factor": 4, "phm_dim": 4, "phm_rank": 2 })).check();
}

#[test]
fn every_promise_is_kept_with_rules_of_their_own() {
    let options = json!({
        "plus_plus": true, "reduction_factor": 2, "phm_dim": 2, "shared_phm_rule": false, "factorized_phm_rule": true,
        "factorized_phm_W": false, "phm_c_init": "uniform", "phm_bias": false, "dropout": 0.1,
    });
    AdapterCase::new("compacter", options).check();
}

#[test]
fn files_of_adapterhub_give_its_logits() {
    for (base, case) in [("base-llama", "compacter"), ("base-gpt2", "compacter-own"), ("base-gpt2", "compacter-thin")] {
        hub(base, case).check();
    }
}

#[test]
fn a_wrong_file_is_refused_by_tensor() {
    let case = hub("base-llama", "compacter");
    let rule = "model.shared_parameters.sw.phm_rule";
    assert!(case.refused(|disk| drop(disk.tensors.remove(rule))).contains(rule));
    let shape = case.refused(|disk| drop(disk.tensors.insert(rule.into(), (vec![2, 2, 2], vec![0.0; 8]))));
    assert!(shape.contains(rule) && shape.contains("[4, 4, 4]"), "{shape}");
    case.refuses_key("phm_dim", &json!(5));
    case.refuses_key("phm_dim", &json!(0));
    assert!(case.refused(|disk| disk.config["config"]["phm_rank"] = json!(3)).contains("W_left"));
}

fn refusal(options: Json) -> String {
    let mut cx = Surroundings::new(5);
    let Ok(Built::Adapter(adapter)) = build(Kind::Adapter, "compacter", options, &mut cx) else { panic!("the options are valid") };
    adapter.attach(&mut toy_model(Draws::new(1)), &mut cx).expect_err("must be refused").to_string()
}

#[test]
fn terms_must_divide_both_widths() {
    assert!(refusal(json!({ "phm_dim": 3 })).contains("phm_dim"));
    assert!(refusal(json!({ "reduction_factor": 32 })).contains("phm_dim"), "one feature cannot be parted in four");
}

#[test]
fn rules_that_shall_not_train_do_not() {
    let (model, _) = AdapterCase::new("compacter", json!({ "reduction_factor": 4, "learn_phm": false })).attached(3);
    for entry in tensor_names(&model).into_iter().filter(|e| e.name.starts_with("parts.")) {
        assert_eq!(model.policies[&entry.name].trains == Trains::Nothing, entry.name.contains("phm_rule"), "{}", entry.name);
    }
}
