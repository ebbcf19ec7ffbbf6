//! Tests of linear.

use serde_json::{Value as Json, json};
use tongues_kernel::{Fault, MergeInput, MergePlan, Merger, Planned, Result, options};
use tongues_merger_linear::Linear;
use tongues_testkit::{MergerCase, Surroundings};

fn linear(given: Json) -> Linear {
    options("linear", given).unwrap()
}

fn merged(given: Json, slices: &[&[f32]]) -> Result<Vec<f32>> {
    let out = Planned { name: "w".into(), shape: vec![slices[0].len()], reads: vec![] };
    linear(given).merge(&out, slices, &mut Surroundings::new(0))
}

fn input(name: &str, tensors: &[(&str, &[usize])], config: Json) -> MergeInput {
    let tensors = tensors.iter().map(|(name, shape)| ((*name).into(), shape.to_vec())).collect();
    MergeInput { name: name.into(), config: config.as_object().unwrap().clone(), tensors }
}

fn planned(given: Json, inputs: &[MergeInput]) -> (Result<MergePlan>, Vec<String>) {
    let mut cx = Surroundings::new(0);
    (linear(given).plan(inputs, &mut cx), cx.notes)
}

#[test]
fn conforms() {
    MergerCase::new("linear", json!({ "weights": [0.5, 0.25, 0.25] }), 3).check();
    MergerCase::new("linear", json!({}), 2).check();
}

#[test]
fn sums_worked_out_by_hand() {
    let (a, b): (&[f32], &[f32]) = (&[1.0, -2.0, 8.0], &[3.0, 4.0, 0.0]);
    assert_eq!(merged(json!({}), &[a, b]).unwrap(), [2.0, 1.0, 4.0]);
    assert_eq!(merged(json!({ "weights": [3.0, 1.0] }), &[a, b]).unwrap(), [1.5, -0.5, 6.0]);
    assert_eq!(merged(json!({ "weights": [3.0, 1.0], "normalize": false }), &[a, b]).unwrap(), [6.0, -2.0, 24.0]);
    assert_eq!(merged(json!({ "weights": [2.0, -1.0] }), &[a, b]).unwrap(), [-1.0, -8.0, 16.0]);
    assert_eq!(merged(json!({ "normalize": false }), &[a, b]).unwrap(), [2.0, 1.0, 4.0]);
}

#[test]
fn the_sum_is_rounded_once() {
    // In 32 bits, 1e8 + 1 - 1e8 is 0.
    let found = merged(json!({ "weights": [1.0, 1.0, 1.0], "normalize": false }), &[&[1e8], &[1.0], &[-1e8]]).unwrap();
    assert_eq!(found, [1.0]);
}

#[test]
fn weights_that_make_no_mean_are_refused() {
    let refused = |weights: Vec<f64>| Linear { weights: Some(weights), normalize: true }.factors(2).unwrap_err().to_string();
    assert!(refused(vec![1.0]).starts_with("linear: weights: expected 2 numbers, one a model, found 1"));
    assert!(refused(vec![1.0, f64::NAN]).contains("expected finite numbers, found NaN"));
    assert!(refused(vec![1.0, -1.0]).contains("do not add up to 0"));
    let (plan, _) = planned(json!({ "weights": [0.0, 0.0] }), &[input("a", &[], json!({})), input("b", &[], json!({}))]);
    assert_eq!(plan.unwrap_err().fault(), Fault::Input);
}

#[test]
fn the_plan_reads_every_tensor_of_every_model() {
    let (a, b) =
        (input("a", &[("x", &[2, 3]), ("y", &[4])], json!({ "hidden_size": 3 })), input("b", &[("y", &[4]), ("x", &[2, 3])], json!({ "hidden_size": 3 })));
    let (plan, notes) = planned(json!({}), &[a.clone(), b]);
    let plan = plan.unwrap();
    let reads = |name: &str| vec![(0, name.to_owned()), (1, name.to_owned())];
    assert_eq!(
        plan.outputs,
        [Planned { name: "x".into(), shape: vec![2, 3], reads: reads("x") }, Planned { name: "y".into(), shape: vec![4], reads: reads("y") }]
    );
    assert_eq!((plan.config, plan.tokenizer, plan.surveys, notes), (a.config, 0, 0, vec![]));
}

#[test]
fn models_that_do_not_fit_are_refused_with_what_differs() {
    let a = input("a", &[("x", &[2, 3]), ("y", &[4])], json!({ "num_attention_heads": 4, "rope_theta": 1.0 }));
    let refused = |other: MergeInput| planned(json!({}), &[a.clone(), other]).0.unwrap_err().to_string();
    let lacking = refused(input("b", &[("x", &[2, 3])], json!({})));
    assert!(lacking.starts_with("merging `a` with `b`: expected the same tensors in both, found y, which `b` lacks\n  help: "), "{lacking}");
    let more = refused(input("b", &[("x", &[2, 3]), ("y", &[4]), ("z", &[1])], json!({})));
    assert!(more.contains("found z, which `a` lacks"), "{more}");
    let shape = refused(input("b", &[("x", &[2, 5]), ("y", &[4])], json!({})));
    assert!(shape.contains("found x [2, 3] and [2, 5]"), "{shape}");
    let heads = refused(input("b", &[("x", &[2, 3]), ("y", &[4])], json!({ "num_attention_heads": 2 })));
    assert!(heads.contains("num_attention_heads 4 and 2"), "{heads}");
}

#[test]
fn other_differences_of_the_configurations_are_noted() {
    let tensors: &[(&str, &[usize])] = &[("x", &[2])];
    let (a, b) = (input("a", tensors, json!({ "rope_theta": 1.0, "eos": 1 })), input("b", tensors, json!({ "rope_theta": 2.0, "eos": 1 })));
    let (plan, notes) = planned(json!({}), &[a, b]);
    assert_eq!(plan.unwrap().config["rope_theta"], 1.0);
    assert_eq!(notes, ["The configurations of a and b differ in rope_theta; the merged model has those of a."]);
}
