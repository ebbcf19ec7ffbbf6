//! From metrics lines to the series of one stage's charts.

use std::collections::BTreeSet;

use crate::metrics::MetricLine;
use crate::number;
use crate::scale::drawable;

/// More steps than this are averaged in groups of neighbours, so that the page stays small.
pub(crate) const MOST_POINTS: usize = 240;

/// One line of a chart.
pub(crate) struct Series {
    pub name: String,
    /// (step, value), by step; a NaN value is a gap.
    pub points: Vec<(f64, f64)>,
    /// Whether every point is marked, as for the few validation points.
    pub marked: bool,
}

/// Everything drawn for one stage.
pub(crate) struct Curves {
    /// Loss terms, and validation scores that are losses too: they share an axis.
    pub loss: Vec<Series>,
    /// Validation scores in other units: a chart each.
    pub validation: Vec<Series>,
    /// First and last step: all charts of a stage share them.
    pub steps: (f64, f64),
    /// How many neighbouring steps one point of a loss line averages.
    pub averaged: usize,
    /// Steps whose loss cannot be drawn: not a number, or out of all bounds.
    pub broken: usize,
}

/// The series of one stage; none where the stage left no step.
pub(crate) fn curves(stage: &str, metrics: &[MetricLine]) -> Option<Curves> {
    let mut lines: Vec<&MetricLine> = metrics.iter().filter(|line| line.stage == stage).collect();
    lines.sort_by_key(|line| line.step);
    let steps = (lines.first()?.step as f64, lines.last()?.step as f64);
    let averaged = lines.len().div_ceil(MOST_POINTS);
    let terms = names(&lines, |line| line.loss.keys().collect());
    let loss = terms.iter().map(|term| loss_series(term, &lines, averaged));
    let checks = names(&lines, |line| line.validation.iter().flat_map(|v| v.keys()).collect());
    let checks = checks.iter().map(|name| validation_series(name, &lines));
    let (alike, validation): (Vec<_>, Vec<_>) = checks.partition(|series| is_loss(&series.name, &terms));
    let broken = lines.iter().filter(|line| line.loss.values().any(|v| !drawable(*v))).count();
    let validation = validation.into_iter().map(|s| Series { name: number::metric(&s.name), ..s }).collect();
    Some(Curves { loss: loss.chain(alike).collect(), validation, steps, averaged, broken })
}

fn names<'a>(lines: &[&'a MetricLine], of: impl Fn(&'a MetricLine) -> Vec<&'a String>) -> BTreeSet<&'a str> {
    lines.iter().flat_map(|line| of(line)).map(String::as_str).collect()
}

/// Whether a validation score is a training loss measured on other data, by its name.
fn is_loss(name: &str, terms: &BTreeSet<&str>) -> bool {
    let name = name.trim_start_matches("validation ");
    terms.contains(name) || name.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|word| word == "loss")
}

fn loss_series(term: &str, lines: &[&MetricLine], averaged: usize) -> Series {
    let mean = |group: &[&MetricLine]| {
        let values = group.iter().filter_map(|line| line.loss.get(term)).filter(|v| drawable(**v));
        let (sum, count) = values.fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
        let steps: f64 = group.iter().map(|line| line.step as f64).sum();
        (steps / group.len() as f64, sum / count)
    };
    Series { name: term.to_owned(), points: lines.chunks(averaged).map(mean).collect(), marked: false }
}

fn validation_series(name: &str, lines: &[&MetricLine]) -> Series {
    let point = |line: &&MetricLine| Some((line.step as f64, *line.validation.as_ref()?.get(name)?));
    let points = lines.iter().filter_map(point).filter(|(_, value)| drawable(*value)).collect();
    Series { name: format!("validation {name}"), points, marked: true }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn line(step: u64, loss: f64, validation: Option<(&str, f64)>) -> MetricLine {
        MetricLine {
            stage: "adapt".to_owned(),
            step,
            tokens: step * 100,
            loss: BTreeMap::from([("causal-lm".to_owned(), loss)]),
            learning_rate: 1e-3,
            grad_norm: 1.0,
            grad_norms: None,
            tokens_per_second: 1000.0,
            rss_anon_bytes: None,
            validation: validation.map(|(name, v)| BTreeMap::from([(name.to_owned(), v)])),
        }
    }

    #[test]
    fn many_steps_are_averaged_in_order() {
        let lines: Vec<MetricLine> = (1..=1000).rev().map(|step| line(step, step as f64, None)).collect();
        let curves = curves("adapt", &lines).unwrap();
        let points = &curves.loss[0].points;
        assert_eq!((curves.averaged, points.len()), (5, 200));
        assert_eq!(points[0], (3.0, 3.0));
        assert_eq!(points[199], (998.0, 998.0));
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_diverged_step_is_a_gap_and_is_counted() {
        let lines = [line(1, 5.0, None), line(2, f64::NAN, None), line(3, f64::INFINITY, None)];
        let curves = curves("adapt", &lines).unwrap();
        assert_eq!(curves.broken, 2);
        assert!(curves.loss[0].points[1].1.is_nan());
    }

    #[test]
    fn validation_shares_the_axis_only_as_a_loss() {
        let lines = [line(1, 5.0, Some(("causal-lm", 5.5))), line(2, 4.0, Some(("accuracy", 0.5)))];
        let curves = curves("adapt", &lines).unwrap();
        let names = |series: &[Series]| series.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&curves.loss), ["causal-lm", "validation causal-lm"]);
        assert_eq!(names(&curves.validation), ["validation accuracy"]);
        assert!(super::curves("other", &lines).is_none());
    }
}
