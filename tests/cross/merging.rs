//! Merges are those of mergekit, setting by setting.

use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tongues_engine::Shop;
use tongues_engine::mergekit::Import;
use tongues_engine::merging::{Request, merge};
use tongues_io::HfTokenizer;
use tongues_kernel::burn::prelude::Device;
use tongues_kernel::{Result, Tokenizer};
use tongues_merge::{Merging, Watch};

/// Of the largest entry of a tensor.
const TOLERANCE: f32 = 1e-6;

/// A tensor's values, and whether they were stored in 16 bits.
type Tensors = BTreeMap<String, (Vec<f32>, bool)>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mergekit")
}

fn configs() -> Map<String, Json> {
    let text = std::fs::read_to_string(folder().join("configs.json")).expect("configs.json");
    serde_json::from_str(&text).expect("JSON")
}

fn read(file: &Path) -> Tensors {
    let bytes = std::fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let tensors = SafeTensors::deserialize(&bytes).expect("safetensors");
    let one = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
        let half = view.dtype() == Dtype::BF16;
        let values = match half {
            true => view.data().as_chunks::<2>().0.iter().map(|b| f32::from_bits(u32::from(u16::from_le_bytes(*b)) << 16)).collect(),
            false => view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        };
        (name, (values, half))
    };
    tensors.tensors().into_iter().map(one).collect()
}

/// Nobody looks on.
struct Unwatched;

impl Watch for Unwatched {
    fn tick(&self, _: Merging<'_>) -> Result<()> {
        Ok(())
    }
}

/// What the reader of mergekit's files makes of a configuration.
fn merged(name: &str) -> Tensors {
    let out = tempfile::tempdir().expect("a folder");
    merge_into(&folder(), name, out.path())
}

/// The same, leaving the folder `merged` in `out`.
fn merge_into(folder: &Path, name: &str, out: &Path) -> Tensors {
    let text = std::fs::read_to_string(folder.join(format!("configs/{name}.yml"))).expect("a configuration");
    let import = Import::parse(&text.replace("models/", &format!("{}/models/", folder.display()))).unwrap_or_else(|e| panic!("{name}: {e}"));
    let shop = Shop::new(&import.recipe, Device::flex(), out.into());
    let target = out.join("merged");
    let table = import.merge().expect("a merge");
    let request = Request { shop: &shop, merge: table, name: "merged", dtype: import.dtype, target: &target, beside: &[] };
    merge(&request, &Unwatched).unwrap_or_else(|e| panic!("{name}: {e}"));
    read(&target.join("model.safetensors"))
}

/// Differences over what is allowed: above 1, a fault.
fn distance(found: &[f32], expected: &[f32], half: bool) -> f32 {
    let largest = expected.iter().fold(0f32, |m, x| m.max(x.abs()));
    let step = |x: f32| if half { 2f32.powi(-7) * x.abs() } else { TOLERANCE * largest };
    found.iter().zip(expected).map(|(a, b)| if a == b { 0.0 } else { (a - b).abs() / step(*b) }).fold(0.0, f32::max)
}

/// Every configuration of these methods; how many there were.
fn equals_mergekit(methods: &[&str]) -> usize {
    let of = |config: &Json| methods.iter().any(|m| config["merge_method"] == **m);
    let mut compared = 0;
    for (name, _) in configs().iter().filter(|(name, config)| of(config) && !name.ends_with("-drawn")) {
        let (found, expected) = (merged(name), read(&folder().join(format!("merged/{name}.safetensors"))));
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{name}: names");
        for (tensor, (values, half)) in &expected {
            let (made, stored) = &found[tensor];
            assert_eq!((made.len(), stored), (values.len(), half), "{name}: {tensor}: size and dtype");
            let by = distance(made, values, *half);
            assert!(by <= 1.0, "{name}: {tensor} is {by} tolerances from mergekit's");
        }
        compared += 1;
    }
    compared
}

#[test]
fn linear_merges_are_those_of_mergekit() {
    assert_eq!(equals_mergekit(&["linear"]), 6);
}

#[test]
fn arcs_and_stacks_are_those_of_mergekit() {
    assert_eq!(equals_mergekit(&["slerp", "passthrough"]), 7);
}

#[test]
fn sums_of_changes_are_those_of_mergekit() {
    assert_eq!(equals_mergekit(&["task_arithmetic", "dare_linear", "dare_ties"]), 7);
}

#[test]
fn trimmed_and_elected_changes_are_those_of_mergekit() {
    assert_eq!(equals_mergekit(&["ties"]), 6);
}

#[test]
fn averages_drawn_to_the_base_are_those_of_mergekit() {
    assert_eq!(equals_mergekit(&["model_stock"]), 3);
}

/// What is kept of a model's change by a merge with weight 1: of every tensor the numbers of the change and of what is left of it.
fn kept(name: &str, model: &str) -> Vec<(String, Vec<f32>, Vec<f32>)> {
    let [base, model] = ["base", model].map(|m| read(&folder().join(format!("models/{m}/model.safetensors"))));
    let minus = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<f32>>();
    let out = merged(name);
    out.iter().map(|(n, (x, _))| (n.clone(), minus(&model[n].0, &base[n].0), minus(x, &base[n].0))).collect()
}

/// The share of numbers that are kept is the density.
fn assert_share(kept: &[(String, Vec<f32>, Vec<f32>)], density: f64) {
    let n = kept.iter().map(|(_, change, _)| change.len()).sum::<usize>() as f64;
    let left = kept.iter().flat_map(|(_, _, left)| left).filter(|x| **x != 0.0).count() as f64;
    assert!((left - density * n).abs() < 5.0 * (n * density * (1.0 - density)).sqrt(), "{left} of {n} are kept at {density}");
}

#[test]
fn drawn_changes_keep_their_share_and_their_magnitude() {
    let scaled = kept("dare_linear-drawn", "a");
    assert_share(&scaled, 0.4);
    for (name, change, left) in &scaled {
        let magnitude = |x: &[f32]| x.iter().map(|x| f64::from(x.abs())).sum::<f64>();
        assert!((magnitude(left) / magnitude(change) - 1.0).abs() < 1e-4, "{name}: {} of {}", magnitude(left), magnitude(change));
    }
    let plain = kept("dare_ties-drawn", "b");
    assert_share(&plain, 0.7);
    for (name, change, left) in &plain {
        assert!(change.iter().zip(left).all(|(c, l)| *l == 0.0 || (c - l).abs() < 1e-6), "{name}: what is kept is not scaled");
    }
}

#[test]
fn rows_follow_their_tokens_as_in_mergekit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mergekit-tokens");
    for name in ["union", "union-of-three", "base", "of-a-model", "rules"] {
        let out = tempfile::tempdir().expect("a folder");
        let (found, expected) = (merge_into(&folder, name, out.path()), read(&folder.join(format!("merged/{name}.safetensors"))));
        let ids = std::fs::read_to_string(folder.join(format!("merged/{name}.json"))).expect("ids");
        let ids: BTreeMap<String, usize> = serde_json::from_str(&ids).expect("JSON");
        let tokenizer = HfTokenizer::from_dir(&out.path().join("merged")).expect("a tokenizer");
        assert_eq!(tokenizer.size(), ids.len(), "{name}");
        for (tensor, (values, _)) in &expected {
            let made = &found[tensor].0;
            assert_eq!(made.len(), values.len(), "{name}: {tensor}");
            if tensor.contains("layers") {
                assert!(distance(made, values, false) <= 1.0, "{name}: {tensor}");
                continue;
            }
            let row = |all: &[f32], id: usize| all[8 * id..8 * (id + 1)].to_vec();
            for id in 0..tokenizer.size() {
                let token = tokenizer.piece(id as u32).expect("a token");
                let by = distance(&row(made, id), &row(values, ids[&token]), false);
                assert!(by <= 4.0, "{name}: {tensor}: the row of {token:?} is {by} tolerances from mergekit's");
            }
            for padding in ids.len()..values.len() / 8 {
                assert!(distance(&row(made, padding), &row(values, padding), false) <= 4.0, "{name}: {tensor}: padding {padding}");
            }
        }
    }
}
