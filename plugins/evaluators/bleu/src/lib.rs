//! # bleu
//!
//! How many n-grams a translation shares with right ones.
//! Papers: Papineni et al. 2002, "Bleu: a Method for Automatic Evaluation of Machine Translation" (ACL, P02-1040); Post 2018, "A Call
//! for Clarity in Reporting BLEU Scores" (WMT, W18-6319).
//!
//! ## What it does
//! The geometric mean of the precisions of 1- to 4-grams, clipped by the references, times a penalty for texts that are too short;
//! over the whole corpus, in percent. The model writes a text for every record (or `written` names a field with texts); right
//! translations are the texts of the field `references`, or the answer of the format. Intervals draw records again and compute the
//! score of the corpus anew. The signature, which says all that the number depends on, is noted in the report.
//!
//! ## When to use
//! Beside published numbers, always with the signature. For morphologically rich languages and those without spaces `chrf` is closer
//! to people's judgements.
//!
//! ## Differences from the paper
//! Cutting into words and smoothing are sacrebleu's, as Post asks for. White space around a text is taken off before it is compared.
//!
//! ## Reproduces
//! sacrebleu 2.6, number by number (`tongues-metrics`); the tests work a corpus out by hand.
//! The 400 Balinese test sentences of NusaX against the Indonesian ones: BLEU 10.64201748946568, in all digits that of sacrebleu 2.6.0.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Better, Context, Error, Evaluation, Evaluator, Finding, Result, Writes, corpus_finding, register};
use tongues_metrics::translation::Tokenizer;
use tongues_metrics::translation::bleu::{Bleu as Metric, BleuOptions, Smoothing};

/// BLEU; keys and defaults are sacrebleu's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bleu {
    /// How texts come about.
    #[serde(flatten)]
    pub writes: Writes,
    /// The field with the right translations: a text, or a list of texts; the format's answer where absent.
    #[serde(default)]
    pub references: Option<String>,
    /// Compare in lower case.
    #[serde(default)]
    pub lowercase: bool,
    /// How texts are cut into words.
    #[serde(default)]
    pub tokenize: Tokenize,
    /// What precisions of zero become.
    #[serde(default)]
    pub smooth_method: SmoothMethod,
    /// The number of `floor` and `add-k`; 0.1 and 1 where absent.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub smooth_value: Option<f64>,
    /// Longest n-grams.
    #[serde(default = "four")]
    #[schemars(range(min = 1, max = 16))]
    pub max_ngram_order: usize,
}

fn four() -> usize {
    4
}

/// How texts are cut into words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Tokenize {
    /// As mteval-v13a.
    #[default]
    #[serde(rename = "13a")]
    V13a,
    /// At every punctuation mark and symbol of Unicode.
    #[serde(rename = "intl")]
    International,
    /// Chinese characters one by one, the rest as `13a`.
    #[serde(rename = "zh")]
    Chinese,
    /// Every character.
    #[serde(rename = "char")]
    Characters,
    /// At white space only.
    #[serde(rename = "none")]
    None,
}

/// What precisions of zero become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SmoothMethod {
    /// They stay zero, and with them the score.
    None,
    /// That many matches instead of none.
    Floor,
    /// So many more matches and n-grams in all orders above 1.
    AddK,
    /// Half a match, then a quarter, and so on.
    #[default]
    Exp,
}

impl Bleu {
    fn metric(&self) -> Result<Metric> {
        let tokenizer = match self.tokenize {
            Tokenize::V13a => Tokenizer::V13a,
            Tokenize::International => Tokenizer::International,
            Tokenize::Chinese => Tokenizer::Chinese,
            Tokenize::Characters => Tokenizer::Characters,
            Tokenize::None => Tokenizer::None,
        };
        let smoothing = match self.smooth_method {
            SmoothMethod::None => Smoothing::None,
            SmoothMethod::Floor => Smoothing::Floor(self.smooth_value),
            SmoothMethod::AddK => Smoothing::AddK(self.smooth_value),
            SmoothMethod::Exp => Smoothing::Exp,
        };
        let (lowercase, max_ngram_order) = (self.lowercase, self.max_ngram_order);
        Metric::new(BleuOptions { lowercase, tokenizer, smoothing, max_ngram_order, ..BleuOptions::default() }).map_err(Error::metric)
    }

    /// Refuses options that contradict each other before anything is written.
    fn checked(self, cx: &mut dyn Context) -> Result<Self> {
        self.writes.check(cx).map_err(|e| e.within("evaluator bleu"))?;
        self.metric().map_err(|e| e.within("evaluator bleu"))?;
        Ok(self)
    }
}

impl Evaluator for Bleu {
    fn takes_format(&self) -> bool {
        true
    }
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let texts = self.writes.texts(evaluation)?;
        let (finding, signature) = corpus_finding(self.metric()?, Better::Higher, &texts, self.references.as_deref())?;
        evaluation.cx.note(format!("{} on {}: {signature}.", finding.metric, evaluation.data.name()));
        Ok(self.writes.named(vec![finding]))
    }
}

register!(Evaluator, "bleu", "BLEU of written translations, as sacrebleu computes it", Bleu => Bleu::checked);
