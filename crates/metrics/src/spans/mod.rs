//! F1 of labelled spans, such as names, as seqeval 1.2.2 computes it (CoNLL 2000; Ramshaw and Marcus 1995).

mod lenient;
mod strict;

pub use strict::Scheme;

use crate::error::{MetricError, Result, same_length};
use crate::labels::Prf;
use std::collections::{BTreeMap, BTreeSet};

/// A span: sentence, first token, the token behind its last.
type Place = (usize, usize, usize);

/// Spans of each type.
pub(crate) type Spans = BTreeMap<String, BTreeSet<Place>>;

/// How tags are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpanMode {
    /// As conlleval: tags that do not fit what stands before begin a span.
    #[default]
    Lenient,
    /// By a scheme: spans that it does not allow do not count.
    Strict(Scheme),
}

/// Scores of spans.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanScores {
    /// In the order of the types' names.
    pub by_type: Vec<(String, Prf)>,
    /// Over all spans.
    pub micro_average: Prf,
    /// The plain mean over types; zeros where there is no span at all.
    pub macro_average: Prf,
    /// The mean over types by their right spans.
    pub weighted_average: Prf,
}

/// Scores of tags such as `B-PER`, sentence by sentence.
///
/// # Errors
/// Sentences of unequal number or length, none at all, an empty tag, or in a strict mode a tag that the scheme does not have.
pub fn span_scores(truth: &[Vec<&str>], given: &[Vec<&str>], mode: SpanMode) -> Result<SpanScores> {
    same_length("given", truth.len(), given.len())?;
    for (i, (a, b)) in truth.iter().zip(given).enumerate() {
        if a.len() != b.len() {
            let at = format!("given[{i}]");
            return Err(MetricError::new(at, format!("{} tags, one for each right tag", a.len()), b.len().to_string(), "give every token one tag"));
        }
    }
    let read = |name, sentences| match mode {
        SpanMode::Lenient => lenient::spans(name, sentences),
        SpanMode::Strict(scheme) => strict::spans(name, sentences, scheme),
    };
    let (right, found) = (read("truth", truth)?, read("given", given)?);
    let types: BTreeSet<&String> = right.keys().chain(found.keys()).collect();
    let empty = BTreeSet::new();
    let counts: Vec<(u64, u64, u64)> = types
        .iter()
        .map(|t| {
            let (right, found) = (right.get(*t).unwrap_or(&empty), found.get(*t).unwrap_or(&empty));
            (right.intersection(found).count() as u64, found.len() as u64, right.len() as u64)
        })
        .collect();
    let parts: Vec<Prf> = counts.iter().map(|(hits, found, right)| Prf::from_counts(*hits, *found, *right)).collect();
    let sum = counts.iter().fold((0, 0, 0), |s, c| (s.0 + c.0, s.1 + c.1, s.2 + c.2));
    Ok(SpanScores {
        micro_average: Prf::from_counts(sum.0, sum.1, sum.2),
        macro_average: Prf::mean(&parts, |_| 1.0),
        weighted_average: Prf::mean(&parts, |p| p.support as f64),
        by_type: types.into_iter().cloned().zip(parts).collect(),
    })
}

/// The first letter of a tag.
pub(crate) fn prefix(tag: &str, at: impl Fn() -> String) -> Result<char> {
    tag.chars().next().ok_or_else(|| MetricError::new(at(), "a tag such as `O` or `B-PER`", "an empty one", "tag tokens outside all spans `O`"))
}
