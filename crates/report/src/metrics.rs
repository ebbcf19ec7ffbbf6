//! `metrics.jsonl`: one JSON object a training step, each step exactly once.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::ReportError;
use crate::nan;

/// One line of `metrics.jsonl`. Keys that are not listed here are left to their writers and
/// ignored. A number that was not finite stands as `null` in the file and is NaN here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricLine {
    /// The training stage.
    pub stage: String,
    /// The optimiser step within the stage, counted from 1.
    pub step: u64,
    /// Tokens that the stage has trained on, up to and including this step.
    pub tokens: u64,
    /// Mean loss of the step by term, in the term's own unit (nats per token for `causal-lm`).
    #[serde(deserialize_with = "nan::map")]
    pub loss: BTreeMap<String, f64>,
    /// Learning rate of the first parameter group at this step.
    #[serde(deserialize_with = "nan::number")]
    pub learning_rate: f64,
    /// Euclidean norm of the whole gradient before clipping.
    #[serde(deserialize_with = "nan::number")]
    pub grad_norm: f64,
    /// The same by role of the tensors (`embed`, `query`, `norm`, …; `part` for adapters).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nan::optional_map")]
    pub grad_norms: Option<BTreeMap<String, f64>>,
    /// Tokens trained on per wall-clock second, over this step.
    #[serde(deserialize_with = "nan::number")]
    pub tokens_per_second: f64,
    /// Anonymous resident memory of the process in bytes; none where the system does not say.
    #[serde(default)]
    pub rss_anon_bytes: Option<u64>,
    /// Validation scores by name, on the steps that validated.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nan::optional_map")]
    pub validation: Option<BTreeMap<String, f64>>,
}

impl MetricLine {
    /// Appends this line to `out`, newline included, in one write.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn append(&self, out: &mut impl Write) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        out.write_all(&line)
    }
}

/// Parses the complete lines of `text` and says how many bytes they took, so that a reader who
/// follows a growing file goes on from there. A last line without its newline is still being
/// written, or was cut by a kill: it is left for the next call. Blank lines are skipped.
///
/// # Errors
/// A complete line that is not a metrics line; `place` and the line number are named.
pub fn parse_metrics(place: &str, text: &str) -> Result<(Vec<MetricLine>, usize), ReportError> {
    let complete = text.rfind('\n').map_or(0, |at| at + 1);
    let lines = text[..complete].lines().enumerate();
    let parsed = lines.filter(|(_, line)| !line.trim().is_empty()).map(|(index, line)| {
        let place = place.to_owned();
        let wrong = |found| ReportError::Metrics { place, line: index + 1, found };
        serde_json::from_str(line).map_err(wrong)
    });
    Ok((parsed.collect::<Result<_, _>>()?, complete))
}

/// Reads a whole `metrics.jsonl`, without a last line that was cut off.
///
/// # Errors
/// A file that cannot be read, and those of [`parse_metrics`].
pub fn read_metrics(path: &Path) -> Result<Vec<MetricLine>, ReportError> {
    let place = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(parse_metrics(&place, &text)?.0),
        Err(found) => Err(ReportError::Read { place, found }),
    }
}
