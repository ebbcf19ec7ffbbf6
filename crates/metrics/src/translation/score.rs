//! A score and its line.

/// Where the mean of resamples lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Mean over the resamples.
    pub mean: f64,
    /// Half the distance between the 2.5th and the 97.5th percentile.
    pub half_width: f64,
}

/// A score of a corpus or a sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// `BLEU`, `chrF2`, `chrF2++`, `TER`.
    pub name: String,
    /// Percent; TER may be above 100.
    pub value: f64,
    /// From bootstrap resamples, where they were asked for.
    pub interval: Option<Interval>,
    /// What stands behind the value in the line: precisions and lengths of BLEU.
    pub details: String,
}

impl Score {
    pub(crate) fn new(name: String, value: f64) -> Self {
        Self { name, value, interval: None, details: String::new() }
    }

    /// The value alone with so many decimals, and the interval where there is one.
    pub fn value_text(&self, decimals: usize) -> String {
        // sacrebleu leaves out an interval around zero.
        match self.interval.filter(|i| i.mean > 0.0) {
            None => format!("{:.decimals$}", self.value),
            Some(Interval { mean, half_width }) => format!("{:.decimals$} (μ = {mean:.decimals$} ± {half_width:.decimals$})", self.value),
        }
    }

    /// The line sacrebleu prints, `BLEU|nrefs:1|… = 33.10 …`; without a signature the name alone stands in front.
    pub fn line(&self, decimals: usize, signature: Option<&str>) -> String {
        let bar = signature.map(|s| format!("|{s}")).unwrap_or_default();
        let mut line = format!("{}{bar} = {}", self.name, self.value_text(decimals));
        if !self.details.is_empty() {
            line.push(' ');
            line.push_str(&self.details);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_are_rounded_to_even_as_python_does() {
        let text = |value: f64, decimals| Score::new("s".into(), value).value_text(decimals);
        assert_eq!([text(0.125, 2), text(0.375, 2), text(2.5, 0), text(12.25, 1)], ["0.12", "0.38", "2", "12.2"]);
    }

    #[test]
    fn an_interval_stands_behind_the_value_unless_its_mean_is_zero() {
        let mut score = Score::new("TER".into(), 33.333);
        score.interval = Some(Interval { mean: 33.0, half_width: 1.25 });
        assert_eq!(score.line(1, Some("nrefs:1")), "TER|nrefs:1 = 33.3 (μ = 33.0 ± 1.2)");
        score.interval = Some(Interval { mean: 0.0, half_width: 0.0 });
        assert_eq!(score.line(2, None), "TER = 33.33");
    }
}
