//! # labels
//!
//! Classification: which of some labels a written text names.
//! Paper: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer" (arXiv 1910.10683, §2.4),
//! where classes are written as words and anything else is wrong.
//!
//! ## What it does
//! The label of a text is the one that begins first in it, without regard to case; of two that begin at the same place the longer one. A
//! text that holds none counts as wrong for every label. Scores are accuracy and macro-F1: the mean of the F1 of all labels that are
//! right or given for some record. The confusion of labels is noted in the report.
//!
//! ## When to use
//! For sentiment, topics and the like where the model writes the label. `choice` compares the likelihoods of labels instead and cannot be
//! led astray by what the model would rather say.
//!
//! ## Differences from the paper
//! A label may stand anywhere in the text, so that “The sentiment is positive.” is read.
//!
//! ## Reproduces
//! F1 is that of scikit-learn with `labels` set to those that occur (`tongues-metrics`); the tests work a table out by hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tongues_kernel::{Better, Context, Corpus, Evaluation, Evaluator, Finding, Item, Result, Writes, WrittenText, refuse, register};
use tongues_metrics::labels::Confusion;

/// Accuracy and macro-F1 of written labels.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// How texts come about.
    #[serde(flatten)]
    pub writes: Writes,
    /// The labels, as the model shall write them.
    #[schemars(length(min = 2))]
    pub labels: Vec<String>,
    /// The field with the right label; the format's answer where absent.
    #[serde(default)]
    pub label: Option<String>,
}

impl Labels {
    /// Refuses labels that cannot be told apart.
    fn checked(self, cx: &mut dyn Context) -> Result<Self> {
        self.writes.check(cx).map_err(|e| e.within("evaluator labels"))?;
        let lower: Vec<String> = self.labels.iter().map(|label| label.to_lowercase()).collect();
        for (i, label) in lower.iter().enumerate() {
            if label.trim().is_empty() || lower[..i].contains(label) {
                return refuse("evaluator labels: labels", "labels that differ in more than case", format!("`{}`", self.labels[i]), "name every label once");
            }
        }
        Ok(self)
    }

    /// The label that begins first in a text; the longest of several that do.
    pub fn named(&self, text: &str) -> Option<usize> {
        let text = text.to_lowercase();
        let place = |label: &String| text.find(&label.to_lowercase());
        let found = self.labels.iter().enumerate().filter_map(|(i, label)| Some((place(label)?, std::cmp::Reverse(label.len()), i)));
        found.min().map(|(_, _, i)| i)
    }

    fn right(&self, text: &WrittenText) -> Result<usize> {
        let answers = text.answers(self.label.as_deref())?;
        let place = || self.label.as_ref().map_or_else(|| format!("record {}, the format's answer", text.record.id), |field| text.record.place(field));
        let [answer] = &answers[..] else { return refuse(place(), "one right label", answers.len(), "leave the record out") };
        let found = self.labels.iter().position(|label| label.to_lowercase() == answer.trim().to_lowercase());
        found.map_or_else(|| refuse(place(), format!("one of {}", self.labels.join(", ")), format!("`{answer}`"), "add it to `labels`"), Ok)
    }

    /// How often labels were given where others are right, as words.
    fn confusion(&self, pairs: &[(usize, usize)]) -> String {
        let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        pairs.iter().for_each(|pair| *counts.entry(*pair).or_default() += 1);
        let name = |i: usize| self.labels.get(i).map_or("none", String::as_str);
        counts.iter().map(|((right, given), n)| format!("{} → {} {n}", name(*right), name(*given))).collect::<Vec<_>>().join(", ")
    }
}

/// The mean F1 of all labels but `none` that occur in rows of (right label, given label).
fn macro_f1(rows: &[&[f64]], none: usize) -> f64 {
    let column = |c: usize| rows.iter().map(|row| row[c] as usize).collect::<Vec<usize>>();
    let Ok(confusion) = Confusion::new(&column(0), &column(1)) else { return f64::NAN };
    let scores = confusion.by_label();
    let kept: Vec<f64> = confusion.labels().iter().zip(&scores).filter(|(label, _)| **label != none).map(|(_, score)| score.f1).collect();
    kept.iter().sum::<f64>() / kept.len() as f64
}

impl Evaluator for Labels {
    fn takes_format(&self) -> bool {
        true
    }
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let none = self.labels.len();
        let texts = self.writes.texts(evaluation)?;
        let pair = |text: &WrittenText| Ok((self.right(text)?, self.named(&text.text).unwrap_or(none)));
        let pairs = texts.iter().map(pair).collect::<Result<Vec<(usize, usize)>>>()?;
        let of = evaluation.data.name();
        let language = texts.iter().find_map(|text| text.record.language.as_deref()).map_or_else(String::new, |tag| format!(" from {tag}"));
        evaluation.cx.note(format!("Labels of {of}{language} on (right → written): {}.", self.confusion(&pairs)));
        let ids = || texts.iter().map(|text| text.record.id.clone());
        let hits = ids().zip(&pairs).map(|(id, (right, given))| Item::one(id, f64::from(u8::from(right == given)))).collect();
        let rows = ids().zip(&pairs).map(|(id, (right, given))| Item::statistics(id, vec![*right as f64, *given as f64])).collect();
        let macro_f1 = Finding::corpus("macro_f1", Better::Higher, Corpus::of(move |rows| macro_f1(rows, none)), rows);
        Ok(self.writes.named(vec![Finding::ratio("accuracy", Better::Higher, hits), macro_f1]))
    }
}

register!(Evaluator, "labels", "Accuracy and macro-F1 of labels that the model writes", Labels => Labels::checked);
