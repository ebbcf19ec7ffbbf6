//! What configurations of families share: refusals in one form, layer types, the written `config.json`.

use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use std::fmt::Display;
use tongues_kernel::{Error, Result, refuse};

/// Refuses a configuration of a family by key, where something does not hold.
///
/// # Errors
/// It does not hold.
pub fn require(holds: bool, (family, key): (&str, &str), expected: impl Display, found: impl Display) -> Result<()> {
    if holds { Ok(()) } else { refuse(format!("{family}: {key}"), expected.to_string(), found.to_string(), "correct the configuration") }
}

/// Width of a head: as given, or hidden width over heads.
///
/// # Errors
/// Neither is a whole number of at least 1.
pub fn head_width(family: &str, hidden: usize, heads: usize, given: Option<usize>) -> Result<usize> {
    require(heads > 0, (family, "number of heads"), "at least 1", heads)?;
    let divides = given.is_some() || (hidden.is_multiple_of(heads) && hidden > 0);
    require(divides, (family, "hidden_size"), format!("a multiple of the {heads} heads, or a head_dim"), hidden)?;
    let width = given.unwrap_or(hidden / heads);
    require(width > 0, (family, "head_dim"), "at least 1", width)?;
    Ok(width)
}

/// The word of layers with a window.
pub const SLIDING: &str = "sliding_attention";
/// The word of layers that see everything before them.
pub const FULL: &str = "full_attention";

/// Which layers have a window: as `layer_types` says, or by a rule where it is absent.
///
/// # Errors
/// The list has not one word a layer, or another word.
pub fn sliding_layers(family: &str, layers: usize, types: Option<&[String]>, rule: impl Fn(usize) -> bool) -> Result<Vec<bool>> {
    let Some(types) = types else { return Ok((0..layers).map(rule).collect()) };
    require(types.len() == layers, (family, "layer_types"), format!("{layers} words, one a layer"), types.len())?;
    for word in types {
        require(word == SLIDING || word == FULL, (family, "layer_types"), format!("{SLIDING} or {FULL}"), word)?;
    }
    Ok(types.iter().map(|t| t == SLIDING).collect())
}

/// The list that [`sliding_layers`] reads.
pub fn layer_types(sliding: &[bool]) -> Json {
    json!(sliding.iter().map(|s| if *s { SLIDING } else { FULL }).collect::<Vec<_>>())
}

/// The keys of a configuration that have a value.
///
/// # Errors
/// It is no table.
pub fn keys_of(config: &impl Serialize) -> Result<Map<String, Json>> {
    match serde_json::to_value(config) {
        Ok(Json::Object(map)) => Ok(map.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        other => Err(Error::run("configuration", format!("{other:?}"))),
    }
}

/// `config.json` of a family: its keys, and who reads it.
pub fn written(config: &impl Serialize, model_type: &str, architecture: &str) -> Map<String, Json> {
    let mut map = keys_of(config).unwrap_or_default();
    map.insert("model_type".into(), model_type.into());
    map.insert("architectures".into(), json!([architecture]));
    map
}
