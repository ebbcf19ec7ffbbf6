//! Labels, spans, rankings and numbers are scored as their reference libraries score them.

use crate::fixture::{close, read};
use serde::Deserialize;
use std::collections::BTreeMap;
use tongues_metrics::calibration::{Bins, brier, brier_multiclass, expected_calibration_error};
use tongues_metrics::choice::{Answer, ChoiceScore, choice_accuracy, choose};
use tongues_metrics::correlation::{kendall, pearson, spearman};
use tongues_metrics::labels::{Confusion, KappaWeights, Prf, accuracy};
use tongues_metrics::language::{LanguageModel, off_target_share};
use tongues_metrics::ranking::{Ranking, mean_over_queries};
use tongues_metrics::spans::{Scheme, SpanMode, span_scores};

#[derive(Deserialize)]
struct Fixture {
    labels: Vec<Labels>,
    spans: Vec<Spans>,
    rankings: Rankings,
    pairs: Vec<Pairs>,
    calibration: Vec<Calibration>,
    classes: Classes,
    language: Language,
}

#[derive(Deserialize)]
struct Labels {
    truth: Vec<String>,
    given: Vec<String>,
    accuracy: f64,
    matrix: Vec<Vec<u64>>,
    by_label: Vec<[f64; 4]>,
    #[serde(rename = "macro")]
    macro_average: [f64; 3],
    weighted: [f64; 3],
    micro: [f64; 3],
    /// Not a number where chance cannot disagree.
    kappa: [Option<f64>; 3],
}

#[derive(Deserialize)]
struct Spans {
    truth: Vec<Vec<String>>,
    given: Vec<Vec<String>>,
    modes: BTreeMap<String, SpanMeans>,
}

#[derive(Deserialize)]
struct SpanMeans {
    by_type: Vec<(String, [f64; 4])>,
    micro: [f64; 4],
    #[serde(rename = "macro")]
    macro_average: [f64; 4],
    weighted: [f64; 4],
}

#[derive(Deserialize)]
struct Rankings {
    queries: Vec<Query>,
    means: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Query {
    found: Vec<(String, f64)>,
    judged: Vec<(String, i64)>,
    measures: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Pairs {
    x: Vec<f64>,
    y: Vec<f64>,
    pearson: f64,
    spearman: f64,
    kendall: f64,
}

#[derive(Deserialize)]
struct Calibration {
    p: Vec<f64>,
    y: Vec<u8>,
    errors: Vec<(String, usize, f64)>,
    brier: f64,
}

#[derive(Deserialize)]
struct Classes {
    p: Vec<Vec<f64>>,
    y: Vec<usize>,
    brier: f64,
}

#[derive(Deserialize)]
struct Language {
    train: Vec<(String, Vec<String>)>,
    tests: Vec<String>,
    models: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    order: usize,
    k: f64,
    logs: Vec<Vec<f64>>,
}

fn fixture() -> Fixture {
    read("labels.json")
}

fn same(found: Prf, expected: &[f64]) -> bool {
    let own = [found.precision, found.recall, found.f1, found.support as f64];
    own.iter().zip(expected).all(|(a, b)| close(*a, *b))
}

#[test]
fn labels_are_scored_as_by_scikit_learn() {
    for case in fixture().labels {
        assert!(close(accuracy(&case.truth, &case.given).expect("a score"), case.accuracy));
        let confusion = Confusion::new(&case.truth, &case.given).expect("labels");
        assert_eq!(confusion.counts(), case.matrix);
        assert_eq!(confusion.labels().len(), case.by_label.len());
        assert!(confusion.by_label().iter().zip(&case.by_label).all(|(a, b)| same(*a, b)));
        assert!(same(confusion.macro_average(), &case.macro_average) && same(confusion.weighted_average(), &case.weighted));
        assert!(same(confusion.micro_average(), &case.micro));
        for (weights, expected) in [KappaWeights::None, KappaWeights::Linear, KappaWeights::Quadratic].into_iter().zip(case.kappa) {
            let found = confusion.kappa(weights).ok();
            assert!(found.is_some() == expected.is_some() && found.zip(expected).is_none_or(|(a, b)| close(a, b)), "{found:?} {expected:?}");
        }
    }
    assert!(Confusion::new(&["a"], &["a"]).and_then(|c| c.kappa(KappaWeights::None)).is_err());
    assert!(accuracy::<u8>(&[], &[]).is_err() && accuracy(&[1], &[1, 2]).is_err());
}

#[test]
fn spans_are_scored_as_by_seqeval() {
    for case in fixture().spans {
        let truth: Vec<Vec<&str>> = case.truth.iter().map(|s| s.iter().map(String::as_str).collect()).collect();
        let given: Vec<Vec<&str>> = case.given.iter().map(|s| s.iter().map(String::as_str).collect()).collect();
        for (mode, expected) in &case.modes {
            let scheme = match mode.as_str() {
                "lenient" => SpanMode::Lenient,
                "IOB1" => SpanMode::Strict(Scheme::Iob1),
                "IOB2" => SpanMode::Strict(Scheme::Iob2),
                "IOE1" => SpanMode::Strict(Scheme::Ioe1),
                "IOE2" => SpanMode::Strict(Scheme::Ioe2),
                "IOBES" => SpanMode::Strict(Scheme::Iobes),
                other => SpanMode::Strict(if other == "BILOU" { Scheme::Bilou } else { panic!("{other}") }),
            };
            let found = span_scores(&truth, &given, scheme).expect("scores");
            assert_eq!(found.by_type.iter().map(|t| &t.0).collect::<Vec<_>>(), expected.by_type.iter().map(|t| &t.0).collect::<Vec<_>>(), "{mode}");
            assert!(found.by_type.iter().zip(&expected.by_type).all(|(a, b)| same(a.1, &b.1)), "{mode} {found:?}");
            assert!(same(found.micro_average, &expected.micro) && same(found.macro_average, &expected.macro_average), "{mode}");
            assert!(same(found.weighted_average, &expected.weighted), "{mode}");
        }
    }
}

#[test]
fn tags_that_a_scheme_lacks_and_unequal_sentences_are_refused() {
    let error = |truth: &[Vec<&str>], given: &[Vec<&str>], mode| span_scores(truth, given, mode).expect_err("refused").to_string();
    let strict = SpanMode::Strict(Scheme::Iob2);
    assert!(error(&[vec!["O"]], &[vec!["S-A"]], strict).starts_with("given[0][0]: expected a tag that begins with one of IOB, found `S-A`"));
    assert!(error(&[vec!["O", "O"]], &[vec!["O"]], strict).starts_with("given[0]: expected 2 tags"));
    assert!(error(&[vec![""]], &[vec!["O"]], SpanMode::Lenient).starts_with("truth[0][0]: expected a tag"));
    assert!(error(&[], &[], strict).starts_with("given: expected at least one item"));
    let nothing = span_scores(&[vec!["O"]], &[vec!["O"]], strict).expect("scores");
    assert_eq!((nothing.by_type.len(), nothing.macro_average.f1), (0, 0.0));
}

fn measure(ranking: &Ranking, name: &str) -> f64 {
    let (name, k) = name.rsplit_once('_').and_then(|(n, k)| Some((n, k.parse().ok()?))).unwrap_or((name, 0));
    match name {
        "recip_rank" => ranking.reciprocal_rank(None),
        "ndcg" => ranking.ndcg(None),
        "ndcg_cut" => ranking.ndcg(Some(k)),
        "map" => ranking.average_precision(None),
        "map_cut" => ranking.average_precision(Some(k)),
        "recall" => ranking.recall(k),
        "P" => ranking.precision(k),
        other => panic!("{other}"),
    }
}

#[test]
fn rankings_are_scored_as_by_trec_eval() {
    let fixture = fixture().rankings;
    let ranking = |q: &Query| {
        let found: Vec<(&str, f64)> = q.found.iter().map(|(d, s)| (d.as_str(), *s)).collect();
        let judged: Vec<(&str, i64)> = q.judged.iter().map(|(d, j)| (d.as_str(), *j)).collect();
        Ranking::new(&found, &judged).expect("a ranking")
    };
    let rankings: Vec<Ranking> = fixture.queries.iter().map(ranking).collect();
    for (query, ranking) in fixture.queries.iter().zip(&rankings) {
        for (name, expected) in &query.measures {
            assert!(close(measure(ranking, name), *expected), "{name}: {} {expected}", measure(ranking, name));
        }
    }
    assert_eq!(fixture.means.len(), 11);
    for (name, expected) in &fixture.means {
        assert!(close(mean_over_queries(&rankings, |r| measure(r, name)).expect("queries"), *expected), "{name}");
    }
    assert_eq!(rankings[0].reciprocal_rank(Some(0)), 0.0);
    assert!(mean_over_queries(&[], |r| r.ndcg(None)).is_err());
    assert!(Ranking::new(&[("a", 1.0), ("a", 2.0)], &[]).is_err() && Ranking::new(&[("a", f64::NAN)], &[]).is_err());
}

#[test]
fn correlations_are_those_of_scipy() {
    for case in fixture().pairs {
        let found = [pearson, spearman, kendall].map(|f| f(&case.x, &case.y).expect("a coefficient"));
        assert!(found.iter().zip([case.pearson, case.spearman, case.kendall]).all(|(a, b)| close(*a, b)), "{found:?}");
    }
    for function in [pearson, spearman, kendall] {
        assert!(close(function(&[1e-200, 2e-200, 3e-200], &[1e200, 2e200, 3e200]).expect("a coefficient"), 1.0));
        assert!(function(&[1.0, 1.0], &[1.0, 2.0]).expect_err("constant").to_string().starts_with("x: expected numbers that differ"));
        assert!(function(&[1.0], &[1.0]).is_err() && function(&[], &[]).is_err() && function(&[1.0, 2.0], &[1.0]).is_err());
        assert!(function(&[1.0, f64::NAN], &[1.0, 2.0]).expect_err("no number").to_string().starts_with("x[1]: expected a finite number"));
    }
}

#[test]
fn calibration_is_that_of_scikit_learn() {
    let fixture = fixture();
    for case in fixture.calibration {
        let outcomes: Vec<bool> = case.y.iter().map(|y| *y == 1).collect();
        for (strategy, bins, expected) in case.errors {
            let bins = if strategy == "uniform" { Bins::Width(bins) } else { Bins::Mass(bins) };
            let found = expected_calibration_error(&case.p, &outcomes, bins).expect("a score");
            assert!(close(found, expected), "{bins:?}: {found} {expected}");
        }
        assert!(close(brier(&case.p, &outcomes).expect("a score"), case.brier));
    }
    assert!(close(brier_multiclass(&fixture.classes.p, &fixture.classes.y).expect("a score"), fixture.classes.brier));
    assert!(expected_calibration_error(&[0.5], &[true], Bins::Mass(0)).is_err() && expected_calibration_error(&[1.5], &[true], Bins::Width(2)).is_err());
    assert!(brier(&[], &[]).is_err() && brier(&[f64::NAN], &[true]).is_err());
    assert!(brier_multiclass(&[vec![0.5, 0.6]], &[0]).is_err() && brier_multiclass(&[vec![0.5, 0.5]], &[2]).is_err());
}

#[test]
fn languages_are_those_of_scikit_learn() {
    let fixture = fixture().language;
    let train: Vec<(&str, Vec<&str>)> = fixture.train.iter().map(|(n, t)| (n.as_str(), t.iter().map(String::as_str).collect())).collect();
    for case in &fixture.models {
        let model = LanguageModel::train(&train, case.order, case.k).expect("a model");
        for (text, expected) in fixture.tests.iter().zip(&case.logs) {
            let found = model.log_posteriors(text);
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-9 * b.abs().max(1.0)), "{text:?}: {found:?} {expected:?}");
        }
        assert_eq!(model.identify(""), None);
        assert_eq!(model.identify(&train[2].1.concat()), Some("cyrillic"));
        let share = off_target_share(&train[3].1, "chinese", |t| model.identify(t).unwrap_or_default().to_owned());
        assert_eq!(share, Ok(0.0));
    }
    let refused = |texts: &[(&str, Vec<&str>)], order, k| LanguageModel::train(texts, order, k).is_err();
    assert!(refused(&[], 3, 1.0) && refused(&train, 0, 1.0) && refused(&train, 3, 0.0) && refused(&[("a", vec![""])], 3, 1.0));
    assert!(refused(&[("a", vec!["x"]), ("a", vec!["y"])], 3, 1.0) && off_target_share::<&str>(&[], "a", |_| String::new()).is_err());
}

#[test]
fn the_best_answer_depends_on_what_it_is_divided_by_and_ties_go_to_the_first() {
    let answer = |log_likelihood: f64, tokens, bytes, characters, unconditional| Answer {
        log_likelihood,
        tokens,
        bytes,
        characters,
        unconditional: Some(unconditional),
    };
    let answers =
        [answer(-4.0, 1, 4, 4, -5.0), answer(-6.0, 2, 5, 5, -6.0), answer(-8.0, 3, 20, 8, -8.0), answer(-9.0, 3, 9, 18, -9.0), answer(-12.0, 4, 12, 12, -20.0)];
    let by = [ChoiceScore::Sum, ChoiceScore::PerToken, ChoiceScore::PerByte, ChoiceScore::PerCharacter, ChoiceScore::MutualInformation];
    assert_eq!(by.map(|b| choose(&answers, b).expect("a choice")), [0, 2, 2, 3, 4]);
    assert_eq!(choose(&[answers[1], answers[1], answers[0], answers[0]], ChoiceScore::Sum), Ok(2));
    assert_eq!(choose(&[answers[3], answers[1], answers[4]], ChoiceScore::PerToken), Ok(0), "equal ones");
    assert_eq!(choice_accuracy(&[answers.to_vec(), answers.to_vec()], &[0, 1], ChoiceScore::Sum), Ok(0.5));
    let none = Answer { unconditional: None, bytes: 0, tokens: 0, characters: 0, log_likelihood: f64::NAN };
    assert!(by.iter().all(|b| choose(&[none], *b).is_err()) && choose(&[], ChoiceScore::Sum).is_err());
    assert!(choice_accuracy(&[answers.to_vec()], &[5], ChoiceScore::Sum).is_err() && choice_accuracy(&[], &[], ChoiceScore::Sum).is_err());
}
