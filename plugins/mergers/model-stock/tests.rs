//! Tests of model-stock.

use serde_json::{Value as Json, json};
use tongues_kernel::{Built, Kind, MergeInput, MergeInputs, Slice, build};
use tongues_merger_model_stock as _;
use tongues_testkit::{MergerCase, Surroundings, assert_near, merged_values};

fn merged(tensors: &[&[f32]]) -> Vec<f32> {
    merged_values("model-stock", json!({}), Some(0), json!([]), tensors).unwrap()
}

/// The same with a shape.
fn shaped(options: Json, shape: [usize; 2], tensors: &[&[f32]]) -> Vec<f32> {
    let mut cx = Surroundings::new(0);
    let Built::Merger(merger) = build(Kind::Merger, "model-stock", options, &mut cx).unwrap() else { panic!("no merger") };
    let input = MergeInput { tensors: [("w".to_owned(), shape.to_vec())].into(), ..MergeInput::default() };
    let plan = merger.plan(&MergeInputs { models: vec![input; tensors.len()], base: Some(0), slices: vec![] }, &mut cx).unwrap();
    let slices: Vec<Slice<'_>> = tensors.iter().map(|x| Slice::of(x)).collect();
    merger.merge(&plan.outputs[0], &slices, &mut cx).unwrap().values(tensors[0].len(), &slices)
}

#[test]
fn conforms() {
    MergerCase::new("model-stock", json!({ "filter_wise": true }), 4).base(0).check();
    MergerCase::new("model-stock", json!({}), 3).base(2).check();
}

#[test]
fn ratios_worked_out_by_hand() {
    // The same changes: cos 1, t 1. Changes across each other: cos 0, t 0. Opposed ones: no estimate.
    assert_eq!(merged(&[&[1.0, 1.0], &[2.0, 3.0], &[2.0, 3.0]]), [2.0, 3.0]);
    assert_eq!(merged(&[&[1.0, 1.0], &[2.0, 1.0], &[1.0, 2.0]]), [1.0, 1.0]);
    assert_eq!(merged(&[&[1.0, 1.0], &[2.0, 1.0], &[0.0, 1.0]]), [1.0, 1.0]);
    // 60° between two changes: cos 1/2, t = 1 / 1.5.
    let (half, high) = (0.5, 0.75f32.sqrt());
    assert_near("two", &merged(&[&[0.0, 0.0], &[1.0, 0.0], &[half, high]]), &[0.5, high / 3.0], 1e-6);
    // With a third beside the first: cosines 1/2, 1 and 1/2, mean 2/3, t = 2 / (1 + 4/3) = 6/7.
    assert_near("three", &merged(&[&[0.0, 0.0], &[1.0, 0.0], &[half, high], &[1.0, 0.0]]), &[2.5 / 3.0 * 6.0 / 7.0, high / 3.0 * 6.0 / 7.0], 1e-6);
}

#[test]
fn rows_have_ratios_of_their_own() {
    let tensors: [&[f32]; 3] = [&[0.0, 0.0, 0.0, 0.0], &[1.0, 0.0, 1.0, 0.0], &[1.0, 0.0, 0.0, 1.0]];
    assert_near("rows", &shaped(json!({ "filter_wise": true }), [2, 2], &tensors), &[1.0, 0.0, 0.0, 0.0], 1e-6);
    // Together: cos 1/2, t 2/3.
    assert_near("whole", &shaped(json!({}), [2, 2], &tensors), &[2.0 / 3.0, 0.0, 1.0 / 3.0, 1.0 / 3.0], 1e-6);
    // Many more numbers than are worked on at a time, and a ratio a row: whole numbers of rows are read.
    let (rows, columns) = (300, 111);
    let base = vec![0.0; rows * columns];
    let model: Vec<f32> = (0..base.len()).map(|i| 1.0 + (i / columns) as f32).collect();
    let other: Vec<f32> = model.iter().enumerate().map(|(i, x)| if (i / columns) % 2 == 0 { *x } else { -x }).collect();
    let out = shaped(json!({ "filter_wise": true }), [rows, columns], &[&base, &model, &other]);
    assert!(out.iter().zip(&model).enumerate().all(|(i, (x, m))| if (i / columns) % 2 == 0 { (x - m).abs() < 1e-4 } else { *x == 0.0 }));
}

#[test]
fn fewer_than_two_models_beside_the_base_are_refused() {
    let refused = |base| merged_values("model-stock", json!({}), base, json!([]), &[&[1.0], &[2.0]]).unwrap_err().to_string();
    assert!(refused(Some(0)).starts_with("model-stock: tensor w: expected at least two models beside the base, found 1"), "{}", refused(Some(0)));
    assert!(refused(None).starts_with("model-stock: tensor w: expected a base model"), "{}", refused(None));
}
