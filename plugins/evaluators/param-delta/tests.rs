//! Tests of param-delta.

use serde_json::{Value as Json, json};
use tongues_evaluator_param_delta::ParamDelta;
use tongues_kernel::{Draws, Evaluation, Evaluator, Finding, InMemory, Kind, Model, Result, options, policy::tensor_names};
use tongues_testkit::{Surroundings, check_refusals, disturb, toy_model};

fn evaluated(given: Json, model: &Model) -> Result<Vec<Finding>> {
    let data = InMemory { name: "weights".into(), records: vec![] };
    let mut cx = Surroundings { models: [("base".to_owned(), toy_model(Draws::new(1)))].into_iter().collect(), ..Surroundings::new(0) };
    let evaluator: ParamDelta = options("param-delta", given)?;
    evaluator.evaluate(&mut Evaluation { model, data: &data, format: None, cx: &mut cx })
}

fn value(found: &[Finding], metric: &str) -> f64 {
    let finding = found.iter().find(|f| f.metric == metric).unwrap_or_else(|| panic!("{metric}"));
    finding.items.iter().map(|i| i.value).sum::<f64>() / finding.items.iter().map(|i| i.weight).sum::<f64>()
}

#[test]
fn known_changes_are_found_in_their_layer_and_kind() {
    let mut model = toy_model(Draws::new(1));
    let entry = tensor_names(&model).into_iter().find(|e| e.name == "model.layers.1.mlp.up_proj.weight").unwrap();
    disturb(&mut model, entry.id, 3, 0.5);
    disturb(&mut model, entry.id, 4, -0.25);
    let numbers = entry.shape.iter().product::<usize>() as f64;
    let found = evaluated(json!({ "base": "base" }), &model).unwrap();
    assert_eq!(value(&found, "mean |change|, layer 00"), 0.0);
    assert!(value(&found, "mean |change|, layer 01") > 0.0 && value(&found, "mean |change|") < value(&found, "mean |change|, layer 01"));
    let item = found.iter().flat_map(|f| &f.items).find(|i| *i.id == *entry.name).unwrap();
    assert!((item.value - 0.75).abs() < 1e-6 && item.weight == numbers, "{item:?}");
    let found = evaluated(json!({ "base": "base", "by": "kind" }), &model).unwrap();
    assert_eq!(value(&found, "mean |change|, mlp.down_proj.weight"), 0.0);
    assert!((value(&found, "mean |change|, mlp.up_proj.weight") * 2.0 * numbers - 0.75).abs() < 1e-6);
    assert_eq!(evaluated(json!({ "base": "base", "by": "all" }), &model).unwrap().len(), 1);
}

#[test]
fn unchanged_models_have_no_change_and_wrong_options_are_named() {
    assert!(evaluated(json!({ "base": "base" }), &toy_model(Draws::new(1))).unwrap().iter().all(|f| f.items.iter().all(|i| i.value == 0.0)));
    check_refusals(Kind::Evaluator, "param-delta", &json!({ "base": "base", "by": "kind" }));
}
