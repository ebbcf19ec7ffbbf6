//! # spans
//!
//! Named entities and other labelled spans: F1 as seqeval computes it, of spans that the model writes as lines, or of tags.
//! Papers: Tjong Kim Sang and De Meulder 2003, "Introduction to the CoNLL-2003 Shared Task" (W03-0419, §3); Adelani et al. 2021,
//! "MasakhaNER: Named Entity Recognition for African Languages" (arXiv 2103.11811).
//!
//! ## What it does
//! Records have `tokens` and right `tags` (`B-PER`, `I-PER`, `O`). **The rule for written texts:** a line `LABEL: words` gives a span of that
//! label; lines without a colon say nothing. Its words are looked for among the tokens, and the first place where they stand and
//! that no earlier line took is the span. Words that stand nowhere are a wrong span. With `given` the tags of that field are
//! scored instead and no model is asked. A span is right if its label and its borders are. Scores are precision, recall and F1
//! over all spans (micro), and the mean F1 of labels (macro), from 0 to 1.
//!
//! ## When to use
//! For tagging by generation, and for tags that other programs wrote.
//!
//! ## Differences from the paper
//! A model that writes has no places in the text; the rule above gives them.
//!
//! ## Reproduces
//! seqeval 1.2.2 for tags (`tongues-metrics`); the tests work sentences out by hand. The right spans of the test parts of MasakhaNER, written
//! as lines and put back by the rule, score F1 0.998 to 1.000 in its eight languages of `recipes/tasks/masakhaner.toml`.

mod lines;

pub use lines::tagged;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tongues_kernel::{Better, Context, Corpus, Error, Evaluation, Evaluator, Finding, Item, Name, Record, Result, Writes, refuse, register};
use tongues_metrics::spans::{Scheme, SpanMode, span_scores};

/// F1 of spans.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spans {
    /// How texts come about.
    #[serde(flatten)]
    pub writes: Writes,
    /// The field with the tokens, a list of texts.
    #[serde(default = "tokens")]
    pub tokens: String,
    /// The field with the right tags, a list of texts.
    #[serde(default = "tags")]
    pub tags: String,
    /// A field with tags to score, a list of texts, in place of what a model writes.
    #[serde(default)]
    pub given: Option<String>,
    /// How tags are read.
    #[serde(default)]
    pub mode: Mode,
}

fn tokens() -> String {
    "tokens".into()
}
fn tags() -> String {
    "tags".into()
}

/// How tags are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// As conlleval: tags that do not fit what stands before begin a span.
    #[default]
    Lenient,
    /// By IOB2: spans that do not begin with `B` do not count.
    Iob2,
}

impl Mode {
    fn mode(self) -> SpanMode {
        match self {
            Self::Lenient => SpanMode::Lenient,
            Self::Iob2 => SpanMode::Strict(Scheme::Iob2),
        }
    }
}

/// Of a label: right spans that were given, spans given, right spans.
type Counts = [f64; 3];

/// A record's right and given tags.
type Tagged = (Name, Vec<String>, Vec<String>);

impl Spans {
    /// Refuses options that contradict each other before anything is written.
    fn checked(self, cx: &mut dyn Context) -> Result<Self> {
        if self.given.is_none() {
            self.writes.check(cx).map_err(|e| e.within("evaluator spans"))?;
        }
        Ok(self)
    }

    /// Right and given tags of every record.
    fn pairs(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Tagged>> {
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<String>>();
        let Some(field) = &self.given else {
            let pair = |text: tongues_kernel::WrittenText| {
                let (tokens, right) = (text.record.texts(&self.tokens)?, text.record.texts(&self.tags)?);
                self.same_length(&text.record, tokens.len(), right.len(), &self.tags)?;
                let (right, given) = tagged(&tokens, &right, &text.text);
                Ok((text.record.id.clone(), right, given))
            };
            return self.writes.texts(evaluation)?.into_iter().map(pair).collect();
        };
        let pair = |record: Result<Record>| {
            let record = record?;
            let (right, given) = (owned(record.texts(&self.tags)?), owned(record.texts(field)?));
            self.same_length(&record, right.len(), given.len(), field)?;
            Ok((record.id.clone(), right, given))
        };
        evaluation.data.open()?.map(pair).collect()
    }

    fn same_length(&self, record: &Record, expected: usize, found: usize, field: &str) -> Result<()> {
        if expected == found { Ok(()) } else { refuse(record.place(field), format!("{expected} tags, one a token"), found, "give every token one tag") }
    }

    fn counts(&self, id: &Name, right: &[String], given: &[String]) -> Result<BTreeMap<String, Counts>> {
        let score = |a: &[String], b: &[String]| {
            let [a, b] = [a, b].map(|tags| tags.iter().map(String::as_str).collect::<Vec<&str>>());
            span_scores(&[a], &[b], self.mode.mode()).map_err(|e| Error::metric(e).within(format!("record {id}")))
        };
        let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
        for (label, of) in score(right, given)?.by_type {
            let right = of.support as f64;
            counts.insert(label, [(of.recall * right).round(), 0.0, right]);
        }
        for (label, of) in score(given, given)?.by_type {
            counts.entry(label).or_default()[1] = of.support as f64;
        }
        Ok(counts)
    }
}

/// A share, 0 where there is nothing to divide by.
fn share(part: f64, of: f64) -> f64 {
    if of == 0.0 { 0.0 } else { part / of }
}

/// F1 of counts: 2 · right ones given / (given + right).
fn f1(counts: &[f64]) -> f64 {
    share(2.0 * counts[0], counts[1] + counts[2])
}

/// Counts over all labels.
fn all(sums: &[f64]) -> Counts {
    sums.chunks_exact(3).fold([0.0; 3], |all, one| [all[0] + one[0], all[1] + one[1], all[2] + one[2]])
}

/// The mean F1 of labels that are right or given somewhere.
fn macro_f1(sums: &[f64]) -> f64 {
    let scores: Vec<f64> = sums.chunks_exact(3).filter(|one| one[1] + one[2] > 0.0).map(f1).collect();
    share(scores.iter().sum(), scores.len() as f64)
}

impl Evaluator for Spans {
    fn takes_format(&self) -> bool {
        true
    }
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let pairs = self.pairs(evaluation)?;
        if pairs.is_empty() {
            return refuse(format!("data `{}`", evaluation.data.name()), "at least one record", "none", "check the data and its curators");
        }
        let counts = pairs.iter().map(|(id, right, given)| self.counts(id, right, given)).collect::<Result<Vec<_>>>()?;
        let labels: BTreeSet<&String> = counts.iter().flat_map(BTreeMap::keys).collect();
        let row = |of: &BTreeMap<String, Counts>| labels.iter().flat_map(|label| of.get(*label).copied().unwrap_or_default()).collect::<Vec<f64>>();
        let items: Vec<Item> = pairs.iter().zip(&counts).map(|((id, ..), of)| Item::statistics(id.clone(), row(of))).collect();
        let finding = |metric: &str, score: fn(&[f64]) -> f64| Finding::corpus(metric, Better::Higher, Corpus::of_sums(score), items.clone());
        let findings = vec![
            finding("f1", |sums| f1(&all(sums))),
            finding("precision", |sums| share(all(sums)[0], all(sums)[1])),
            finding("recall", |sums| share(all(sums)[0], all(sums)[2])),
            finding("macro_f1", macro_f1),
        ];
        let reference = self.given.clone().or_else(|| self.writes.written.clone());
        Ok(findings.into_iter().map(|finding| Finding { reference: reference.clone(), ..finding }).collect())
    }
}

register!(Evaluator, "spans", "F1 of labelled spans, written as lines or given as tags, as seqeval computes it", Spans => Spans::checked);
