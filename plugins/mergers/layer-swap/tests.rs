//! Tests of layer-swap.

use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use tongues_kernel::{Built, Kind, MergeInput, MergeInputs, Result, Slice, build};
use tongues_merger_layer_swap as _;
use tongues_testkit::{MergerCase, Surroundings};

/// Values of models `math`, `swahili` and `base`, by which the sources of a tensor are known.
const TASK: f32 = 1.0;
const LANGUAGE: f32 = 3.0;
const BASE: f32 = 100.0;

fn input(name: &str, layers: usize) -> MergeInput {
    let inner = (0..layers).flat_map(|i| ["mlp.w", "norm.w"].map(|w| format!("model.layers.{i}.{w}")));
    let tensors = inner.chain(["model.embed.weight", "model.norm.weight"].map(String::from)).map(|n| (n, vec![1])).collect();
    MergeInput { name: name.into(), tensors, blocks: "model.layers.".into(), ..MergeInput::default() }
}

/// Every tensor of a swap of models with so many layers; `order` are names.
fn swapped(options: Json, layers: usize, order: &[&str]) -> Result<BTreeMap<String, f32>> {
    let mut cx = Surroundings::new(0);
    let Built::Merger(merger) = build(Kind::Merger, "layer-swap", options, &mut cx)? else { panic!("no merger") };
    let base = order.iter().position(|n| *n == "base");
    let plan = merger.plan(&MergeInputs { models: order.iter().map(|n| input(n, layers)).collect(), base, slices: vec![] }, &mut cx)?;
    let value = |i: usize| {
        [match order[i] {
            "math" => TASK,
            "swahili" => LANGUAGE,
            _ => BASE,
        }]
    };
    let values: Vec<[f32; 1]> = (0..order.len()).map(value).collect();
    let one = |out: &tongues_kernel::Planned| {
        let slices: Vec<Slice<'_>> = out.reads.iter().map(|r| Slice::of(&values[r.input])).collect();
        Ok((out.name.clone(), merger.merge(out, &slices, &mut cx)?.values(1, &slices)[0]))
    };
    plan.outputs.iter().map(one).collect()
}

/// What each layer is made of.
fn layers(options: Json) -> Vec<f32> {
    let out = swapped(options, 8, &["math", "swahili"]).unwrap();
    let layer = |i: usize| {
        let [a, b] = ["mlp.w", "norm.w"].map(|w| out[&format!("model.layers.{i}.{w}")]);
        assert_eq!(a, b, "a layer is all its tensors");
        a
    };
    (0..8).map(layer).collect()
}

#[test]
fn conforms() {
    MergerCase::new("layer-swap", json!({ "bottom": 1, "top": 0, "transition": 0 }), 2).check();
    MergerCase::new("layer-swap", json!({ "bottom": 0, "top": 0, "transition": 1, "embeddings": "base" }), 3).base(1).check();
}

#[test]
fn outer_layers_are_the_language_experts_and_seams_are_of_both() {
    assert_eq!(layers(json!({ "bottom": 2, "top": 1, "transition": 0 })), [3.0, 3.0, 1.0, 1.0, 1.0, 1.0, 1.0, 3.0]);
    assert_eq!(layers(json!({ "bottom": 2, "top": 1 })), [3.0, 3.0, 2.0, 1.0, 1.0, 1.0, 2.0, 3.0]);
    assert_eq!(layers(json!({ "bottom": 1, "top": 0, "transition": 3 })), [3.0, 2.0, 2.0, 2.0, 1.0, 2.0, 2.0, 2.0]);
    assert_eq!(layers(json!({ "bottom": 1, "top": 0, "transition": 3, "ramp": "linear" })), [3.0, 2.5, 2.0, 1.5, 1.0, 1.5, 2.0, 2.5]);
    assert_eq!(layers(json!({ "bottom": 0, "top": 0, "transition": 0 })), [1.0; 8]);
    assert_eq!(layers(json!({ "bottom": 3, "top": 5, "transition": 0 })), [3.0; 8]);
}

#[test]
fn everything_outside_the_layers_is_chosen_together() {
    let ends = |embeddings: &str| {
        let out = swapped(json!({ "bottom": 1, "top": 1, "embeddings": embeddings }), 8, &["math", "base", "swahili"]).unwrap();
        [out["model.embed.weight"], out["model.norm.weight"]]
    };
    assert_eq!([ends("language"), ends("task"), ends("average"), ends("base")], [[LANGUAGE; 2], [TASK; 2], [2.0; 2], [BASE; 2]]);
}

#[test]
fn experts_are_known_by_order_or_by_name() {
    let first = |options: Json| swapped(options, 3, &["swahili", "math"]).unwrap()["model.layers.0.mlp.w"];
    assert_eq!(first(json!({ "bottom": 1, "top": 0 })), TASK);
    assert_eq!(first(json!({ "bottom": 1, "top": 0, "task": "math" })), LANGUAGE);
    assert_eq!(first(json!({ "bottom": 1, "top": 0, "language": "swahili" })), LANGUAGE);
    assert_eq!(first(json!({ "bottom": 1, "top": 0, "language": "swahili", "task": "math" })), LANGUAGE);
}

#[test]
fn swaps_that_cannot_be_are_refused() {
    let told = |options: Json, order: &[&str]| swapped(options, 8, order).unwrap_err().to_string();
    let two = ["math", "swahili"];
    let wide = told(json!({ "bottom": 4, "top": 3, "transition": 1 }), &two);
    assert!(wide.starts_with("layer-swap: bottom + top + 2 · transition: expected at most the 8 layers, found 9"), "{wide}");
    assert!(swapped(json!({ "bottom": 4, "top": 2, "transition": 1 }), 8, &two).is_ok());
    let huge = told(json!({ "bottom": u64::MAX, "top": 3 }), &two);
    assert!(huge.contains("at most the 8 layers"), "{huge}");
    let one = told(json!({ "bottom": 1, "top": 1 }), &["math", "base"]);
    assert!(one.starts_with("layer-swap: models: expected the task expert and the language expert, beside a base model at most, found math, base"), "{one}");
    let unknown = told(json!({ "bottom": 1, "top": 1, "task": "maths" }), &two);
    assert!(unknown.starts_with("layer-swap: task: expected one of math, swahili, found `maths`"), "{unknown}");
    let same = told(json!({ "bottom": 1, "top": 1, "task": "math", "language": "math" }), &two);
    assert!(same.contains("expected two experts, found `math` for both"), "{same}");
    let baseless = told(json!({ "bottom": 1, "top": 1, "embeddings": "base" }), &two);
    assert!(baseless.starts_with("layer-swap: embeddings: expected a base model"), "{baseless}");
}
