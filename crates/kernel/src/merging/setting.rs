//! Settings of a merge that may differ by layer and by tensor, as mergekit writes them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Settings by name.
pub type Settings = BTreeMap<String, Setting>;

/// A number; a gradient: numbers from the bottom layer to the top one, interpolated; or a list of `{ filter, value }`, of which the first
/// counts whose filter is part of the tensor's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Setting {
    /// The same everywhere; as a number 1 or 0.
    Flag(bool),
    /// The same everywhere.
    Number(f64),
    /// From the bottom layer to the top one.
    Gradient(Vec<f64>),
    /// By the names of tensors.
    Filters(Vec<Filtered>),
    /// For some tensors.
    One(Filtered),
}

/// A value for some tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filtered {
    /// Part of a tensor's name; all tensors where absent or `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// A number or a gradient.
    pub value: Level,
}

/// A number or a gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Level {
    /// As a number 1 or 0.
    Flag(bool),
    /// The same everywhere.
    Number(f64),
    /// From the bottom layer to the top one.
    Gradient(Vec<f64>),
}

impl Setting {
    /// The number for a tensor at a depth between 0 and 1; `None` where no filter takes it.
    pub fn at(&self, name: &str, depth: f64) -> Option<f64> {
        match self {
            Self::Flag(on) => Some(f64::from(u8::from(*on))),
            Self::Number(x) => Some(*x),
            Self::Gradient(all) => gradient(all, depth),
            Self::Filters(all) => all.iter().find(|f| f.takes(name))?.value.at(depth),
            Self::One(f) => f.takes(name).then(|| f.value.at(depth))?,
        }
    }

    /// Every number that stands in it.
    pub fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Flag(_) => vec![],
            Self::Number(x) => vec![*x],
            Self::Gradient(all) => all.clone(),
            Self::Filters(all) => all.iter().flat_map(|f| f.value.numbers()).collect(),
            Self::One(f) => f.value.numbers(),
        }
    }
}

impl From<f64> for Setting {
    fn from(x: f64) -> Self {
        Self::Number(x)
    }
}

impl Filtered {
    fn takes(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter == "*" || name.contains(filter.as_str()))
    }
}

impl Level {
    fn at(&self, depth: f64) -> Option<f64> {
        match self {
            Self::Flag(on) => Some(f64::from(u8::from(*on))),
            Self::Number(x) => Some(*x),
            Self::Gradient(all) => gradient(all, depth),
        }
    }

    fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Flag(_) => vec![],
            Self::Number(x) => vec![*x],
            Self::Gradient(all) => all.clone(),
        }
    }
}

fn gradient(all: &[f64], depth: f64) -> Option<f64> {
    let last = all.len().checked_sub(1)?;
    let scaled = depth.clamp(0.0, 1.0) * last as f64;
    let low = scaled as usize;
    let part = scaled - low as f64;
    Some((1.0 - part) * all[low] + part * all[(low + 1).min(last)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    #[test]
    fn numbers_gradients_and_filters() {
        let at = |setting: serde_json::Value, name: &str, depth: f64| from_value::<Setting>(setting).unwrap().at(name, depth);
        assert_eq!(at(json!(0.5), "x", 0.3), Some(0.5));
        assert_eq!(at(json!(true), "x", 0.3), Some(1.0));
        assert_eq!(at(json!([0, 1, 0]), "x", 0.25), Some(0.5));
        assert_eq!(at(json!([0, 1, 3]), "x", 1.0), Some(3.0));
        let filters = json!([{ "filter": "mlp", "value": [0, 1] }, { "filter": "attn", "value": 0.2 }]);
        assert_eq!(at(filters.clone(), "model.layers.0.mlp.up_proj.weight", 0.5), Some(0.5));
        assert_eq!(at(filters.clone(), "model.layers.0.self_attn.q_proj.weight", 0.5), Some(0.2));
        assert_eq!(at(filters, "model.norm.weight", 0.5), None);
        assert_eq!(at(json!([{ "filter": "mlp", "value": 1 }, { "value": 3 }]), "model.norm.weight", 0.5), Some(3.0));
        assert!(from_value::<Setting>(json!([{ "filter": "mlp", "values": 1 }])).is_err());
        assert_eq!(at(json!([]), "x", 0.5), None);
    }
}
