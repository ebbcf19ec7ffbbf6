//! Tests of the merger `__name__`.

use serde_json::json;
use tongues_kernel::Draws;
use __library__ as _;
use tongues_testkit::{MergerCase, randomise, snapshot, toy_model};

#[test]
fn conforms() {
    MergerCase::new("__name__", json!({}), 3).check();
}

#[test]
fn the_result_is_the_mean() {
    let inputs = [1, 2].map(|seed| {
        let mut model = toy_model(Draws::new(seed));
        randomise(&mut model, "", 1.0, Draws::new(seed));
        model
    });
    let merged = MergerCase::new("__name__", json!({}), 2).merged(&inputs).expect("one shape");
    let [a, b] = inputs.map(|m| snapshot(&m, ""));
    let name = "model.layers.0.mlp.up_proj.weight";
    assert_eq!(merged[name][5], ((f64::from(a[name][5]) + f64::from(b[name][5])) / 2.0) as f32);
}
