//! Tests of ties.

use serde_json::{Value as Json, json};
use tongues_kernel::Result;
use tongues_merger_ties as _;
use tongues_testkit::{MergerCase, merged_values};

// Changes of four models: figure 1 of the paper in small.
const BASE: &[f32] = &[1.0, 1.0, 1.0, 1.0];
const A: &[f32] = &[5.0, 0.0, 1.5, 1.0];
const B: &[f32] = &[3.0, 4.0, 1.25, 1.0];
const C: &[f32] = &[-2.0, 1.5, 2.0, 0.0];

fn merged(options: Json, settings: Json) -> Result<Vec<f32>> {
    merged_values("ties", options, Some(0), settings, &[BASE, A, B, C])
}

#[test]
fn conforms() {
    MergerCase::new("ties", json!({ "weight": 0.7, "density": 0.4 }), 3).base(0).check();
    let settings = json!([{ "weight": [0, 1], "density": 0.3 }, {}, { "weight": 0.5, "density": [0.1, 0.9] }]);
    MergerCase::new("ties", json!({ "normalize": false, "rescale": true, "lambda": 0.5 }), 3).base(1).settings(settings).check();
}

#[test]
fn sums_worked_out_by_hand() {
    // Changes: A 4 -1 .5 0, B 2 3 .25 0, C -3 .5 1 -1. Two of four are kept: A 4 -1, B 2 3, C -3 1.
    let half = |more: Json| {
        let mut options = json!({ "weight": 1, "density": 0.5 });
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        merged(options, json!([])).unwrap()
    };
    // Elected: 3 plus, 2 plus, 1 plus, 0 plus. Agreeing: 4 and 2, 3, 1, none.
    assert_eq!(half(json!({})), [4.0, 4.0, 2.0, 1.0]);
    assert_eq!(half(json!({ "normalize": false })), [7.0, 4.0, 2.0, 1.0]);
    assert_eq!(half(json!({ "lambda": 2 })), [7.0, 7.0, 3.0, 1.0]);
    assert_eq!(half(json!({ "int8_mask": true })), half(json!({})));
    // Magnitudes: A 5.5 of which 5, B 5.25 of which 5, C 5.5 of which 4.
    let scaled = half(json!({ "rescale": true }));
    let expected = [1.0 + (4.0 * 1.1 + 2.0 * 1.05) / 2.0, 1.0 + 3.0 * 1.05, 1.0 + 1.375, 1.0];
    assert!(scaled.iter().zip(expected).all(|(x, y)| (x - y).abs() < 1e-6), "{scaled:?}");
    // Everything is kept: A .5, B .25, C 1 agree at place 2, and C is alone at place 3.
    assert_eq!(merged(json!({ "weight": 1 }), json!([])).unwrap(), [4.0, 2.75, 1.0 + 1.75 / 3.0, 0.0]);
}

#[test]
fn weights_elect_and_divide() {
    let own = json!([{}, { "weight": 0.5, "density": 0.25 }, { "weight": 0.25 }, { "weight": 1, "density": 0.5 }]);
    // A 4 alone, B 2 3 (.25 0), C -3 1: 2 + .5 - 3 is below 0.
    assert_eq!(merged(json!({ "density": 0.5 }), own).unwrap(), [-2.0, 4.0, 2.0, 1.0]);
}

#[test]
fn equal_magnitudes_are_kept_from_the_first_on() {
    let kept = merged_values("ties", json!({ "weight": 1, "density": 0.5 }), Some(0), json!([]), &[&[0.0; 4], &[1.0, -1.0, 1.0, 1.0]]).unwrap();
    assert_eq!(kept, [1.0, -1.0, 0.0, 0.0]);
}

#[test]
fn densities_out_of_range_and_missing_weights_are_refused_before_anything_is_read() {
    let refused = |options: Json, settings: Json| merged(options, settings).unwrap_err().to_string();
    let high = refused(json!({ "weight": 1, "density": [0.2, 1.5] }), json!([]));
    assert!(high.starts_with("ties: density: expected numbers from 0 to 1, found 1.5"), "{high}");
    let own = refused(json!({ "weight": 1 }), json!([{}, { "density": [{ "filter": "mlp", "value": -0.1 }] }]));
    assert!(own.starts_with("ties: density of model `b`: expected numbers from 0 to 1, found -0.1"), "{own}");
    let missing = refused(json!({}), json!([{}, { "weight": 1 }, { "weight": 1 }]));
    assert!(missing.starts_with("ties: weight of model `d`, tensor w: expected a number"), "{missing}");
}
