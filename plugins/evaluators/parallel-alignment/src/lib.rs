//! # parallel-alignment
//!
//! How close the states of a text and of its translation are, layer by layer, beside those of texts that say other things.
//! Paper: arXiv 2503.01275 (2025), "Deep Supervision Fine-Tuning" (its analysis of alignment: cosine of mean-pooled states of parallel
//! sentences by layer).
//!
//! ## What it does
//! A text's vector at a layer is the mean of the states behind that block over its tokens, the start token left out: its state is the
//! same for every text. Layers count from 1, the output of the first block. For every layer `k`:
//!
//! - `cosine@k`: the cosine of `field` and `other` of a record, its mean over records;
//! - `shuffled-cosine@k`: the same with the `other` of another record (a seeded permutation without a fixed place);
//! - `accuracy@k`: how often a record's own `other` is nearest among those of all records; where several are equally near, its share.
//!
//! ## When to use
//! On held-out parallel texts, before and after a method that is to bring languages together. Read a cosine only beside the shuffled
//! one: states of language models lie in a narrow cone, and everything is alike in it.
//!
//! ## Differences from the paper
//! The paper shows the cosine alone. Shuffled pairs and accuracy are added, since a cosine also rises where all states collapse.
//!
//! ## Reproduces
//! No published number. The tests compare with vectors pooled by hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Better, Evaluation, Evaluator, Finding, Item, Model, Record, Result, TextStates, Vectors, refuse, register, values};

/// Cosine of parallel texts by layer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParallelAlignment {
    /// The field with the text.
    #[serde(default = "text")]
    pub field: String,
    /// The field with the text that says the same in the other language.
    pub other: String,
    /// The language of the other texts, for models with an adapter a language; that of the record where absent.
    #[serde(default)]
    pub other_language: Option<String>,
    /// Layers, counted from 1; all where empty.
    #[serde(default)]
    pub layers: Vec<usize>,
    /// Tokens of a batch at most; more is faster and needs more memory. Scores do not depend on it.
    #[serde(default = "batch_tokens")]
    #[schemars(range(min = 1))]
    pub batch_tokens: usize,
}

fn text() -> String {
    "text".into()
}
fn batch_tokens() -> usize {
    4096
}

impl ParallelAlignment {
    /// The layers that are read.
    fn chosen(&self, model: &Model) -> Vec<usize> {
        if self.layers.is_empty() { (1..=model.spec().layers(model.spec().main())).collect() } else { self.layers.clone() }
    }

    /// The vectors of a field, layer by layer.
    fn vectors(&self, model: &Model, records: &[Record], field: &str, language: Option<&str>) -> Result<Vec<Vectors>> {
        let states = TextStates { field, language, layers: &self.chosen(model), batch_tokens: self.batch_tokens };
        states.of(model, records)
    }
}

/// Cosines `[n, n]` of each text with each other text, row by row.
fn cosines(texts: &Vectors, others: &Vectors, device: &Device) -> Vec<Vec<f32>> {
    let n = texts.len();
    let matrix = |vectors: &Vectors| Tensor::<2>::from_data(TensorData::new(vectors.concat(), [n, vectors.concat().len() / n]), device);
    values(matrix(texts).matmul(matrix(others).transpose())).chunks(n).map(<[f32]>::to_vec).collect()
}

/// One where the own text is nearest, its share where several are equally near.
pub fn nearest(cosines: &[f32], own: usize) -> f64 {
    let best = cosines.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let equals = cosines.iter().filter(|c| **c == best).count();
    if cosines[own] == best { 1.0 / equals as f64 } else { 0.0 }
}

impl Evaluator for ParallelAlignment {
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let records = evaluation.data.open()?.collect::<Result<Vec<Record>>>()?;
        if records.len() < 2 {
            let place = format!("data `{}`", evaluation.data.name());
            return refuse(place, "at least two records: what is parallel stands out against others", records.len(), "use more data");
        }
        let model = evaluation.model.inference();
        let texts = self.vectors(&model, &records, &self.field, None)?;
        let others = self.vectors(&model, &records, &self.other, self.other_language.as_deref())?;
        let strangers = evaluation.cx.draws().stream("shuffled pairs").circle(records.len());
        let mut findings = vec![];
        for (k, layer) in self.chosen(&model).into_iter().enumerate() {
            let cosines = cosines(&texts[k], &others[k], &model.plain_device());
            let finding = |metric: &str, better, score: &dyn Fn(usize) -> f64| {
                let items = records.iter().enumerate().map(|(i, record)| Item::one(record.id.clone(), score(i))).collect();
                Finding::ratio(format!("{metric}@{layer}"), better, items)
            };
            findings.push(finding("cosine", Better::Higher, &|i| f64::from(cosines[i][i])));
            findings.push(finding("shuffled-cosine", Better::Lower, &|i| f64::from(cosines[i][strangers[i]])));
            findings.push(finding("accuracy", Better::Higher, &|i| nearest(&cosines[i], i)));
        }
        Ok(findings)
    }
}

register!(Evaluator, "parallel-alignment", "Cosine of parallel texts at every layer, beside shuffled pairs", ParallelAlignment);
