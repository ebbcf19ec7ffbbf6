//! # ter
//!
//! How many edits make a translation a right one, for every word of the right one.
//! Paper: Snover et al. 2006, "A Study of Translation Edit Rate with Targeted Human Annotation" (AMTA).
//!
//! ## What it does
//! Insertions, deletions and substitutions of words, and shifts of runs of words, fewest over the references, over the mean length of the
//! references; of the whole corpus, in percent. The model writes a text for every record (or `written` names a field with texts);
//! right translations are the texts of the field `references`, or the answer of the format. The signature is noted in the report.
//!
//! ## When to use
//! For how much work a translation leaves to the one who corrects it. Lower is better, and it may be above 100.
//!
//! ## Differences from the paper
//! Shifts are searched as Tercom and sacrebleu do it: greedily, in a beam. White space around a text is taken off before it is
//! compared.
//!
//! ## Reproduces
//! sacrebleu 2.6, number by number (`tongues-metrics`); the tests work a corpus out by hand.
//! The 400 Balinese test sentences of NusaX against the Indonesian ones: TER 74.48595112498654, in all digits that of sacrebleu 2.6.0.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Better, Context, Evaluation, Evaluator, Finding, Result, Writes, corpus_finding, register};
use tongues_metrics::translation::ter::{Ter as Metric, TerOptions};

/// TER; keys and defaults are sacrebleu's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ter {
    /// How texts come about.
    #[serde(flatten)]
    pub writes: Writes,
    /// The field with the right translations: a text, or a list of texts; the format's answer where absent.
    #[serde(default)]
    pub references: Option<String>,
    /// Part punctuation from words and resolve XML's entities.
    #[serde(default)]
    pub normalized: bool,
    /// Leave punctuation out.
    #[serde(default)]
    pub no_punct: bool,
    /// Also for Asian scripts.
    #[serde(default)]
    pub asian_support: bool,
    /// Compare upper and lower case as different.
    #[serde(default)]
    pub case_sensitive: bool,
}

impl Ter {
    /// Refuses options that contradict each other before anything is written.
    fn checked(self, cx: &mut dyn Context) -> Result<Self> {
        self.writes.check(cx).map_err(|e| e.within("evaluator ter"))?;
        Ok(self)
    }
}

impl Evaluator for Ter {
    fn takes_format(&self) -> bool {
        true
    }
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let Self { normalized, no_punct, asian_support, case_sensitive, .. } = *self;
        let metric = Metric::new(TerOptions { normalized, no_punct, asian_support, case_sensitive });
        let texts = self.writes.texts(evaluation)?;
        let (finding, signature) = corpus_finding(metric, Better::Lower, &texts, self.references.as_deref())?;
        evaluation.cx.note(format!("{} on {}: {signature}.", finding.metric, evaluation.data.name()));
        Ok(self.writes.named(vec![finding]))
    }
}

register!(Evaluator, "ter", "Translation edit rate of written translations, as sacrebleu computes it", Ter => Ter::checked);
