//! Tests of linear.

use serde_json::{Value as Json, json};
use tongues_kernel::Result;
use tongues_merger_linear as _;
use tongues_testkit::{MergerCase, merged_values};

fn merged(options: Json, slices: &[&[f32]]) -> Result<Vec<f32>> {
    merged_values("linear", options, None, json!([]), slices)
}

fn weighted(options: Json, weights: &[f64], slices: &[&[f32]]) -> Result<Vec<f32>> {
    let settings: Vec<Json> = weights.iter().map(|w| json!({ "weight": w })).collect();
    merged_values("linear", options, None, json!(settings), slices)
}

#[test]
fn conforms() {
    MergerCase::new("linear", json!({}), 3).settings(json!([{ "weight": 0.5 }, { "weight": [0, 1] }, { "weight": 0.25 }])).check();
    MergerCase::new("linear", json!({}), 2).check();
}

#[test]
fn sums_worked_out_by_hand() {
    let (a, b): (&[f32], &[f32]) = (&[1.0, -2.0, 8.0], &[3.0, 4.0, 0.0]);
    assert_eq!(merged(json!({}), &[a, b]).unwrap(), [2.0, 1.0, 4.0]);
    assert_eq!(weighted(json!({}), &[3.0, 1.0], &[a, b]).unwrap(), [1.5, -0.5, 6.0]);
    assert_eq!(weighted(json!({ "normalize": false }), &[3.0, 1.0], &[a, b]).unwrap(), [6.0, -2.0, 24.0]);
    assert_eq!(weighted(json!({}), &[2.0, -1.0], &[a, b]).unwrap(), [-1.0, -8.0, 16.0]);
    assert_eq!(merged(json!({ "normalize": false, "weight": 0.5 }), &[a, b]).unwrap(), [2.0, 1.0, 4.0]);
}

#[test]
fn the_sum_is_rounded_once() {
    // In 32 bits, 1e8 + 1 - 1e8 is 0.
    assert_eq!(merged(json!({ "normalize": false }), &[&[1e8], &[1.0], &[-1e8]]).unwrap(), [1.0]);
}

#[test]
fn weights_that_make_no_mean_are_refused() {
    let refused = |weights: &[f64]| weighted(json!({}), weights, &[&[1.0], &[2.0]]).unwrap_err().to_string();
    assert!(refused(&[1.0, -1.0]).contains("linear: weight, tensor w: expected weights that do not add up to 0"), "{}", refused(&[1.0, -1.0]));
}
