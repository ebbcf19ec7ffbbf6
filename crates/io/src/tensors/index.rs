//! The list of shards of a checkpoint.

use crate::config;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value as Json;
use std::{collections::BTreeMap, fmt, path::Path};
use tongues_kernel::{Result, refuse};

/// Shard names with the tensors that each should hold.
///
/// # Errors
/// The file is malformed, or claims a tensor for two shards.
pub(crate) fn shards(index: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let root = config::read_as::<Index>(index)?;
    let Some(Pairs(pairs)) = root.weight_map else {
        return refuse(index.display(), "the object `weight_map`", "none", "copy the index again from the source");
    };
    let mut place: BTreeMap<String, String> = BTreeMap::new();
    for (tensor, shard) in pairs {
        let at = format!("{}, weight_map, `{tensor}`", index.display());
        let Json::String(shard) = shard else { return refuse(at, "the name of a file", config::kind(&shard), "") };
        if let Some(other) = place.insert(tensor, shard.clone()).filter(|other| *other != shard) {
            return refuse(at, "one file for every tensor", format!("{other} and {shard}"), "copy the index again from the source");
        }
    }
    let mut shards: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (tensor, shard) in place {
        shards.entry(shard).or_default().push(tensor);
    }
    if shards.is_empty() {
        return refuse(index.display(), "at least one tensor in `weight_map`", "none", "copy the index again");
    }
    Ok(shards)
}

#[derive(Deserialize)]
struct Index {
    weight_map: Option<Pairs>,
}

/// An object whose keys are kept as they come, also where one comes twice.
struct Pairs(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Pairs;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors and files")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> std::result::Result<Pairs, M::Error> {
                let mut pairs = vec![];
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Each)
    }
}
