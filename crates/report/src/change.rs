//! The change of a score against another, in percent and in words.

use crate::number;
use crate::schema::{Better, Score};

/// How a change is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Better,
    Worse,
    /// The percentage reads 0.0.
    Same,
    /// The metric has no better direction.
    Unjudged,
}

/// A relative change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Change {
    /// 100 * (after - before) / |before|.
    pub percent: f64,
    pub verdict: Verdict,
}

/// Changes smaller than this read 0.0 % and count as none.
const VISIBLE_PERCENT: f64 = 0.05;

impl Change {
    /// From one score to another of the same metric; none where the percentage is not defined
    /// (a first value of zero, a value that is not finite).
    pub(crate) fn between(before: &Score, after: &Score) -> Option<Self> {
        let percent = 100.0 * (after.value - before.value) / before.value.abs();
        percent.is_finite().then(|| Change { percent, verdict: verdict(percent, after.better) })
    }

    /// For a table: `-54.0 % better`.
    pub(crate) fn words(&self) -> String {
        let number = number::percent(self.percent);
        match self.verdict {
            Verdict::Better => format!("{number} better"),
            Verdict::Worse => format!("{number} worse"),
            Verdict::Same | Verdict::Unjudged => number,
        }
    }
}

fn verdict(percent: f64, better: Better) -> Verdict {
    if percent.abs() < VISIBLE_PERCENT {
        return Verdict::Same;
    }
    match (better, percent < 0.0) {
        (Better::Neither, _) => Verdict::Unjudged,
        (Better::Lower, true) | (Better::Higher, false) => Verdict::Better,
        (Better::Lower, false) | (Better::Higher, true) => Verdict::Worse,
    }
}

/// Whether `a` is the better value of the two.
pub(crate) fn beats(a: f64, b: f64, better: Better) -> bool {
    match better {
        Better::Lower => a < b,
        Better::Higher => a > b,
        Better::Neither => false,
    }
}
