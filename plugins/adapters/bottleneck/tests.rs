//! Tests of the adapter `bottleneck`: the promises of every adapter, AdapterHub's own files, and every way a file can be wrong.

use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use tongues_adapter_bottleneck as _;
use tongues_backbone_gpt2 as _;
use tongues_backbone_llama as _;
use tongues_kernel::policy::tensor_names;
use tongues_kernel::{Built, Draws, Folded, Kind, Spec, build};
use tongues_testkit::{AdapterCase, HubCase, Surroundings, toy_model};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/adapters")
}

fn hub(base: &str, case: &str) -> HubCase {
    HubCase::new(fixtures(), base, case)
}

#[test]
fn every_promise_is_kept() {
    AdapterCase::new("bottleneck", json!({ "reduction_factor": 4, "name": "sw", "non_linearity": "gelu" })).check();
}

#[test]
fn every_promise_is_kept_behind_both_sub_layers_with_norms() {
    let options = json!({
        "placement": "houlsby", "reduction_factor": { "1": 2, "default": 4 }, "ln_before": true, "ln_after": true, "scaling": "learned",
        "adapter_residual_before_ln": true, "dropout": 0.2, "non_linearity": "gelu", "init_weights": "bert",
    });
    AdapterCase::new("bottleneck", options).check();
}

#[test]
fn every_promise_is_kept_beside_the_feed_forward_layer() {
    let options = json!({ "placement": "parallel", "reduction_factor": 4, "scaling": "channel", "leave_out": [0], "non_linearity": "tanh" });
    AdapterCase::new("bottleneck", options).check();
}

#[test]
fn every_promise_is_kept_where_the_residual_stream_is_added_by_the_bottleneck() {
    for residual in [json!({ "original_ln_after": false, "residual_before_ln": false }), json!({ "residual_before_ln": false })] {
        let mut options = json!({ "reduction_factor": 4, "init_weights": "houlsby", "mh_adapter": true, "non_linearity": "swish" });
        options.as_object_mut().expect("a table").extend(residual.as_object().expect("a table").clone());
        AdapterCase::new("bottleneck", options).check();
    }
}

#[test]
fn files_of_adapterhub_give_its_logits() {
    for (base, case) in [
        ("base-llama", "pfeiffer"),
        ("base-gpt2", "houlsby"),
        ("base-llama", "parallel"),
        ("base-gpt2", "parallel-gpt2"),
        ("base-gpt2", "own-residual"),
        ("base-llama", "two-residuals"),
    ] {
        hub(base, case).check();
    }
}

#[test]
fn old_words_in_place_of_keys_are_spelled_out() {
    let case = hub("base-llama", "pfeiffer");
    let message = case.refused(|disk| disk.config["config"] = json!("pfeiffer"));
    assert!(message.contains("[2, 32]"), "a sixteenth of the width: {message}");
    assert!(case.refused(|disk| disk.config["config"] = json!("9076f36a74755ac4")).contains("9076f36a74755ac4"));
}

#[test]
fn what_is_not_built_is_refused_by_key() {
    let refused = [
        ("use_gating", json!(true)),
        ("cross_adapter", json!(true)),
        ("shared_W_phm", json!(true)),
        ("stochastic_depth", json!(0.1)),
        ("residual_before_ln", json!("post_add")),
        ("some_new_behaviour", json!("yes")),
        ("non_linearity", json!("softsign")),
        ("scaling", json!("spiral")),
        ("init_weights", json!("other")),
        ("reduction_factor", json!(0)),
        ("reduction_factor", json!({ "0": 4 })),
        ("reduction_factor", json!(0.0001)),
        ("leave_out", json!([2])),
        ("dropout", json!(1.0)),
        ("mh_adapter", json!("both")),
    ];
    for (key, value) in refused {
        // A wrong type is told by the reader of tables, with the value.
        let message = hub("base-llama", "pfeiffer").refused(|disk| disk.config["config"][key] = value.clone());
        assert!(message.contains(key) || message.contains("both"), "{key} = {value}: {message}");
    }
}

#[test]
fn a_wrong_file_is_refused_by_tensor() {
    let case = hub("base-llama", "pfeiffer");
    let down = "model.layers.1.output_adapters.adapters.sw.adapter_down.0.weight";
    let lost = case.refused(|disk| drop(disk.tensors.remove(down)));
    assert!(lost.contains(down) && lost.contains("incomplete"), "{lost}");
    let shape = case.refused(|disk| drop(disk.tensors.insert(down.into(), (vec![4, 32], vec![0.0; 128]))));
    assert!(shape.contains(down) && shape.contains("[8, 32]") && shape.contains("[4, 32]"), "{shape}");
    let odd = case.refused(|disk| drop(disk.tensors.insert("model.norm.weight".into(), (vec![1], vec![0.0]))));
    assert!(odd.contains("model.norm.weight"), "{odd}");
    assert!(case.refused(|disk| disk.config["hidden_size"] = json!(64)).contains("hidden_size"));
    assert!(case.refused(|disk| drop(disk.config.insert("new_key".into(), json!(1)))).contains("new_key"));
    assert!(case.refused(|disk| drop(disk.config.remove("name"))).contains("name"));
    assert!(case.refused(|disk| disk.config["config"]["mh_adapter"] = json!(true)).contains("attention_adapters"));
}

fn refusal(options: Json, change: impl Fn(&mut Spec)) -> String {
    let mut cx = Surroundings::new(5);
    let Ok(Built::Adapter(adapter)) = build(Kind::Adapter, "bottleneck", options, &mut cx) else { panic!("the options are valid") };
    let mut model = toy_model(Draws::new(1));
    change(model.net.backbone.spec_mut());
    adapter.attach(&mut model, &mut cx).expect_err("must be refused").to_string()
}

#[test]
fn options_that_do_not_fit_are_refused_with_a_remedy() {
    let none = |_: &mut Spec| {};
    assert!(refusal(json!({ "leave_out": [7] }), none).contains("leave_out"));
    assert!(refusal(json!({ "leave_out": [0, 1] }), none).contains("leave_out"));
    assert!(refusal(json!({ "name": "a.b" }), none).contains("dots"));
    assert!(refusal(json!({ "output_adapter": false }), none).contains("mh_adapter"));
    assert!(refusal(json!({ "reduction_factor": -1 }), none).contains("reduction_factor"));
    let without_norms = |spec: &mut Spec| spec.sites.retain(|i| i.site.role.word() != "norm");
    assert!(refusal(json!({}), without_norms).contains("original_ln_before"));
    let without_blocks = |spec: &mut Spec| spec.sites.retain(|i| i.site.role.word() != "block");
    assert!(refusal(json!({}), without_blocks).contains("blocks with"));
}

#[test]
fn tensors_are_named_by_their_places_and_nothing_folds() {
    let (mut model, _) = AdapterCase::new("bottleneck", json!({ "reduction_factor": 4 })).attached(5);
    let names: Vec<String> = tensor_names(&model).into_iter().map(|e| e.name).filter(|n| n.starts_with("parts.")).collect();
    assert_eq!(names.len(), 8);
    assert_eq!(names[0], "parts.bottleneck.at.model.layers.0.output_adapters.adapter_down.weight");
    assert!(matches!(&model.fold().expect("asks")[0].1, Folded::No(why) if why.contains("activation")));
}
