//! # rouge
//!
//! How much of a right summary a written one holds.
//! Paper: Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries" (ACL workshop, W04-1013).
//!
//! ## What it does
//! F-measures of shared n-grams (`rouge1`, `rouge2`, …), of the longest common subsequence (`rougeL`) and of common subsequences line by
//! line (`rougeLsum`); the mean over records, from 0 to 1. Of several right texts the one with the best F-measure counts. The
//! model writes a text for every record (or `written` names a field with texts); right ones are the texts of the field
//! `references`, or the answer of the format.
//!
//! ## When to use
//! For English summaries, beside published numbers. **Words are runs of a–z and digits**, as in the reference: for other scripts the
//! scores are 0 or close to it, and `chrf` is the better choice.
//!
//! ## Differences from the paper
//! Those of the Python package `rouge-score`: one reference is chosen by its F-measure instead of jackknifing, and stemming is off
//! unless `use_stemmer` is set.
//!
//! ## Reproduces
//! `rouge-score` 0.1.2, number by number (`tongues-metrics`); the tests work texts out by hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Better, Context, Error, Evaluation, Evaluator, Finding, Item, Result, Writes, register};
use tongues_metrics::rouge::{Rouge as Metric, RougeKind};

/// ROUGE; names are those of `rouge-score`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rouge {
    /// How texts come about.
    #[serde(flatten)]
    pub writes: Writes,
    /// The field with the right texts: a text, or a list of texts; the format's answer where absent.
    #[serde(default)]
    pub references: Option<String>,
    /// Which scores.
    #[serde(default = "usual")]
    #[schemars(length(min = 1))]
    pub types: Vec<Type>,
    /// Compare words by their stems (Porter's algorithm; English only).
    #[serde(default)]
    pub use_stemmer: bool,
}

/// A kind of ROUGE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Type {
    /// Words.
    #[serde(rename = "rouge1")]
    One,
    /// Pairs of words.
    #[serde(rename = "rouge2")]
    Two,
    /// Triples of words.
    #[serde(rename = "rouge3")]
    Three,
    /// The longest common subsequence.
    #[serde(rename = "rougeL")]
    Longest,
    /// Common subsequences line by line.
    #[serde(rename = "rougeLsum")]
    LongestSum,
}

fn usual() -> Vec<Type> {
    vec![Type::One, Type::Two, Type::Longest, Type::LongestSum]
}

impl Type {
    fn kind(self) -> (&'static str, RougeKind) {
        match self {
            Self::One => ("rouge1", RougeKind::Ngram(1)),
            Self::Two => ("rouge2", RougeKind::Ngram(2)),
            Self::Three => ("rouge3", RougeKind::Ngram(3)),
            Self::Longest => ("rougeL", RougeKind::Longest),
            Self::LongestSum => ("rougeLsum", RougeKind::LongestBySentence),
        }
    }
}

impl Rouge {
    /// Refuses options that contradict each other before anything is written.
    fn checked(self, cx: &mut dyn Context) -> Result<Self> {
        self.writes.check(cx).map_err(|e| e.within("evaluator rouge"))?;
        Ok(self)
    }
}

impl Evaluator for Rouge {
    fn takes_format(&self) -> bool {
        true
    }
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let metric = Metric { use_stemmer: self.use_stemmer };
        let texts = self.writes.texts(evaluation)?;
        let mut findings: Vec<Finding> = self.types.iter().map(|t| Finding::ratio(t.kind().0, Better::Higher, vec![])).collect();
        for text in &texts {
            let references = text.answers(self.references.as_deref())?;
            let references: Vec<&str> = references.iter().map(String::as_str).collect();
            for (kind, finding) in self.types.iter().zip(&mut findings) {
                let best = metric.best(kind.kind().1, &references, &text.text);
                let best = best.map_err(|e| Error::metric(e).within(format!("record {}", text.record.id)))?;
                finding.items.push(Item::one(text.record.id.clone(), best.f_measure));
            }
        }
        Ok(self.writes.named(findings))
    }
}

register!(Evaluator, "rouge", "ROUGE of written summaries, as the package rouge-score computes it", Rouge => Rouge::checked);
