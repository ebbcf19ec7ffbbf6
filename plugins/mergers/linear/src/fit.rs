//! Whether two models can be added.

use serde_json::Value as Json;
use tongues_kernel::{MergeInput, Result, refuse};

/// Names shown in a message before the rest is counted.
const SHOWN: usize = 3;
const REMEDY: &str = "merge models that came from the same base; where a vocabulary was extended, extend the base in the same way first";

/// The same tensors with the same shapes, and the same sizes in the configuration.
///
/// # Errors
/// They differ: names the first tensors or keys.
pub fn check(first: &MergeInput, other: &MergeInput) -> Result<()> {
    let at = format!("merging `{}` with `{}`", first.name, other.name);
    for (has, lacks) in [(first, other), (other, first)] {
        let missing: Vec<String> = has.tensors.keys().filter(|name| !lacks.tensors.contains_key(*name)).cloned().collect();
        if !missing.is_empty() {
            return refuse(at, "the same tensors in both", format!("{}, which `{}` lacks", listed(&missing), lacks.name), REMEDY);
        }
    }
    let shapes = first.tensors.iter().filter_map(|(name, shape)| Some((name, shape, other.tensors.get(name)?)));
    let unequal: Vec<String> = shapes.filter(|(_, a, b)| a != b).map(|(name, a, b)| format!("{name} {a:?} and {b:?}")).collect();
    if !unequal.is_empty() {
        return refuse(at, "the same shapes in both", listed(&unequal), REMEDY);
    }
    let sizes: Vec<String> = differences(first, other).filter(|(key, _, _)| is_size(key)).map(|(key, a, b)| format!("{key} {a} and {b}")).collect();
    if sizes.is_empty() { Ok(()) } else { refuse(at, "the same sizes in both configurations", listed(&sizes), REMEDY) }
}

/// A sentence on other keys of the configuration that differ: the result has those of the first model.
pub fn differing(first: &MergeInput, other: &MergeInput) -> Option<String> {
    let keys: Vec<String> = differences(first, other).map(|(key, _, _)| key.clone()).collect();
    let (a, b) = (&first.name, &other.name);
    (!keys.is_empty()).then(|| format!("The configurations of {a} and {b} differ in {}; the merged model has those of {a}.", keys.join(", ")))
}

fn differences<'a>(first: &'a MergeInput, other: &'a MergeInput) -> impl Iterator<Item = (&'a String, &'a Json, &'a Json)> {
    let both = first.config.iter().filter_map(|(key, a)| Some((key, a, other.config.get(key)?)));
    both.filter(|(_, a, b)| a != b)
}

/// Keys that say how a network is built, in the naming of the Hugging Face files: heads, for one, leave no trace in shapes.
fn is_size(key: &str) -> bool {
    key == "model_type" || key.starts_with("num_") || ["_size", "_dim", "_heads", "_layers"].iter().any(|end| key.ends_with(end))
}

fn listed(all: &[String]) -> String {
    let shown = all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if all.len() > SHOWN { format!("{shown} and {} more", all.len() - SHOWN) } else { shown }
}
