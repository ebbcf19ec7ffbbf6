//! # compose
//!
//! Adapters that are already in the model, put together: stacked, averaged, weighed, or chosen row by row by language.
//! Papers: Pfeiffer et al. 2020, "MAD-X" (arXiv 2005.00052, §3.4, stacking); Wang et al. 2021, "Efficient Test Time Adapter
//! Ensembling for Low-resource Language Varieties" (arXiv 2109.04877, §3, weighed outputs); Poth et al. 2023, "Adapters" (arXiv
//! 2311.11077, §4.1, the compositions and their names).
//!
//! ## What it does
//! `parts` names attached parts (those of a model's `adapters` are named after their folders; earlier adapters of the stage by
//! their `name`); a list in the list is one choice made of several parts, its first innermost. `stack` puts them in this order. `average`
//! gives, at every place where one of them sits, the mean of what each alone would make of the place; `weighted` the sum by
//! `weights`, which train where `learn` is set. `route` gives each row what its own language's adapter gives, exactly. The
//! language of a row is its example's `language`; rows must not be packed (`packing = false`), and where nobody says languages (when
//! scores are computed) `default` serves all. Saved as one folder that holds all parts.
//!
//! ## When to use
//! `stack` for a task adapter on a language adapter; `route` for one model of many languages; `average` and `weighted` for a
//! language without an adapter of its own, between related ones.
//!
//! ## Differences from the paper
//! Weights are the same for all tokens, not optimised at test time. Each part runs its place's own function again: k adapters cost k
//! times the places they sit on. Parts that change the length of the stream cannot be averaged or routed.
//!
//! ## Reproduces
//! No published number; each row of a routed batch is bit for bit what its own adapter alone gives for that batch.

mod load;
mod part;

pub use load::load;
pub use part::{Composed, Group, How};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Adapter, Context, Model, Result, refuse, register, register_format};

/// Which parts, and how they act together.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComposeOptions {
    /// How the parts act together.
    pub how: Way,
    /// Names of parts in the model; a list among them is one choice made of several parts.
    #[schemars(length(min = 1))]
    pub parts: Vec<Choice>,
    /// For `weighted`: a weight each choice; equal ones that sum to 1 where absent.
    pub weights: Option<Vec<f64>>,
    /// For `weighted`: the weights train.
    #[serde(default)]
    pub learn: bool,
    /// For `route`: the language of each choice; the choices' (first) names where absent.
    pub languages: Option<Vec<String>>,
    /// For `route`, needed: the language whose adapter serves rows that say none, as in scoring. Rows of a language without an
    /// adapter are refused.
    pub default: Option<String>,
    /// Name of the part that the others are put into.
    #[serde(default = "name")]
    pub name: String,
}

/// How parts act together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// One around the other, the first innermost.
    Stack,
    /// The mean of their outputs.
    Average,
    /// A weighed sum of their outputs.
    Weighted,
    /// One of them a row, by language.
    Route,
}

/// One part, or several that act together as one choice.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Choice {
    /// A part.
    One(String),
    /// Parts, the first innermost.
    Several(Vec<String>),
}

impl Choice {
    fn names(&self) -> Vec<String> {
        match self {
            Self::One(name) => vec![name.clone()],
            Self::Several(names) => names.clone(),
        }
    }
}

fn name() -> String {
    "compose".into()
}

impl ComposeOptions {
    /// What acts, from the options that belong to it.
    fn how(&self) -> Result<How> {
        let count = self.parts.len();
        let wrong = [
            (self.weights.is_some() && self.how != Way::Weighted, "weights", "weighted"),
            (self.learn && self.how != Way::Weighted, "learn", "weighted"),
            (self.languages.is_some() && self.how != Way::Route, "languages", "route"),
            (self.default.is_some() && self.how != Way::Route, "default", "route"),
        ];
        if let Some((_, key, way)) = wrong.into_iter().find(|(is, ..)| *is) {
            return refuse(format!("compose: {key}"), format!("how = \"{way}\""), format!("{:?}", self.how), "leave the key out");
        }
        match self.how {
            Way::Stack | Way::Average => Ok(How::Sum { weights: vec![1.0 / count as f64; count], learn: false }),
            Way::Weighted => {
                let weights = self.weights.clone().unwrap_or_else(|| vec![1.0 / count as f64; count]);
                Ok(How::Sum { weights, learn: self.learn })
            }
            Way::Route => {
                let first = |choice: &Choice| choice.names().first().cloned().unwrap_or_default();
                let languages = self.languages.clone().unwrap_or_else(|| self.parts.iter().map(first).collect());
                match &self.default {
                    Some(default) => Ok(How::Route { languages, default: default.clone() }),
                    None => refuse(
                        "compose: default",
                        "a language that serves rows that say none, as in scoring",
                        "none",
                        format!("name one of {}", languages.join(", ")),
                    ),
                }
            }
        }
    }
}

impl Adapter for ComposeOptions {
    fn attach(&self, model: &mut Model, cx: &mut dyn Context) -> Result<()> {
        let choices: Vec<Vec<String>> = self.parts.iter().map(Choice::names).collect();
        let how = self.how()?;
        part::check("compose", &choices, &how, model)?;
        if self.how == Way::Stack {
            return part::restack(&choices, model);
        }
        if let How::Route { languages, .. } = &how {
            known(languages, cx)?;
        }
        part::attach(&self.name, &choices, how, model)
    }
}

/// Every record of the stage, where it has data, is of a language that has an adapter.
fn known(languages: &[String], cx: &mut dyn Context) -> Result<()> {
    let Ok(data) = cx.stage_data() else { return Ok(()) };
    for record in data.open()? {
        let record = record?;
        let Some(tag) = record.language.as_deref() else { continue };
        if !languages.iter().any(|l| l == tag) {
            let expected = format!("a language with an adapter: {}", languages.join(", "));
            return refuse(format!("record {} of `{}`", record.id, data.name()), expected, tag, "add an adapter for it, or leave such records out");
        }
    }
    Ok(())
}

register!(Adapter, "compose", "Attached parts put together: stacked, averaged, weighed, or one a row by language", ComposeOptions);
register_format!("COMPOSE", load);
