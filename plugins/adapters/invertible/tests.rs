//! Tests of the adapter `invertible`: the promises of every adapter, AdapterHub's own files, the inverse, and what is refused.

use serde_json::{Value as Json, json};
use std::path::Path;
use tongues_adapter_invertible::{Coupling, Form, Invertible};
use tongues_backbone_gpt2 as _;
use tongues_backbone_llama as _;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Built, Draws, Kind, Model, build, values};
use tongues_testkit::{AdapterCase, HubCase, Surroundings, assert_near, spread, toy_model, toy_tied};

fn hub(base: &str, case: &str) -> HubCase {
    HubCase::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/adapters"), base, case)
}

#[test]
fn every_promise_is_kept() {
    AdapterCase::new("invertible", json!({ "name": "sw" })).check();
}

#[test]
fn every_promise_is_kept_by_glow_on_a_tied_model() {
    let options = json!({ "inv_adapter": "glow", "inv_adapter_reduction_factor": 1.5, "non_linearity": "gelu" });
    AdapterCase::new("invertible", options).with_model(toy_tied).check();
}

#[test]
fn files_of_adapterhub_give_its_logits() {
    hub("base-llama", "mad-x").check();
    hub("base-gpt2", "inverse").check();
}

#[test]
fn a_folder_of_mad_x_gives_two_parts() {
    let model = hub("base-llama", "mad-x").adapted("swahili");
    let names: Vec<&str> = model.net.parts.list().iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["swahili-invertible", "swahili"]);
}

fn net(model: &Model) -> &Coupling {
    &model.net.parts.list()[0].part.downcast_ref::<Invertible>().expect("an invertible").net
}

#[test]
fn the_inverse_undoes_the_network_and_the_network_does_something() {
    for form in ["nice", "glow"] {
        let model = AdapterCase::new("invertible", json!({ "inv_adapter": form })).trained();
        let x: Tensor<3> = Draws::new(8).normal_tensor([2, 5, 16], 1.0, &model.device());
        let y = net(&model).forward(x.clone());
        let back = net(&model).inverse(y.clone());
        let (x, y) = (values(x), values(y));
        assert_near(form, &values(back), &x, 2e-6);
        assert!(spread(&x.iter().zip(&y).map(|(a, b)| a - b).collect::<Vec<f32>>()) > 0.1, "{form}");
    }
}

#[test]
fn an_odd_width_is_split_as_well() {
    let mut coupling = Coupling::fresh(Form::Nice, tongues_nn::Activation::Relu, 7, [2, 1], Draws::new(1), &tongues_testkit::device());
    let x: Tensor<3> = Draws::new(8).normal_tensor([1, 2, 7], 1.0, &tongues_testkit::device());
    assert_eq!(values(coupling.forward(x.clone())), values(x.clone()), "fresh networks change nothing");
    coupling = coupling.no_grad();
    assert_eq!(values(coupling.inverse(x.clone())), values(x));
}

#[test]
fn a_wrong_file_is_refused_by_tensor() {
    let case = hub("base-gpt2", "inverse");
    let f = "transformer.invertible_adapters.sw.F.0.weight";
    assert!(case.refused(|disk| drop(disk.tensors.remove(f))).contains(f));
    let shape = case.refused(|disk| drop(disk.tensors.insert(f.into(), (vec![4, 8], vec![0.0; 32]))));
    assert!(shape.contains(f) && shape.contains("[4, 16]"), "{shape}");
    case.refuses_key("inv_adapter", &json!("real-nvp"));
    case.refuses_key("inv_adapter_reduction_factor", &json!(0));
    case.refuses_key("inv_adapter_reduction_factor", &json!(100));
    assert!(case.refused(|disk| disk.config["config"]["inv_adapter"] = json!("glow")).contains("s2"), "glow has other tensors");
}

fn refusal(options: Json) -> String {
    let mut cx = Surroundings::new(5);
    let Ok(Built::Adapter(adapter)) = build(Kind::Adapter, "invertible", options, &mut cx) else { panic!("the options are valid") };
    adapter.attach(&mut toy_model(Draws::new(1)), &mut cx).expect_err("must be refused").to_string()
}

#[test]
fn options_that_do_not_fit_are_refused() {
    assert!(refusal(json!({ "inv_adapter_reduction_factor": 9 })).contains("inv_adapter_reduction_factor"));
    assert!(refusal(json!({ "non_linearity": "bump" })).contains("non_linearity"));
    assert!(refusal(json!({ "name": "" })).contains("name"));
}

#[test]
fn ids_outside_the_vocabulary_are_still_refused() {
    let (model, _) = AdapterCase::new("invertible", json!({})).attached(1);
    assert!(model.check_ids([100_000]).expect_err("refused").to_string().contains("100000"));
}
