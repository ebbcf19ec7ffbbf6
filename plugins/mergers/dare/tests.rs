//! Tests of dare.

use serde_json::{Value as Json, json};
use tongues_kernel::{Built, Draws, Kind, MergeInput, MergeInputs, Result, Slice, build};
use tongues_merger_dare as _;
use tongues_testkit::{MergerCase, Surroundings, merged_values};

const N: usize = 4000;

/// A tensor `name` of models merged under a seed.
fn seeded(seed: u64, name: &str, options: &Json, models: &[&[f32]]) -> Vec<f32> {
    let mut cx = Surroundings::new(seed);
    let Built::Merger(merger) = build(Kind::Merger, "dare", options.clone(), &mut cx).unwrap() else { panic!("no merger") };
    let input = |x: &&[f32]| MergeInput { tensors: [(name.to_owned(), vec![x.len()])].into(), ..MergeInput::default() };
    let inputs = MergeInputs { models: models.iter().map(input).collect(), base: Some(0), slices: vec![] };
    let plan = merger.plan(&inputs, &mut cx).unwrap();
    let slices: Vec<Slice<'_>> = models.iter().map(|x| Slice::of(x)).collect();
    merger.merge(&plan.outputs[0], &slices, &mut cx).unwrap().values(models[0].len(), &slices)
}

fn spread() -> (Vec<f32>, Vec<f32>) {
    let base = Draws::new(1).normal(N);
    let model = base.iter().zip(Draws::new(2).normal(N)).map(|(b, d)| b + 0.1 * d).collect();
    (base, model)
}

#[test]
fn conforms() {
    MergerCase::new("dare", json!({ "weight": 0.7, "density": 0.4 }), 3).base(0).check();
    let settings = json!([{ "weight": [0, 1], "density": 0.3 }, {}, { "weight": 0.5, "density": [0.1, 0.9] }]);
    MergerCase::new("dare", json!({ "consensus": "sum", "normalize": true, "rescale": false, "lambda": 0.5 }), 3).base(1).settings(settings).check();
}

#[test]
fn the_kept_share_is_the_density_and_magnitudes_are_those_of_the_whole() {
    let (base, model) = spread();
    for density in [0.05, 0.4, 0.9] {
        let out = seeded(3, "w", &json!({ "weight": 1, "density": density }), &[&base, &model]);
        let change: Vec<f32> = out.iter().zip(&base).map(|(x, b)| x - b).collect();
        let kept = change.iter().filter(|x| **x != 0.0).count() as f64;
        let bound = 5.0 * (N as f64 * density * (1.0 - density)).sqrt();
        assert!((kept - density * N as f64).abs() < bound, "{kept} of {N} at {density}");
        let magnitude = |x: &mut dyn Iterator<Item = f32>| x.map(|x| f64::from(x.abs())).sum::<f64>();
        let (whole, left) = (magnitude(&mut model.iter().zip(&base).map(|(m, b)| m - b)), magnitude(&mut change.into_iter()));
        assert!((left / whole - 1.0).abs() < 1e-5, "{left} of {whole} at {density}");
    }
}

#[test]
fn the_mean_of_many_merges_is_the_merge_without_drops() {
    let (base, model) = spread();
    let (runs, density) = (400, 0.25);
    let mut mean = vec![0f64; N];
    for seed in 0..runs {
        let out = seeded(seed, "w", &json!({ "weight": 1, "density": density, "rescale": false }), &[&base, &model]);
        mean.iter_mut().zip(out.iter().zip(&base)).for_each(|(m, (x, b))| *m += f64::from(x - b) / runs as f64);
    }
    // Each mean is of a coin's falls: their distance from the expectation, in its standard deviations, has a mean square near 1.
    let deviation = (density * (1.0 - density) / runs as f64).sqrt();
    let square = mean.iter().zip(model.iter().zip(&base)).map(|(m, (x, b))| ((m / f64::from(x - b) - density) / deviation).powi(2)).sum::<f64>();
    assert!((square / N as f64 - 1.0).abs() < 5.0 * (2.0 / N as f64).sqrt(), "{}", square / N as f64);
}

#[test]
fn draws_depend_on_seed_tensor_and_model() {
    let (base, model) = spread();
    let options = json!({ "weight": 1, "density": 0.5, "rescale": false });
    let out = seeded(3, "w", &options, &[&base, &model]);
    assert_eq!(out, seeded(3, "w", &options, &[&base, &model]));
    assert_ne!(out, seeded(4, "w", &options, &[&base, &model]));
    assert_ne!(out, seeded(3, "v", &options, &[&base, &model]));
    // Were both copies of the model dropped at the same places, half of the numbers would be those of the base.
    let twice = seeded(3, "w", &options, &[&base, &model, &model]);
    let untouched = twice.iter().zip(&base).filter(|(x, b)| x == b).count() as f64;
    assert!((untouched / N as f64 - 0.25).abs() < 0.05, "{untouched} of {N}");
}

#[test]
fn signs_agree_where_asked_and_nothing_is_drawn_at_density_one() {
    let merged = |options: Json| -> Result<Vec<f32>> { merged_values("dare", options, Some(0), json!([]), &[&[0.0, 0.0], &[3.0, 1.0], &[-1.0, 1.0]]) };
    assert_eq!(merged(json!({ "weight": 1 })).unwrap(), [2.0, 2.0]);
    assert_eq!(merged(json!({ "weight": 1, "consensus": "sum" })).unwrap(), [3.0, 2.0]);
    assert_eq!(merged(json!({ "weight": 1, "consensus": "sum", "normalize": true })).unwrap(), [3.0, 1.0]);
    let refused = merged(json!({ "weight": 1, "density": 2 })).unwrap_err().to_string();
    assert!(refused.starts_with("dare: density: expected numbers from 0 to 1, found 2"), "{refused}");
}
