//! Resampling is sacrebleu's, draw by draw.

use crate::fixture::{close, read};
use crate::translation::{Options, metric};
use serde::Deserialize;
use tongues_metrics::translation::References;
use tongues_metrics::translation::significance::{Generator, SEED, TestOptions, paired_bootstrap, paired_randomization};

#[derive(Deserialize)]
struct Fixture {
    draws: Vec<Draws>,
    references: Vec<String>,
    systems: Vec<Vec<String>>,
    cases: Vec<Case>,
    intervals: Vec<IntervalCase>,
}

#[derive(Deserialize)]
struct Draws {
    seed: u64,
    whole: Vec<String>,
    below_7: Vec<u32>,
    bits: Vec<u32>,
    below_100000: Vec<u32>,
    below_3000000000: Vec<u32>,
}

#[derive(Deserialize)]
struct Case {
    kind: String,
    metric: String,
    options: Options,
    samples: usize,
    confidence: i64,
    results: Vec<System>,
    signature: String,
}

/// Score, p-value, mean, half the interval.
type System = (f64, Option<f64>, Option<f64>, Option<f64>);

#[derive(Deserialize)]
struct IntervalCase {
    metric: String,
    options: Options,
    line: String,
    mean: f64,
    ci: f64,
}

#[test]
fn draws_are_those_of_numpy() {
    for draws in read::<Fixture>("significance.json").draws {
        let mut generator = Generator::new(draws.seed);
        let below = |generator: &mut Generator, bound: u32, n: usize| (0..n).map(|_| generator.below(bound)).collect::<Vec<_>>();
        assert_eq!((0..3).map(|_| generator.next_u64().to_string()).collect::<Vec<_>>(), draws.whole);
        assert_eq!(below(&mut generator, 7, 21), draws.below_7);
        let words: Vec<u32> = (0..2).map(|_| generator.next_u32()).collect();
        assert_eq!((0..45).map(|i| words[i / 32] >> (i % 32) & 1).collect::<Vec<_>>(), draws.bits);
        assert_eq!(below(&mut generator, 100_000, 9), draws.below_100000);
        assert_eq!(below(&mut generator, 3_000_000_000, 20), draws.below_3000000000);
    }
}

#[test]
fn p_values_and_intervals_are_those_of_sacrebleu() {
    let fixture: Fixture = read("significance.json");
    let systems: Vec<Vec<&str>> = fixture.systems.iter().map(|s| s.iter().map(String::as_str).collect()).collect();
    let others: Vec<&[&str]> = systems[1..].iter().map(Vec::as_slice).collect();
    let references = References::single(&fixture.references);
    let same = |a: Option<f64>, b: Option<f64>| a.is_some() == b.is_some() && a.zip(b).is_none_or(|(a, b)| close(a, b));
    for case in &fixture.cases {
        let metric = metric(&case.metric, &case.options);
        let options = TestOptions { samples: case.samples, interval_samples: usize::try_from(case.confidence).ok(), seed: SEED };
        let test = if case.kind == "bs" { paired_bootstrap } else { paired_randomization };
        let found = test(&*metric, &systems[0], &others, &references, options).expect("a result");
        assert_eq!(found.signature.format(false), case.signature);
        for (ours, theirs) in found.systems.iter().zip(&case.results) {
            let at = format!("{} {}: {ours:?} {theirs:?}", case.kind, case.signature);
            assert!(close(ours.score, theirs.0) && ours.p_value == theirs.1, "{at}");
            assert!(same(ours.interval.map(|i| i.mean), theirs.2) && same(ours.interval.map(|i| i.half_width), theirs.3), "{at}");
        }
    }
}

#[test]
fn intervals_of_a_score_are_those_of_sacrebleu() {
    let fixture: Fixture = read("significance.json");
    let baseline: Vec<&str> = fixture.systems[0].iter().map(String::as_str).collect();
    let references = References::single(&fixture.references);
    for case in &fixture.intervals {
        let metric = metric(&case.metric, &case.options);
        let score = metric.corpus_with_interval(&baseline, &references, 200, SEED).expect("a score");
        let interval = score.interval.expect("an interval");
        assert!(close(interval.mean, case.mean) && close(interval.half_width, case.ci), "{interval:?} {} {}", case.mean, case.ci);
        let signature = metric.signature(&references).with("bs", "200").with("seed", "12345");
        assert_eq!(score.line(2, Some(&signature.format(false))), case.line);
    }
}

#[test]
fn tests_without_samples_or_with_unequal_lists_are_refused() {
    let metric = metric("ter", &Options::default());
    let references = ["a b", "c"];
    let references = References::single(&references);
    let none = TestOptions { samples: 0, ..TestOptions::bootstrap() };
    for test in [paired_bootstrap, paired_randomization] {
        assert!(test(&*metric, &["a", "b"], &[&["a", "b"]], &references, none).expect_err("refused").to_string().starts_with("samples"));
        assert!(test(&*metric, &["a", "b"], &[&["a"]], &references, TestOptions::bootstrap()).is_err());
    }
}
