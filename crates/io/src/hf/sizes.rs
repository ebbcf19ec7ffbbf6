//! Sizes of a configuration against those of its files, before a network is made from it: nothing is allocated for numbers that
//! no tensor bears out.

use super::reading::Reading;
use crate::Checkpoint;
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;
use std::path::Path;
use tongues_kernel::{Kind, Result, find, refuse};

/// Keys of blocks: each has tensors of its own.
const BLOCKS: [&str; 3] = ["num_hidden_layers", "n_layer", "num_layers"];
/// Keys whose numbers are places or ids, and cost nothing.
const FREE: [&str; 5] = ["position", "window", "_id", "max_length", "max_window_layers"];

/// Refuses sizes that the checkpoint cannot have.
///
/// # Errors
/// As said, with the key.
pub(super) fn check(config: &Map<String, Json>, checkpoint: &Checkpoint, how: &Reading, place: &Path) -> Result<()> {
    if !how.from.is_empty() {
        return Ok(());
    }
    let tensors = checkpoint.names().count();
    let mut largest = 0;
    for name in checkpoint.names() {
        largest = largest.max(checkpoint.info(name)?.shape.iter().product::<usize>());
    }
    let keys = whole_numbers(config);
    for (key, value) in config.iter().filter(|(key, _)| keys.contains(*key)) {
        let Some(number) = value.as_f64() else { continue };
        let limit = match key.as_str() {
            k if BLOCKS.contains(&k) => (tensors.max(how.layers.len())) as f64,
            k if FREE.iter().any(|f| k.contains(f)) => continue,
            _ => largest.max(1 << 16) as f64,
        };
        if number > limit {
            let at = format!("{}, key `{key}`", place.display());
            return refuse(
                at,
                format!("a size that the tensors of the checkpoint bear out (at most {limit})"),
                value,
                "config.json and the weights are of different models",
            );
        }
    }
    Ok(())
}

/// The keys that the family takes as whole numbers.
fn whole_numbers(config: &Map<String, Json>) -> BTreeSet<String> {
    let plugin = config.get("model_type").and_then(Json::as_str).and_then(|name| find(Kind::Backbone, name));
    let schema = plugin.map(|p| (p.schema)()).unwrap_or_default();
    let is_whole = |property: &Json| match property.get("type") {
        Some(Json::String(kind)) => kind == "integer",
        Some(Json::Array(kinds)) => kinds.iter().any(|k| k == "integer"),
        _ => false,
    };
    let properties = schema.get("properties").and_then(Json::as_object);
    properties.into_iter().flatten().filter(|(_, property)| is_whole(property)).map(|(key, _)| key.clone()).collect()
}
