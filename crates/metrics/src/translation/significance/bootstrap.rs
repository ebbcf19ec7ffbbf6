//! Bootstrap resamples.

use super::{Generator, Paired, SystemResult, TestOptions, p_value, sample::Sample, some_samples};
use crate::error::{MetricError, Result};
use crate::translation::{CorpusMetric, Interval, Real, Single, Statistics};

/// Statistics as numpy's float32.
pub(super) struct Rows {
    width: usize,
    values: Vec<f32>,
}

impl Rows {
    pub(super) fn new(statistics: &Statistics) -> Self {
        Self { width: statistics.width, values: statistics.values.iter().map(|v| *v as f32).collect() }
    }

    fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// Sums over the drawn segments, one after the other.
    fn sums(&self, drawn: &[u32]) -> Vec<f32> {
        let mut sums = vec![0.0f32; self.width];
        for i in drawn {
            let row = &self.values[*i as usize * self.width..][..self.width];
            sums.iter_mut().zip(row).for_each(|(s, v)| *s += v);
        }
        sums
    }
}

/// Draws `samples` times as many segments as there are, with replacement.
fn resamples(segments: usize, samples: usize, generator: &mut Generator, mut each: impl FnMut(&[u32])) -> Result<()> {
    some_samples(samples)?;
    let Ok(bound) = u32::try_from(segments) else {
        return Err(MetricError::new("hypotheses", "less than 4294967296 segments", segments.to_string(), "resample a part of them"));
    };
    let mut drawn = vec![0; segments];
    for _ in 0..samples {
        drawn.iter_mut().for_each(|d| *d = generator.below(bound));
        each(&drawn);
    }
    Ok(())
}

/// The interval that sacrebleu's paired tests print for one system.
pub(super) fn interval<M: CorpusMetric + ?Sized>(metric: &M, statistics: &Statistics, samples: usize, generator: &mut Generator) -> Result<Interval> {
    let rows = Rows::new(statistics);
    let mut scores = Vec::with_capacity(samples);
    resamples(rows.len(), samples, generator, |drawn| scores.push(metric.resample(&rows.sums(drawn))))?;
    Ok(Sample::new(&scores).interval())
}

/// The interval of a score on its own, whose mean sacrebleu takes exactly and rounds once.
pub(crate) fn resampled<M: CorpusMetric + ?Sized>(metric: &M, statistics: &Statistics, samples: usize, seed: u64) -> Result<Interval> {
    let rows = Rows::new(statistics);
    let mut scores: Vec<Single> = Vec::with_capacity(samples);
    resamples(rows.len(), samples, &mut Generator::new(seed), |drawn| scores.push(metric.resample(&rows.sums(drawn))))?;
    let half_width = Sample::new(&scores).interval().half_width;
    let mean = exact_mean(scores.iter().map(|s| s.wide()), scores.len() as f64);
    let narrow = scores.iter().all(|s| matches!(s, Single::Strong(_)));
    Ok(Interval { mean: if narrow { f64::from(mean as f32) } else { mean }, half_width })
}

/// A mean with the rounding errors of the sum (Neumaier 1974) and of the division put back.
fn exact_mean(values: impl Iterator<Item = f64>, count: f64) -> f64 {
    let (mut sum, mut error) = (0.0f64, 0.0f64);
    for value in values {
        let next = sum + value;
        error += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
    }
    let mean = sum / count;
    mean + ((-mean).mul_add(count, sum) + error) / count
}

/// A system against the baseline: both scored on the same resamples.
pub(super) fn paired<M: CorpusMetric + ?Sized>(pair: &Paired<M>, system: &Statistics, options: TestOptions) -> Result<SystemResult> {
    let score = pair.metric.score(&system.totals()).value;
    let (own, baseline) = (Rows::new(system), Rows::new(&pair.baseline));
    let (mut own_scores, mut baseline_scores) = (vec![], vec![]);
    resamples(own.len(), options.samples, &mut Generator::new(options.seed), |drawn| {
        own_scores.push(pair.metric.resample(&own.sums(drawn)));
        baseline_scores.push(pair.metric.resample(&baseline.sums(drawn)));
    })?;
    let (own, baseline) = (Sample::new(&own_scores), Sample::new(&baseline_scores));
    let p = p_value(&own.centred_distances(&baseline), (pair.baseline_score - score).abs());
    Ok(SystemResult { score, p_value: Some(p), interval: Some(own.interval()) })
}
