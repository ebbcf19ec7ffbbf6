//! # question-answering
//!
//! Exact match and F1 of written answers to questions.
//! Papers: Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for Machine Comprehension of Text" (arXiv 1606.05250, §6.1); Rajpurkar et
//! al. 2018, "Know What You Don't Know: Unanswerable Questions for SQuAD" (arXiv 1806.03822); Lewis et al. 2020, "MLQA: Evaluating
//! Cross-lingual Extractive Question Answering" (arXiv 1910.07475).
//!
//! ## What it does
//! A written answer and the right ones are brought to a normal form (no case, no punctuation, no articles). Exact match is whether it
//! equals one of them, F1 the harmonic mean of precision and recall of its words, the best over the right ones; both are means over
//! questions, from 0 to 1. Right answers are the texts of the field `answers` (a text or a list of texts), or the answer of the
//! format. Of what the model writes the first line counts, unless `first_line` is off.
//!
//! ## When to use
//! For questions with short answers. `rules = "mlqa"` has the articles and the punctuation of its seven languages; for other languages
//! `squad` takes English articles out, which does no harm where there are none.
//!
//! ## Differences from the paper
//! Scores are shares, not percent. The language of MLQA's rules is that of the record.
//!
//! ## Reproduces
//! The evaluation scripts of SQuAD and MLQA, number by number (`tongues-metrics`); the tests work answers out by hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Better, Context, Error, Evaluation, Evaluator, Finding, Item, Record, Result, Writes, refuse, register};
use tongues_metrics::answers::{AnswerRules, MlqaLanguage};

/// Exact match and F1.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuestionAnswering {
    /// How texts come about.
    #[serde(flatten)]
    pub writes: Writes,
    /// The field with the right answers: a text, or a list of texts; the format's answer where absent.
    #[serde(default)]
    pub answers: Option<String>,
    /// By which rules answers are the same.
    #[serde(default)]
    pub rules: Rules,
    /// Only the first line of what was written counts.
    #[serde(default = "yes")]
    pub first_line: bool,
}

fn yes() -> bool {
    true
}

/// By which rules answers are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rules {
    /// No case, no punctuation of ASCII, no English articles.
    #[default]
    Squad,
    /// The same; a list without a text says that there is no answer, which an empty text gives.
    SquadV2,
    /// No case, no punctuation of Unicode, no articles of the record's language: ar, de, en, es, hi, vi or zh.
    Mlqa,
}

impl QuestionAnswering {
    /// Refuses options that contradict each other before anything is written.
    fn checked(self, cx: &mut dyn Context) -> Result<Self> {
        self.writes.check(cx).map_err(|e| e.within("evaluator question-answering"))?;
        Ok(self)
    }

    fn rules(&self, record: &Record) -> Result<AnswerRules> {
        Ok(match self.rules {
            Rules::Squad => AnswerRules::Squad,
            Rules::SquadV2 => AnswerRules::SquadV2,
            Rules::Mlqa => AnswerRules::Mlqa(language(record)?),
        })
    }
}

/// The language of a record, whose tag has two letters or three, with or without a script.
fn language(record: &Record) -> Result<MlqaLanguage> {
    let Some(tag) = record.language.as_deref() else {
        let remedy = "give the data a `language`, or use the rules of SQuAD";
        return refuse(format!("record {}", record.id), "a record with a language, for the rules of MLQA", "none", remedy);
    };
    let code = tag.split(['_', '-']).next().unwrap_or_default();
    let short = match code {
        "ara" | "arb" => "ar",
        "deu" => "de",
        "eng" => "en",
        "spa" => "es",
        "hin" => "hi",
        "vie" => "vi",
        "zho" | "cmn" => "zh",
        other => other,
    };
    short.parse().map_err(|e| Error::metric(e).within(format!("record {}", record.id)))
}

impl Evaluator for QuestionAnswering {
    fn takes_format(&self) -> bool {
        true
    }
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let (mut exact, mut f1) = (vec![], vec![]);
        for text in self.writes.texts(evaluation)? {
            let id = &text.record.id;
            let answers = text.answers(self.answers.as_deref())?;
            let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
            let written = text.text.trim();
            let written = if self.first_line { written.lines().next().unwrap_or_default() } else { written };
            let best = self.rules(&text.record)?.best(written, &answers).map_err(|e| Error::metric(e).within(format!("record {id}")))?;
            exact.push(Item::one(id.clone(), best.exact));
            f1.push(Item::one(id.clone(), best.f1));
        }
        let findings = vec![Finding::ratio("exact_match", Better::Higher, exact), Finding::ratio("f1", Better::Higher, f1)];
        Ok(self.writes.named(findings))
    }
}

register!(Evaluator, "question-answering", "Exact match and F1 of written answers, by the rules of SQuAD, SQuAD 2.0 or MLQA", QuestionAnswering => QuestionAnswering::checked);
