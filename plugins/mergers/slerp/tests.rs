//! Tests of slerp.

use serde_json::{Value as Json, json};
use tongues_kernel::Result;
use tongues_merger_slerp as _;
use tongues_testkit::{MergerCase, assert_near, merged_values};

fn merged(t: Json, base: usize, a: &[f32], b: &[f32]) -> Result<Vec<f32>> {
    merged_values("slerp", t, Some(base), json!([]), &[a, b])
}

#[test]
fn conforms() {
    MergerCase::new("slerp", json!({ "t": [0.1, 0.9] }), 2).base(0).check();
    MergerCase::new("slerp", json!({ "t": 0.3 }), 2).base(1).check();
}

#[test]
fn arcs_worked_out_by_hand() {
    let half = 0.5f32.sqrt();
    let near = |t: f64, base, a: &[f32], b: &[f32], expected: &[f32]| assert_near("slerp", &merged(json!({ "t": t }), base, a, b).unwrap(), expected, 1e-6);
    near(0.5, 0, &[1.0, 0.0], &[0.0, 1.0], &[half, half]);
    // A third of a right angle from the base, whose length comes along: sin 60° and sin 30°.
    near(1.0 / 3.0, 0, &[2.0, 0.0], &[0.0, 1.0], &[3f32.sqrt(), 0.5]);
    near(1.0 / 3.0, 1, &[2.0, 0.0], &[0.0, 1.0], &[1.0, 3f32.sqrt() / 2.0]);
    near(0.0, 0, &[2.0, 1.0], &[0.0, 1.0], &[2.0, 1.0]);
    near(1.0, 0, &[2.0, 1.0], &[0.0, 1.0], &[0.0, 1.0]);
}

#[test]
fn parallel_and_empty_vectors_are_on_a_line() {
    let line = |a: &[f32], b: &[f32]| merged(json!({ "t": 0.25 }), 0, a, b).unwrap();
    assert_eq!(line(&[1.0, 1.0], &[3.0, 3.0]), [1.5, 1.5]);
    assert_eq!(line(&[1.0, 1.0], &[-3.0, -3.0]), [0.0, 0.0]);
    // An angle just above and just below the bound, acos 0.9995 = 0.03162.
    let (above, below) = ([0.0320f32.cos(), 0.0320f32.sin()], [0.0310f32.cos(), 0.0310f32.sin()]);
    let length = |x: Vec<f32>| x[0].hypot(x[1]);
    assert!((length(line(&[1.0, 0.0], &above)) - 1.0).abs() < 1e-6);
    assert!((length(line(&[1.0, 0.0], &below)) - 1.0).abs() > 5e-5);
    // Without a direction the angle is a right one.
    assert_near("slerp", &line(&[0.0, 0.0], &[1.0, 0.0]), &[(std::f32::consts::FRAC_PI_8).sin(), 0.0], 1e-6);
}

#[test]
fn another_number_of_models_and_no_t_are_refused() {
    let three = merged_values("slerp", json!({ "t": 0.5 }), Some(0), json!([]), &[&[1.0], &[1.0], &[1.0]]).unwrap_err().to_string();
    assert!(three.starts_with("slerp: tensor w: expected the base and one other model, found 3 models"), "{three}");
    let baseless = merged_values("slerp", json!({ "t": 0.5 }), None, json!([]), &[&[1.0], &[1.0]]).unwrap_err().to_string();
    assert!(baseless.starts_with("slerp: tensor w: expected a base model among its sources"), "{baseless}");
    let missing = merged(json!({ "t": [{ "filter": "mlp", "value": 0.5 }] }), 0, &[1.0], &[1.0]).unwrap_err().to_string();
    assert!(missing.starts_with("slerp: t, tensor w: expected a number, found none"), "{missing}");
}
