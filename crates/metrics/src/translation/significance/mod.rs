//! Whether two systems differ: paired bootstrap resampling (Koehn 2004) and paired approximate randomization (Riezler and
//! Maxwell 2005), as sacrebleu 2.6 does them.
//!
//! Resamples are drawn as numpy's `default_rng(seed)` draws them and added up in single precision as numpy adds, so that p-values and
//! intervals are sacrebleu's, not only like them. sacrebleu's own seed is 12345.

pub(crate) mod bootstrap;
mod generator;
mod randomization;
mod sample;

pub use generator::Generator;

use super::{CorpusMetric, Interval, References, Signature, Statistics};
use crate::error::{MetricError, Result};
use sample::Sample;

/// sacrebleu's seed.
pub const SEED: u64 = 12345;

/// How many draws a test takes, and from which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestOptions {
    /// Resamples or trials; sacrebleu takes 1000 resamples and 10000 trials.
    pub samples: usize,
    /// Resamples for the intervals beside a randomization test; none where absent.
    pub interval_samples: Option<usize>,
    /// The generator's seed.
    pub seed: u64,
}

impl TestOptions {
    /// 1000 resamples.
    pub fn bootstrap() -> Self {
        Self { samples: 1000, interval_samples: None, seed: SEED }
    }

    /// 10000 trials, no intervals.
    pub fn randomization() -> Self {
        Self { samples: 10_000, interval_samples: None, seed: SEED }
    }
}

/// A system in a paired test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SystemResult {
    /// Its score on the corpus.
    pub score: f64,
    /// How often chance alone makes such a difference to the baseline; none for the baseline itself.
    pub p_value: Option<f64>,
    /// Over bootstrap resamples.
    pub interval: Option<Interval>,
}

/// What a paired test found.
#[derive(Clone, Debug, PartialEq)]
pub struct PairedResult {
    /// With the seed and the number of samples.
    pub signature: Signature,
    /// The baseline, then the systems in their order.
    pub systems: Vec<SystemResult>,
}

/// The statistics of a baseline and of systems, and what their scores are.
struct Paired<'a, M: ?Sized> {
    metric: &'a M,
    baseline: Statistics,
    baseline_score: f64,
}

impl<'a, M: CorpusMetric + ?Sized> Paired<'a, M> {
    fn new(metric: &'a M, baseline: &[&str], references: &References) -> Result<Self> {
        let baseline = metric.statistics(baseline, references)?;
        let baseline_score = metric.score(&baseline.totals()).value;
        Ok(Self { metric, baseline, baseline_score })
    }

    fn baseline_result(&self, samples: Option<usize>, seed: u64) -> Result<SystemResult> {
        let interval = samples.map(|n| bootstrap::interval(self.metric, &self.baseline, n, &mut Generator::new(seed))).transpose()?;
        Ok(SystemResult { score: self.baseline_score, p_value: None, interval })
    }
}

/// Paired bootstrap resampling of every system against the baseline.
///
/// # Errors
/// Lists of unequal length, no segments, or no samples.
pub fn paired_bootstrap<M: CorpusMetric + ?Sized>(
    metric: &M,
    baseline: &[&str],
    systems: &[&[&str]],
    references: &References,
    options: TestOptions,
) -> Result<PairedResult> {
    let paired = Paired::new(metric, baseline, references)?;
    let mut results = vec![paired.baseline_result(Some(options.samples), options.seed)?];
    for system in systems {
        let statistics = metric.statistics(system, references)?;
        results.push(bootstrap::paired(&paired, &statistics, options)?);
    }
    let signature = metric.signature(references).with("seed", options.seed.to_string()).with("bs", options.samples.to_string());
    Ok(PairedResult { signature, systems: results })
}

/// Paired approximate randomization of every system against the baseline.
///
/// # Errors
/// As [`paired_bootstrap`].
pub fn paired_randomization<M: CorpusMetric + ?Sized>(
    metric: &M,
    baseline: &[&str],
    systems: &[&[&str]],
    references: &References,
    options: TestOptions,
) -> Result<PairedResult> {
    let paired = Paired::new(metric, baseline, references)?;
    let mut results = vec![paired.baseline_result(options.interval_samples, options.seed)?];
    for system in systems {
        let statistics = metric.statistics(system, references)?;
        results.push(randomization::paired(&paired, &statistics, options)?);
    }
    let mut signature = metric.signature(references).with("seed", options.seed.to_string()).with("ar", options.samples.to_string());
    if let Some(samples) = options.interval_samples {
        signature = signature.with("bs", samples.to_string());
    }
    Ok(PairedResult { signature, systems: results })
}

fn some_samples(samples: usize) -> Result<()> {
    if samples > 0 { Ok(()) } else { Err(MetricError::new("samples", "at least 1", "0", "sacrebleu takes 1000 resamples or 10000 trials")) }
}

/// The share of samples beyond the real difference, never zero.
fn p_value(samples: &Sample, difference: f64) -> f64 {
    (samples.beyond(difference) + 1) as f64 / (samples.len() + 1) as f64
}
