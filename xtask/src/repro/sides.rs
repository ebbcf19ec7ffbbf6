//! `arm` or `arm:metric`: which value a claim means.

use super::claims::{Claim, Control, Expect};
use super::paper::Paper;
use std::collections::BTreeMap;
use tongues_judge::{Better, Shape};

/// A measured value, by its names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Side {
    /// The arm.
    pub arm: String,
    /// The metric's name in the paper file.
    pub metric: String,
}

/// What development seeds chose for "the best of".
pub type Named = BTreeMap<String, String>;

/// `arm` or `arm:metric`, with a metric for the first form; a name of `best` becomes the arm it stands for.
pub fn side(text: &str, metric: &str, named: &Named) -> Side {
    let (arm, metric) = text.split_once(':').unwrap_or((text, metric));
    let arm = named.get(arm).map_or(arm, String::as_str);
    Side { arm: arm.to_owned(), metric: metric.to_owned() }
}

/// What a claim compares. A paper file that was read has one of the three forms.
pub fn shape(claim: &Claim, named: &Named) -> Shape<Side> {
    let side = |text: &str| side(text, &claim.metric, named);
    let left = side(&claim.left);
    match (&claim.right, &claim.minus, claim.value) {
        (Some(right), Some(minus), _) => Shape::Vanishing { left, right: side(right), other_left: side(&minus.left), other_right: side(&minus.right) },
        (Some(right), None, _) => Shape::Difference { left, right: side(right) },
        (None, _, value) => Shape::Number { left, value: value.unwrap_or_default() },
    }
}

/// What a control compares: the claim's gain must be larger than the one without its cause, or its arm better than the other.
pub fn control(claim: &Claim, control: &Control, named: &Named) -> Shape<Side> {
    let side = |text: &str| side(text, &claim.metric, named);
    let (left, other) = (side(&claim.left), side(&control.arm));
    match (control.expect, &claim.right, &control.right) {
        (Expect::Vanish, Some(right), Some(own)) => Shape::Vanishing { left, right: side(right), other_left: other, other_right: side(own) },
        _ => Shape::Difference { left, right: other },
    }
}

/// All values that these claims and their controls need.
pub fn needed(claims: &[&Claim], named: &Named) -> Vec<Side> {
    let shapes = claims.iter().flat_map(|c| std::iter::once(shape(c, named)).chain(c.controls.iter().map(|k| control(c, k, named))));
    let mut sides: Vec<Side> = shapes.flat_map(|s| s.sources().into_iter().cloned().collect::<Vec<_>>()).collect();
    sides.sort();
    sides.dedup();
    sides
}

/// The claim's effect in words, for pages.
pub fn words(claim: &Claim, paper: &Paper) -> String {
    let metric = paper.metrics.iter().find(|m| m.name == claim.metric);
    let unit = metric.map_or(claim.metric.as_str(), |m| m.metric.as_str());
    let better = if metric.is_some_and(|m| m.better == Better::Lower) { "lower" } else { "higher" };
    let gain = match (&claim.right, &claim.minus, claim.value) {
        (Some(right), Some(minus), _) => format!("gain of {} over {right}, less that of {} over {}", claim.left, minus.left, minus.right),
        (Some(right), None, _) => format!("gain of {} over {right}", claim.left),
        (None, _, value) => format!("gain of {} over {}", claim.left, value.unwrap_or_default()),
    };
    format!("{gain} ({unit}, {better} is better)")
}
