//! What can go wrong with the two files: the place, what was expected, what was found, what to do.

use crate::schema::SCHEMA;

/// A report or metrics file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file cannot be opened or read.
    #[error("{place}: expected a readable UTF-8 file, found: {found}; check the path and its permissions")]
    Read {
        /// The file.
        place: String,
        /// What the system said.
        found: std::io::Error,
    },
    /// The file cannot be written.
    #[error("{place}: expected to write this file, found: {found}; check the folder, its permissions and the free space")]
    Write {
        /// The file.
        place: String,
        /// What the system said.
        found: std::io::Error,
    },
    /// The report has another schema version than this build reads.
    #[error("{place}: expected \"schema\": {SCHEMA}, found {found}; {remedy}")]
    Schema {
        /// The file.
        place: String,
        /// The version found, or words for its absence.
        found: String,
        /// What helps.
        remedy: &'static str,
    },
    /// The report is not JSON, or a field is missing, unknown or of the wrong type.
    #[error("{place}: expected a report of schema {SCHEMA}, found: {found}; write the report again with `tongues run`, or mend the named field")]
    Json {
        /// The file.
        place: String,
        /// What the JSON reader said, with line and column where it knows them.
        found: serde_json::Error,
    },
    /// A line of the metrics file is not a metrics line.
    #[error(
        "{place}:{line}: expected one JSON object a line with stage, step, tokens, loss, learning_rate, grad_norm, tokens_per_second, found: {found}; remove the line or restore the file"
    )]
    Metrics {
        /// The file.
        place: String,
        /// The line, counted from 1.
        line: usize,
        /// What the JSON reader said.
        found: serde_json::Error,
    },
}
