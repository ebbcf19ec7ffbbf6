//! Mixtures of data sets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The members of a mixture.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Mix {
    /// Names; a member's share is its number of records.
    #[schemars(extend("x-ref" = "data"))]
    Names(Vec<String>),
    /// Shares of the training examples by name; they need not add up to 1.
    #[schemars(extend("x-ref-keys" = "data"))]
    Shares(BTreeMap<String, Share>),
}

/// A share; positive.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("exclusiveMinimum" = 0.0))]
pub struct Share(pub f64);

impl Mix {
    /// The members in order, with their shares where they are given.
    pub fn members(&self) -> Vec<(&str, Option<f64>)> {
        match self {
            Self::Names(names) => names.iter().map(|n| (n.as_str(), None)).collect(),
            Self::Shares(shares) => shares.iter().map(|(n, s)| (n.as_str(), Some(s.0))).collect(),
        }
    }
}

/// At most so many records of a member.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Caps {
    /// Of every member.
    #[schemars(extend("minimum" = 1))]
    All(usize),
    /// By name.
    ByName(BTreeMap<String, usize>),
}

impl Caps {
    /// The cap of a member.
    pub fn of(&self, member: &str) -> Option<usize> {
        match self {
            Self::All(n) => Some(*n),
            Self::ByName(caps) => caps.get(member).copied(),
        }
    }
}

/// When a pass over a mixture ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MixStop {
    /// After as many examples as the members have together.
    #[default]
    Total,
    /// When the first member has nothing new.
    First,
    /// When every member was seen once; small ones repeat until then.
    All,
}
