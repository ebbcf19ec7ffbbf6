//! Models against the first one on the same records, below the table of their scores.

use crate::change::{Verdict, beats};
use crate::groups::Group;
use crate::number;
use crate::schema::{Comparison, Report};

/// A comparison is told as a difference where chance makes such a one in less than this share of cases.
const LEVEL: f64 = 0.05;

/// The comparisons that belong below a table, in the order of the report.
pub(crate) fn of_group<'a>(report: &'a Report, group: &Group<'_>) -> Vec<&'a Comparison> {
    let holds = |c: &&Comparison| c.data == group.data && c.metric == group.metric && c.better == group.better;
    report.comparisons.iter().filter(holds).collect()
}

/// A row's name: the model, with stage and evaluator where the same model was compared twice.
pub(crate) fn label(comparison: &Comparison, all: &[&Comparison]) -> String {
    let same = |other: &&&Comparison| other.model == comparison.model && other.language == comparison.language;
    match all.iter().filter(same).count() {
        1 => comparison.model.clone(),
        _ => format!("{} ({}, {})", comparison.model, comparison.stage, comparison.evaluator),
    }
}

/// What all of them have in common, as one sentence.
pub(crate) fn about(comparisons: &[&Comparison]) -> String {
    let mut baselines: Vec<&str> = comparisons.iter().map(|c| c.baseline.as_str()).collect();
    baselines.sort_unstable();
    baselines.dedup();
    let against = baselines.join(", ");
    format!(
        "Against {against} on the same examples: interval of a paired bootstrap, p of random exchanges, p (Holm) corrected over the comparisons of this metric, not over tables."
    )
}

impl Comparison {
    /// What may be said of it.
    pub(crate) fn verdict(&self) -> Verdict {
        match self.p_holm < LEVEL {
            false => Verdict::Same,
            true if beats(self.difference, 0.0, self.better) => Verdict::Better,
            true if beats(0.0, self.difference, self.better) => Verdict::Worse,
            true => Verdict::Unjudged,
        }
    }

    /// The same in a word.
    pub(crate) fn word(&self) -> &'static str {
        match self.verdict() {
            Verdict::Better => "better",
            Verdict::Worse => "worse",
            Verdict::Same => "not told apart",
            Verdict::Unjudged => "differs",
        }
    }

    /// Difference, interval, p and corrected p.
    pub(crate) fn numbers(&self, places: usize) -> [String; 4] {
        let show = |value: f64| number::signed(value, places);
        let interval = format!("{}..{}", show(self.low), show(self.high));
        [show(self.difference), interval, number::fixed(self.p, 3), number::fixed(self.p_holm, 3)]
    }
}

/// Decimals with which the scores of the table can be told apart.
pub(crate) fn places(group: &Group<'_>) -> usize {
    number::decimals(&group.rows().map(|score| score.value).collect::<Vec<f64>>())
}
