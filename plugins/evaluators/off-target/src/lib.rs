//! # off-target
//!
//! How often a model writes in another language than it was asked for.
//! Papers: Zhang et al. 2020, "Improving Massively Multilingual Neural Machine Translation and Zero-Shot Translation" (arXiv 2004.11867),
//! who count such translations; McNamee 2005, "Language identification: a solved problem suitable for undergraduate instruction".
//!
//! ## What it does
//! Character n-grams of the texts of `train` give a model of each of their languages (naive Bayes with add-k smoothing). A text is off target
//! if another language than that of its record is the likeliest, or if no n-gram of it is known (`off_target`). It is in a wrong script if the
//! script of most of its letters is not that of most letters of the language's training texts, or if it has no letter
//! (`off_script`). Both are shares of texts; lower is better.
//!
//! ## When to use
//! Beside every score of written text in a language that the model learned late. The languages of `train` should be those that it could
//! confuse: the one asked for, the one it knows best, and neighbours.
//!
//! ## Differences from the paper
//! Zhang et al. use a ready identifier of languages; here it is trained from the user's texts, so that it knows languages that no ready
//! one knows. It tells apart only what `train` holds.
//!
//! ## Reproduces
//! No published number. The n-gram model equals scikit-learn's (`tongues-metrics`); the tests work small texts out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Better, Context, DataRef, Error, Evaluation, Evaluator, Finding, Item, Record, Records, Result, Writes, refuse, register};
use tongues_metrics::language::{LanguageModel, Script, script_counts};

/// Shares of texts in a wrong language or script.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OffTarget {
    /// How texts come about.
    #[serde(flatten)]
    pub writes: Writes,
    /// Texts of two languages or more, each record with its language.
    pub train: DataRef,
    /// The field of the training texts.
    #[serde(default = "text")]
    pub field: String,
    /// The language that is asked for, where it is not that of the record.
    #[serde(default)]
    pub wanted: Option<String>,
    /// Longest n-grams.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 8))]
    pub order: usize,
    /// Added to every count of an n-gram.
    #[serde(default = "half")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub k: f64,
}

fn text() -> String {
    "text".into()
}
fn three() -> usize {
    3
}
fn half() -> f64 {
    0.5
}

/// What is known of languages.
struct Known {
    model: LanguageModel,
    /// Every language with the script of most of its letters.
    scripts: Vec<(String, Option<Script>)>,
}

fn script(text: &str) -> Option<Script> {
    script_counts(text).first().map(|(script, _)| *script)
}

impl OffTarget {
    /// Refuses options that contradict each other before anything is written.
    fn checked(self, cx: &mut dyn Context) -> Result<Self> {
        self.writes.check(cx).map_err(|e| e.within("evaluator off-target"))?;
        Ok(self)
    }

    fn known(&self, data: &dyn Records) -> Result<Known> {
        let place = format!("evaluator off-target: train `{}`", data.name());
        let mut texts: Vec<(String, Vec<String>)> = vec![];
        for record in data.open()? {
            let record = record?;
            let Some(language) = record.language.as_deref() else {
                return refuse(format!("{place}, record {}", record.id), "a record with a language", "none", "give the data a `language`, or `languages`");
            };
            let text = record.text(&self.field)?.to_owned();
            match texts.iter_mut().find(|(known, _)| known == language) {
                Some((_, own)) => own.push(text),
                None => texts.push((language.into(), vec![text])),
            }
        }
        if texts.len() < 2 {
            return refuse(place, "texts of at least two languages", texts.len(), "add the language that the model may fall back to");
        }
        let borrowed: Vec<(&str, Vec<&str>)> = texts.iter().map(|(tag, own)| (tag.as_str(), own.iter().map(String::as_str).collect())).collect();
        let model = LanguageModel::train(&borrowed, self.order, self.k).map_err(|e| Error::metric(e).within(&place))?;
        let scripts = texts.iter().map(|(tag, own)| (tag.clone(), script(&own.join("\n")))).collect();
        Ok(Known { model, scripts })
    }

    /// The language that is asked for, with its script.
    fn wanted<'k>(&self, known: &'k Known, record: &Record) -> Result<&'k (String, Option<Script>)> {
        let wanted = self.wanted.as_deref().or(record.language.as_deref()).unwrap_or_default();
        let found = known.scripts.iter().find(|(language, _)| language == wanted);
        let names = || known.scripts.iter().map(|(language, _)| language.as_str()).collect::<Vec<&str>>().join(", ");
        let remedy = "add texts of it to `train`, or name another one with `wanted`";
        found.map_or_else(|| refuse(format!("record {}", record.id), format!("a language of `train`: {}", names()), format!("`{wanted}`"), remedy), Ok)
    }
}

impl Evaluator for OffTarget {
    fn takes_format(&self) -> bool {
        true
    }
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let known = self.known(&*evaluation.cx.data(&self.train)?)?;
        let (mut language, mut letters) = (vec![], vec![]);
        for text in self.writes.texts(evaluation)? {
            let (wanted, of) = self.wanted(&known, &text.record)?;
            let item = |off: bool| Item::one(text.record.id.clone(), f64::from(u8::from(off)));
            language.push(item(known.model.identify(&text.text) != Some(wanted.as_str())));
            letters.push(item(script(&text.text).is_none_or(|script| Some(script) != *of)));
        }
        let findings = vec![Finding::ratio("off_target", Better::Lower, language), Finding::ratio("off_script", Better::Lower, letters)];
        Ok(self.writes.named(findings))
    }
}

register!(Evaluator, "off-target", "Share of written texts in another language or script than asked for", OffTarget => OffTarget::checked);
