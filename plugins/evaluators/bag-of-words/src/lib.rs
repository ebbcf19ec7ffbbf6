//! # bag-of-words
//!
//! References that count words: what a task gives away to who does not read, only look.
//! Papers: McCallum and Nigam 1998, "A Comparison of Event Models for Naive Bayes Text Classification" (multinomial model, §2.2); Cover
//! and Hart 1967, "Nearest neighbor pattern classification"; Gururangan et al. 2018, "Annotation Artifacts in Natural Language
//! Inference Data" (arXiv 1803.02324: why such a reference belongs beside a score).
//!
//! ## What it does
//! A word is what stands between white space, without case and punctuation, marked by the field that it stands in. `bayes` learns from
//! `train` which words stand beside which answer (p(answer) · Π p(word | answer), one added to every count) and gives the likeliest;
//! `nearest` gives the answer of the training record that has the largest share of words in common; `overlap` learns nothing and
//! takes the choice with most words in common with the record, a tie counting 1/n. Scores are exact match and F1 of words by the rules
//! of SQuAD, and `accuracy` for choices. They get a row of their own, since they are of no model.
//!
//! ## When to use
//! Beside every score of a task: a model that is not clearly better has not learned to read.
//!
//! ## Differences from the paper
//! Answers that stand in one training record alone are classes like others, so that `bayes` works for short texts too.
//!
//! ## Reproduces
//! No published number. The tests work probabilities out by hand.

mod counts;

pub use counts::{Bag, Bayes, bag, nearest, shared};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Better, Context, DataRef, Evaluation, Evaluator, Finding, Item, Record, Records, Result, refuse, register};
use tongues_metrics::answers::AnswerRules;

/// A reference that counts words.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BagOfWords {
    /// The fields that are read: texts.
    #[schemars(length(min = 1))]
    pub inputs: Vec<String>,
    /// How an answer is chosen.
    #[serde(default)]
    pub method: Method,
    /// The data that is learned from, for `bayes` and `nearest`.
    #[serde(default)]
    pub train: Option<DataRef>,
    /// The field with the right answer, a text or a list of texts that belong together, for `bayes` and `nearest`.
    #[serde(default)]
    pub gold: Option<String>,
    /// The fields with the choices, the right one first, for `overlap`: texts, or lists of texts.
    #[serde(default)]
    pub choices: Vec<String>,
}

/// How an answer is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The likeliest answer by naive Bayes.
    #[default]
    Bayes,
    /// The answer of the most similar training record.
    Nearest,
    /// The choice with most words in common.
    Overlap,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Bayes => "bag-of-words bayes",
            Self::Nearest => "bag-of-words nearest",
            Self::Overlap => "bag-of-words overlap",
        }
    }
}

impl BagOfWords {
    /// Refuses options that do not belong together.
    fn checked(self, _: &mut dyn Context) -> Result<Self> {
        let (place, learned) = ("evaluator bag-of-words", self.train.is_some() && self.gold.is_some());
        if self.method == Method::Overlap {
            let apart = self.train.is_none() && self.gold.is_none() && !self.choices.is_empty();
            return if apart {
                Ok(self)
            } else {
                refuse(place, "`choices` alone for `overlap`", "others, or none", "name the fields with the choices, and no `train` or `gold`")
            };
        }
        if learned && self.choices.is_empty() {
            return Ok(self);
        }
        refuse(place, "`train` and `gold` for `bayes` and `nearest`, and no `choices`", "others", "name the data to learn from and the field with the answer")
    }

    /// The words of a record, and its answer.
    fn item(&self, record: &Record) -> Result<(Bag, String)> {
        let mut words = Bag::default();
        for field in &self.inputs {
            words.extend(bag(field, record.text(field)?));
        }
        let answer = self.gold.as_deref().map(|gold| record.texts(gold)).transpose()?.unwrap_or_default().join(" ");
        Ok((words, answer))
    }

    fn items(&self, data: &dyn Records) -> Result<Vec<(Bag, String)>> {
        let items = data.open()?.map(|record| self.item(&record?)).collect::<Result<Vec<_>>>()?;
        if items.is_empty() {
            return refuse(format!("data `{}`", data.name()), "at least one record", "none", "check the data and its curators");
        }
        Ok(items)
    }

    /// Exact match and F1 of the answers that were learned.
    fn answers(&self, train: &[(Bag, String)], test: &[Record]) -> Result<Vec<Finding>> {
        let bayes = (self.method == Method::Bayes).then(|| Bayes::of(train));
        let (mut exact, mut f1) = (vec![], vec![]);
        for record in test {
            let (words, right) = self.item(record)?;
            let given = bayes.as_ref().map_or_else(|| nearest(train, &words), |bayes| bayes.likeliest(&words));
            let agreement = AnswerRules::Squad.agreement(given, &right);
            exact.push(Item::one(record.id.clone(), agreement.exact));
            f1.push(Item::one(record.id.clone(), agreement.f1));
        }
        Ok(vec![self.finding("exact_match", exact), self.finding("f1", f1)])
    }

    /// Whether the first choice has most words in common with what is read.
    fn overlap(&self, record: &Record) -> Result<Item> {
        let mut read = Bag::default();
        for field in &self.inputs {
            read.extend(bag("", record.text(field)?));
        }
        let mut counts = vec![];
        for field in &self.choices {
            counts.extend(record.texts(field)?.into_iter().map(|choice| shared(&read, &bag("", choice))));
        }
        let Some(most) = counts.iter().max().filter(|_| counts.len() > 1) else {
            return refuse(record.place(&self.choices[0]), "at least two choices", counts.len(), "name the fields with the other choices");
        };
        let alike = counts.iter().filter(|count| *count == most).count() as f64;
        Ok(Item::one(record.id.clone(), if counts[0] == *most { 1.0 / alike } else { 0.0 }))
    }

    fn finding(&self, metric: &str, items: Vec<Item>) -> Finding {
        Finding { reference: Some(self.method.name().into()), ..Finding::ratio(metric, Better::Higher, items) }
    }
}

impl Evaluator for BagOfWords {
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let test = evaluation.data.open()?.collect::<Result<Vec<Record>>>()?;
        if test.is_empty() {
            return refuse(format!("data `{}`", evaluation.data.name()), "at least one record", "none", "check the data and its curators");
        }
        let Some(train) = &self.train else {
            let items = test.iter().map(|record| self.overlap(record)).collect::<Result<Vec<Item>>>()?;
            return Ok(vec![self.finding("accuracy", items)]);
        };
        let train = self.items(&*evaluation.cx.data(train)?)?;
        self.answers(&train, &test)
    }

    fn ignores_model(&self) -> bool {
        true
    }
}

register!(Evaluator, "bag-of-words", "Reference for tasks: naive Bayes, the nearest record or the choice with most words in common", BagOfWords => BagOfWords::checked);
