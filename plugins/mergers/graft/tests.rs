//! Tests of graft.

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use tongues_kernel::{Draws, Result};
use tongues_merger_graft as _;
use tongues_testkit::{MergerCase, merged_values, randomise, snapshot, toy_model};

fn merged(options: Json, base: Option<usize>, tensors: &[&[f32]]) -> Result<Vec<f32>> {
    merged_values("graft", options, base, json!([]), tensors)
}

#[test]
fn conforms() {
    MergerCase::new("graft", json!({ "density": 0.1 }), 2).base(0).check();
    MergerCase::new("graft", json!({ "density": 1.0 }), 2).base(1).check();
}

#[test]
fn grafts_worked_out_by_hand() {
    let (pre, ft): (&[f32], &[f32]) = (&[1.0, 1.0, 1.0, 1.0], &[1.5, -2.0, 1.0, 4.0]);
    let graft = |density: f64| merged(json!({ "density": density }), Some(0), &[pre, ft]).unwrap();
    assert_eq!(graft(0.0), pre);
    assert_eq!(graft(0.25), [1.0, -2.0, 1.0, 1.0]);
    assert_eq!(graft(0.5), [1.0, -2.0, 1.0, 4.0]);
    assert_eq!(graft(0.99), [1.5, -2.0, 1.0, 4.0]);
    assert_eq!(merged(json!({ "density": 0.25 }), Some(1), &[ft, pre]).unwrap(), graft(0.25));
    // What is taken is the number itself, also where adding the difference would round.
    assert_eq!(merged(json!({ "density": 1 }), Some(0), &[&[1e8], &[0.3]]).unwrap(), [0.3]);
}

#[test]
fn one_threshold_is_found_for_all_tensors() {
    let mut tuned = toy_model(Draws::new(1));
    let models = [tuned.clone(), {
        randomise(&mut tuned, "model.layers.1", 3.0, Draws::new(2));
        randomise(&mut tuned, "model.layers.0", 0.3, Draws::new(3));
        tuned
    }];
    let [pre, ft] = models.each_ref().map(|m| snapshot(m, ""));
    let out = MergerCase::new("graft", json!({ "density": 0.02 }), 2).base(0).merged(&models).unwrap();
    let moves = |name: &String| ft[name].iter().zip(&pre[name]).map(|(a, b)| (a - b).abs()).collect::<Vec<f32>>();
    let mut all: Vec<f32> = pre.keys().flat_map(moves).collect();
    all.sort_by(|a, b| b.total_cmp(a));
    let k = (0.02 * all.len() as f64) as usize;
    let taken: BTreeMap<&String, usize> = out.iter().map(|(n, x)| (n, x.iter().zip(&pre[n]).filter(|(x, p)| x != p).count())).collect();
    assert_eq!(taken.values().sum::<usize>(), k);
    for (name, values) in &out {
        for ((x, moved), (p, f)) in values.iter().zip(moves(name)).zip(pre[name].iter().zip(&ft[name])) {
            assert_eq!(x, if moved >= all[k - 1] && moved > 0.0 { f } else { p }, "{name}");
        }
    }
    let of = |layer: &str| taken.iter().filter(|(n, _)| n.starts_with(layer)).map(|(_, c)| c).sum::<usize>();
    assert!(of("model.layers.1") > 9 * of("model.layers.0"), "{taken:?}");
}

#[test]
fn no_base_and_more_models_are_refused() {
    let told = |base, tensors: &[&[f32]]| merged(json!({ "density": 0.5 }), base, tensors).unwrap_err().to_string();
    assert!(told(None, &[&[1.0], &[2.0]]).starts_with("graft: tensor w: expected a base model"));
    assert!(told(Some(0), &[&[1.0], &[2.0], &[3.0]]).starts_with("graft: tensor w: expected the base and one fine-tuned model, found 3 models"));
    assert!(merged(json!({ "density": 1.5 }), Some(0), &[&[1.0], &[2.0]]).unwrap_err().to_string().contains("density"));
}
