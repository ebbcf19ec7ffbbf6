//! # retrieval
//!
//! Whether a model's states of a text are close to those of its translation, among all others: MRR, nDCG@k and recall@k.
//! Papers: Artetxe and Schwenk 2019, "Massively Multilingual Sentence Embeddings" (arXiv 1812.10464, §4.3: Tatoeba); Hu et al. 2020, "XTREME"
//! (arXiv 2003.11080); Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques" (nDCG).
//!
//! ## What it does
//! A text's vector is the mean over its tokens of the states behind `layer` blocks, the start token left out. For the `query` of every record the `document`s of all
//! records are ranked by cosine; its own is the relevant one. Scores are means over queries: `mrr` the mean of 1 / rank, `ndcg@k`, and
//! `recall@k` the share whose document is among the first k.
//!
//! ## When to use
//! For how far the languages of a model share one space, on parallel sentences, without training anything: before and after a language is
//! learned, and between layers. Middle layers are usually best. Scores depend on the number of records; compare on the same ones.
//!
//! ## Differences from the paper
//! The papers embed with encoders; here the states of any causal model are averaged. States are used rather than the likelihood of
//! a query given each document, because they need one pass a text instead of one a pair.
//!
//! ## Reproduces
//! The scores of a ranking are those of trec_eval (`tongues-metrics`); the tests work rankings out from known states.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Better, Error, Evaluation, Evaluator, Finding, Item, Model, Record, Result, TextStates, Vectors, refuse, register};
use tongues_metrics::ranking::Ranking;

/// Retrieval of parallel texts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retrieval {
    /// The field with the text that searches.
    #[serde(default = "text")]
    pub query: String,
    /// The field with the text that is to be found.
    pub document: String,
    /// The language of the documents, for models with an adapter a language; that of the record where absent.
    #[serde(default)]
    pub document_language: Option<String>,
    /// Blocks that a text goes through; all where absent.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub layer: Option<usize>,
    /// How many of the first documents count for nDCG and recall.
    #[serde(default = "usual")]
    #[schemars(length(min = 1))]
    pub k: Vec<usize>,
    /// Tokens of a batch at most; more is faster and needs more memory. Scores do not depend on it.
    #[serde(default = "batch_tokens")]
    #[schemars(range(min = 1))]
    pub batch_tokens: usize,
}

fn text() -> String {
    "text".into()
}
fn usual() -> Vec<usize> {
    vec![1, 10]
}
fn batch_tokens() -> usize {
    4096
}

impl Retrieval {
    /// The vectors of a field of all records.
    fn vectors(&self, model: &Model, records: &[Record], field: &str, language: Option<&str>) -> Result<Vectors> {
        let layers = [self.layer.unwrap_or_else(|| model.spec().layers(model.spec().main()))];
        let states = TextStates { field, language, layers: &layers, batch_tokens: self.batch_tokens };
        let vectors = states.of(model, records)?;
        Ok(vectors.into_iter().next().unwrap_or_default())
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

/// The ranking of all documents for each query, of which the one at its own place is relevant.
pub fn rankings(queries: &[Vec<f32>], documents: &[Vec<f32>]) -> Result<Vec<Ranking>> {
    let names: Vec<String> = (0..documents.len()).map(|i| i.to_string()).collect();
    let rank = |(i, query): (usize, &Vec<f32>)| {
        let found: Vec<(&str, f64)> = names.iter().zip(documents).map(|(name, document)| (name.as_str(), cosine(query, document))).collect();
        Ranking::new(&found, &[(names[i].as_str(), 1)]).map_err(Error::metric)
    };
    queries.iter().enumerate().map(rank).collect()
}

impl Evaluator for Retrieval {
    fn evaluate(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Finding>> {
        let records = evaluation.data.open()?.collect::<Result<Vec<Record>>>()?;
        if records.len() < 2 {
            let place = format!("data `{}`", evaluation.data.name());
            return refuse(place, "at least two records: what is found is found among others", records.len(), "use more data");
        }
        let model = evaluation.model.inference();
        let queries = self.vectors(&model, &records, &self.query, None)?;
        let documents = self.vectors(&model, &records, &self.document, self.document_language.as_deref())?;
        let rankings = rankings(&queries, &documents)?;
        let finding = |metric: String, score: &dyn Fn(&Ranking) -> f64| {
            let items = records.iter().zip(&rankings).map(|(record, ranking)| Item::one(record.id.clone(), score(ranking))).collect();
            Finding::ratio(metric, Better::Higher, items)
        };
        let mut findings = vec![finding("mrr".into(), &|r| r.reciprocal_rank(None))];
        for k in &self.k {
            findings.push(finding(format!("ndcg@{k}"), &|r| r.ndcg(Some(*k))));
            findings.push(finding(format!("recall@{k}"), &|r| r.recall(*k)));
        }
        Ok(findings)
    }
}

register!(Evaluator, "retrieval", "MRR, nDCG and recall of translations by mean hidden states", Retrieval);
