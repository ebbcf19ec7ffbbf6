//! BLEU, chrF and TER are sacrebleu's.

use crate::fixture::{close, read};
use serde::Deserialize;
use tongues_metrics::translation::bleu::{Bleu, BleuOptions, Smoothing};
use tongues_metrics::translation::chrf::{Chrf, ChrfOptions};
use tongues_metrics::translation::ter::{Ter, TerOptions};
use tongues_metrics::translation::{CorpusMetric, References};

pub const SCRIPTS: [&str; 13] =
    ["latin", "vietnamese", "cyrillic", "greek", "arabic", "hebrew", "devanagari", "thai", "chinese", "japanese", "korean", "ethiopic", "odd"];

/// Options under sacrebleu's names.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    lowercase: bool,
    tokenize: Option<String>,
    smooth_method: Option<String>,
    smooth_value: Option<f64>,
    max_ngram_order: Option<usize>,
    effective_order: bool,
    char_order: Option<usize>,
    word_order: usize,
    beta: Option<u32>,
    whitespace: bool,
    eps_smoothing: bool,
    normalized: bool,
    no_punct: bool,
    asian_support: bool,
    case_sensitive: bool,
}

pub fn metric(name: &str, o: &Options) -> Box<dyn CorpusMetric> {
    match name {
        "bleu" => {
            let smoothing = match o.smooth_method.as_deref() {
                Some("none") => Smoothing::None,
                Some("floor") => Smoothing::Floor(o.smooth_value),
                Some("add-k") => Smoothing::AddK(o.smooth_value),
                Some("exp") | None => Smoothing::Exp,
                Some(other) => panic!("{other}"),
            };
            let tokenizer = o.tokenize.as_deref().unwrap_or("13a").parse().expect("a tokenizer");
            let max_ngram_order = o.max_ngram_order.unwrap_or(4);
            let (lowercase, effective_order) = (o.lowercase, o.effective_order);
            Box::new(Bleu::new(BleuOptions { lowercase, force: false, tokenizer, smoothing, max_ngram_order, effective_order }).expect("options"))
        }
        "chrf" => Box::new(
            Chrf::new(ChrfOptions {
                char_order: o.char_order.unwrap_or(6),
                word_order: o.word_order,
                beta: o.beta.unwrap_or(2),
                lowercase: o.lowercase,
                whitespace: o.whitespace,
                eps_smoothing: o.eps_smoothing,
            })
            .expect("options"),
        ),
        "ter" => {
            Box::new(Ter::new(TerOptions { normalized: o.normalized, no_punct: o.no_punct, asian_support: o.asian_support, case_sensitive: o.case_sensitive }))
        }
        other => panic!("{other}"),
    }
}

#[derive(Deserialize)]
pub struct Fixture {
    pub pairs: Vec<(String, String, Option<String>)>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    metric: String,
    options: Options,
    sentences: Vec<f64>,
    corpus: Corpus,
    several: Corpus,
}

#[derive(Deserialize)]
struct Corpus {
    score: f64,
    short: String,
    line: String,
}

fn same_corpus(metric: &dyn CorpusMetric, hypotheses: &[&str], references: &References, expected: &Corpus, at: &str) {
    let score = metric.corpus(hypotheses, references).expect("a score");
    assert!(close(score.value, expected.score), "{at}: {} {}", score.value, expected.score);
    let signature = metric.signature(references);
    assert_eq!(score.line(2, Some(&signature.format(false))), expected.line, "{at}");
    assert_eq!(signature.format(true), expected.short, "{at}");
}

fn same(script: &str) -> usize {
    let fixture: Fixture = read(&format!("translation-{script}.json"));
    let hypotheses: Vec<&str> = fixture.pairs.iter().map(|p| p.0.as_str()).collect();
    let first: Vec<&str> = fixture.pairs.iter().map(|p| p.1.as_str()).collect();
    let streams = [first.iter().map(|r| Some(*r)).collect(), fixture.pairs.iter().map(|p| p.2.as_deref()).collect()];
    for case in &fixture.cases {
        let metric = metric(&case.metric, &case.options);
        let at = format!("{script} {}", case.corpus.line);
        assert_eq!(case.sentences.len(), hypotheses.len());
        for ((hypothesis, reference), expected) in hypotheses.iter().zip(&first).zip(&case.sentences) {
            let score = metric.sentence(hypothesis, &[reference]).expect("a score").value;
            assert!(close(score, *expected), "{at}: {hypothesis:?} {reference:?}: {score} {expected}");
        }
        same_corpus(&*metric, &hypotheses, &References::single(&first), &case.corpus, &at);
        same_corpus(&*metric, &hypotheses, &References::streams(&streams).expect("references"), &case.several, &at);
    }
    fixture.pairs.len()
}

#[test]
fn scores_and_lines_are_those_of_sacrebleu_in_all_scripts() {
    let pairs: usize = SCRIPTS.iter().map(|script| same(script)).sum();
    assert!(pairs >= 700, "{pairs}");
}

#[test]
fn scores_do_not_depend_on_threads() {
    let fixture: Fixture = read("translation-latin.json");
    let hypotheses: Vec<&str> = fixture.pairs.iter().map(|p| p.0.as_str()).collect();
    let first: Vec<&str> = fixture.pairs.iter().map(|p| p.1.as_str()).collect();
    for name in ["bleu", "chrf", "ter"] {
        let metric = metric(name, &Options::default());
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| metric.statistics(&hypotheses, &References::single(&first)).expect("statistics"))
        };
        assert_eq!(with(1), with(3));
    }
}

#[test]
fn what_has_no_score_is_refused() {
    let metric = metric("bleu", &Options::default());
    let error = |hypotheses: &[&str], references: &[&str]| metric.corpus(hypotheses, &References::single(references)).expect_err("refused").to_string();
    assert!(error(&[], &[]).starts_with("hypotheses: expected at least one segment"));
    assert!(error(&["a", "b"], &["a"]).starts_with("references: expected 2 items"));
    let streams = |streams: &[Vec<Option<&str>>]| References::streams(streams).map(|_| ()).expect_err("refused").to_string();
    assert!(streams(&[]).starts_with("references: expected at least one stream"));
    assert!(streams(&[vec![Some("a")], vec![]]).starts_with("references[1]: expected 1 lines"));
    assert!(streams(&[vec![Some("a"), None], vec![None, None]]).starts_with("references of segment 1: expected at least one"));
}
