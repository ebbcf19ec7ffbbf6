//! `report.json`, schema 1.
//!
//! Field names, their meaning and their units are a stable interface: other programs read this
//! file. A key that this version does not know is refused, so every field that is added after the
//! first release raises [`SCHEMA`].

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ReportError;
use crate::nan;

/// The schema version that this crate writes and reads.
pub const SCHEMA: u32 = 1;

/// Everything one run found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The version of this layout, [`SCHEMA`].
    pub schema: u32,
    /// The recipe's `name`.
    pub recipe: String,
    /// The seed that all randomness of the run came from.
    pub seed: u64,
    /// The recipe's `[language]`, where it has one. Needed for the forgetting section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Languages>,
    /// All scores, in the order in which they were measured; pages keep this order.
    #[serde(default)]
    pub scores: Vec<Score>,
    /// Models against the first one of their stage, on the same records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<Comparison>,
    /// Judged claims of a paper's recipe, free in form; `text` and `verdict` are shown.
    #[serde(default)]
    pub claims: Vec<Value>,
    /// Sentences for the reader: what was dropped, truncated, not judged.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Wall-clock seconds, by stage.
    #[serde(default, deserialize_with = "nan::map")]
    pub timing: BTreeMap<String, f64>,
    /// Bytes, by what was measured (for instance `peak_rss_anon`).
    #[serde(default)]
    pub memory: BTreeMap<String, u64>,
    /// The training stages whose steps stand in `metrics.jsonl`, in the order to draw them.
    #[serde(default)]
    pub curves: Vec<CurveRef>,
}

/// The two languages of an adaptation, as the recipe writes them (`eng_Latn`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Languages {
    /// The language that the unadapted model knows.
    pub source: String,
    /// The language that it is adapted to.
    pub target: String,
}

/// One measured value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The stage that measured it.
    pub stage: String,
    /// The model that was measured.
    pub model: String,
    /// The plugin that measured it (`bits-per-byte`).
    pub evaluator: String,
    /// The data set it was measured on.
    pub data: String,
    /// The language of that data; empty where the data does not say.
    #[serde(default)]
    pub language: String,
    /// What `value` is, and so its unit (`bits_per_byte`, `chrf`, `accuracy`).
    pub metric: String,
    /// The value, in the metric's unit; NaN (JSON `null`) where it is not defined.
    #[serde(deserialize_with = "nan::number")]
    pub value: f64,
    /// Lower end of the 95 % interval of `value`, in the metric's unit.
    #[serde(default)]
    pub low: Option<f64>,
    /// Upper end of the 95 % interval of `value`, in the metric's unit.
    #[serde(default)]
    pub high: Option<f64>,
    /// Number of examples that `value` was computed from.
    pub n: u64,
    /// Which direction is an improvement.
    pub better: Better,
    /// Whether this is the unadapted model, against which changes are counted.
    #[serde(default)]
    pub reference: bool,
}

/// A model against the first one of its stage, on the same records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The stage that measured both.
    pub stage: String,
    /// The plugin that measured both.
    pub evaluator: String,
    /// The data set.
    pub data: String,
    /// The language of that data; `average` is the mean over languages.
    #[serde(default)]
    pub language: String,
    /// What was measured.
    pub metric: String,
    /// The first model.
    pub baseline: String,
    /// The other one.
    pub model: String,
    /// The model's value less the baseline's.
    #[serde(deserialize_with = "nan::number")]
    pub difference: f64,
    /// Lower end of the 95 % interval of `difference`, by a paired bootstrap.
    #[serde(deserialize_with = "nan::number")]
    pub low: f64,
    /// Upper end of that interval.
    #[serde(deserialize_with = "nan::number")]
    pub high: f64,
    /// The share of random exchanges between the two models that make a difference of at least this size.
    pub p: f64,
    /// `p` corrected by Holm's method over the comparisons of the same stage, evaluator, data and metric.
    pub p_holm: f64,
    /// Number of examples.
    pub n: u64,
    /// Which direction is an improvement.
    pub better: Better,
}

/// Which direction of a metric is an improvement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Smaller values are better, as for bits per byte.
    Lower,
    /// Larger values are better, as for accuracy.
    Higher,
    /// Neither: a description, such as a length.
    Neither,
}

/// A training stage that has a curve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurveRef {
    /// The stage, as named in `metrics.jsonl`.
    pub stage: String,
}

impl Report {
    /// An empty report of the current schema.
    pub fn new(recipe: impl Into<String>, seed: u64) -> Self {
        Report {
            schema: SCHEMA,
            recipe: recipe.into(),
            seed,
            language: None,
            scores: Vec::new(),
            comparisons: Vec::new(),
            claims: Vec::new(),
            notes: Vec::new(),
            timing: BTreeMap::new(),
            memory: BTreeMap::new(),
            curves: Vec::new(),
        }
    }

    /// Reads a report from JSON text; `place` names it in errors.
    ///
    /// # Errors
    /// Text that is not JSON, another schema version, a missing, unknown or mistyped field.
    pub fn from_json(place: &str, text: &str) -> Result<Self, ReportError> {
        let json = |found| ReportError::Json { place: place.to_owned(), found };
        let value: Value = serde_json::from_str(text).map_err(json)?;
        check_schema(place, &value)?;
        // Read again from the text: errors then carry line and column.
        serde_json::from_str(text).map_err(json)
    }

    /// Reads `report.json`.
    ///
    /// # Errors
    /// A file that cannot be read, and those of [`Report::from_json`].
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let place = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::from_json(&place, &text),
            Err(found) => Err(ReportError::Read { place, found }),
        }
    }

    /// The report as indented JSON with a newline at its end.
    ///
    /// # Errors
    /// None is known for values that this crate can hold; the JSON writer's are passed on.
    pub fn to_json(&self) -> Result<String, ReportError> {
        let place = "report.json".to_owned();
        match serde_json::to_string_pretty(self) {
            Ok(text) => Ok(text + "\n"),
            Err(found) => Err(ReportError::Json { place, found }),
        }
    }

    /// Writes `report.json`: a neighbour file first, synced, then renamed, so that the final name
    /// never holds half a report.
    ///
    /// # Errors
    /// A folder or file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        let text = self.to_json()?;
        let place = path.display().to_string();
        replace(path, &text).map_err(|found| ReportError::Write { place, found })
    }
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let mut file = std::fs::File::create(&partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&partial, path)
}

fn check_schema(place: &str, value: &Value) -> Result<(), ReportError> {
    let found = value.get("schema");
    let version = found.and_then(Value::as_u64);
    if version == Some(u64::from(SCHEMA)) {
        return Ok(());
    }
    let newer = version.is_some_and(|version| version > u64::from(SCHEMA));
    Err(ReportError::Schema {
        place: place.to_owned(),
        found: found.map_or("no \"schema\" key".to_owned(), Value::to_string),
        remedy: match newer {
            true => "a newer tongues wrote this file: update tongues to read it",
            false => "this is no report of tongues, or too old a one: name the report.json of a run, or run the recipe again",
        },
    })
}
