//! Tests of task-arithmetic.

use serde_json::{Value as Json, json};
use tongues_kernel::Result;
use tongues_merger_task_arithmetic as _;
use tongues_testkit::{MergerCase, merged_values};

const BASE: &[f32] = &[1.0, -2.0, 0.5];
const A: &[f32] = &[2.0, -2.0, 0.0];
const B: &[f32] = &[1.0, 2.0, 1.0];

fn merged(options: Json, weights: [f64; 2]) -> Result<Vec<f32>> {
    merged_values("task-arithmetic", options, Some(0), json!([{}, { "weight": weights[0] }, { "weight": weights[1] }]), &[BASE, A, B])
}

#[test]
fn conforms() {
    MergerCase::new("task-arithmetic", json!({ "weight": 0.7, "lambda": 1.2 }), 3).base(0).check();
    MergerCase::new("task-arithmetic", json!({ "normalize": true }), 3).base(1).settings(json!([{ "weight": [0, 1] }, {}, { "weight": 0.5 }])).check();
}

#[test]
fn sums_worked_out_by_hand() {
    assert_eq!(merged(json!({}), [1.0, 1.0]).unwrap(), [2.0, 2.0, 0.5]);
    assert_eq!(merged(json!({}), [1.0, -0.5]).unwrap(), [2.0, -4.0, -0.25]);
    assert_eq!(merged(json!({ "lambda": 2 }), [0.5, 0.25]).unwrap(), [2.0, 0.0, 0.25]);
    assert_eq!(merged(json!({ "normalize": true }), [1.0, 3.0]).unwrap(), [1.25, 1.0, 0.75]);
    // Weights that cancel out divide by nothing.
    assert_eq!(merged(json!({ "normalize": true }), [1.0, -1.0]).unwrap(), [2.0, -6.0, -0.5]);
    // What mergekit's mask of 8 bits would hold changes nothing.
    assert_eq!(merged(json!({ "int8_mask": true }), [1.0, 1.0]).unwrap(), merged(json!({}), [1.0, 1.0]).unwrap());
}

#[test]
fn what_is_missing_or_not_finite_is_refused() {
    let refused = |options: Json, base: Option<usize>| merged_values("task-arithmetic", options, base, json!([]), &[BASE, A, B]).unwrap_err().to_string();
    let missing = refused(json!({}), Some(0));
    assert!(missing.starts_with("task-arithmetic: weight of model `b`, tensor w: expected a number, found none"), "{missing}");
    let baseless = refused(json!({ "weight": 1 }), None);
    assert!(baseless.starts_with("task-arithmetic: tensor w: expected a base model among its sources"), "{baseless}");
    let flag = refused(json!({ "weight": 1, "normalize": 2 }), Some(0));
    assert!(flag.starts_with("task-arithmetic: normalize: expected true or false, found 2"), "{flag}");
}
