//! # chrf
//!
//! How many character n-grams a translation shares with right ones: chrF, and with words chrF++.
//! Papers: Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation" (WMT, W15-3049); Popović 2017, "chrF++: words
//! helping character n-grams" (WMT, W17-4770).
//!
//! ## What it does
//! The F-score, recall counting `beta` times, of n-grams of 1 to `char_order` characters and of 1 to `word_order` words; over the whole
//! corpus, in percent. Of several references the one with the best score of the text counts. The model writes a text for every
//! record (or `written` names a field with texts); right translations are the texts of the field `references`, or the answer of
//! the format. The signature is noted in the report.
//!
//! ## When to use
//! As the first measure of translations into any language: it needs no words, so that inflection and scripts without spaces do not
//! break it. `word_order = 2` is chrF++, which weighs whole words too.
//!
//! ## Differences from the paper
//! Sums and defaults are sacrebleu's. White space around a text is taken off before it is compared.
//!
//! ## Reproduces
//! sacrebleu 2.6, number by number (`tongues-metrics`); the tests work a corpus out by hand.
//! The 400 Balinese test sentences of NusaX against the Indonesian ones: chrF2 42.64530131289058 and chrF2++ 38.65290541978395, in all digits that of sacrebleu 2.6.0.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Better, Context, Error, Evaluation, Evaluator, Finding, Result, Writes, corpus_finding, register};
use tongues_metrics::translation::chrf::{Chrf as Metric, ChrfOptions};

/// chrF; keys and defaults are sacrebleu's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chrf {
    /// How texts come about.
    #[serde(flatten)]
    pub writes: Writes,
    /// The field with the right translations: a text, or a list of texts; the format's answer where absent.
    #[serde(default)]
    pub references: Option<String>,
    /// Longest n-grams of characters.
    #[serde(default = "six")]
    #[schemars(range(max = 32))]
    pub char_order: usize,
    /// Longest n-grams of words; 0 is chrF, 2 is chrF++.
    #[serde(default)]
    #[schemars(range(max = 32))]
    pub word_order: usize,
    /// How much more recall counts than precision.
    #[serde(default = "two")]
    #[schemars(range(min = 1))]
    pub beta: u32,
    /// Compare in lower case.
    #[serde(default)]
    pub lowercase: bool,
    /// Count white space as characters.
    #[serde(default)]
    pub whitespace: bool,
    /// Average F-scores over all orders, as chrF++.py, NLTK and Moses do.
    #[serde(default)]
    pub eps_smoothing: bool,
}

fn six() -> usize {
    6
}
fn two() -> u32 {
    2
}

impl Chrf {
    fn metric(&self) -> Result<Metric> {
        let Self { char_order, word_order, beta, lowercase, whitespace, eps_smoothing, .. } = *self;
        Metric::new(ChrfOptions { char_order, word_order, beta, lowercase, whitespace, eps_smoothing }).map_err(Error::metric)
    }

    /// Refuses options that contradict each other before anything is written.
    fn checked(self, cx: &mut dyn Context) -> Result<Self> {
        self.writes.check(cx).map_err(|e| e.within("evaluator chrf"))?;
        self.metric().map_err(|e| e.within("evaluator chrf"))?;
        Ok(self)
    }
}

impl Evaluator for Chrf {
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

register!(Evaluator, "chrf", "chrF and chrF++ of written translations, as sacrebleu computes them", Chrf => Chrf::checked);
