//! What a run found, for programs and for people.
//!
//! A run leaves two files: `report.json` ([`Report`]: scores, times, memory, notes) and
//! `metrics.jsonl` (one [`MetricLine`] a training step). From these two this crate makes
//!
//! - [`html()`]: one self-contained page with tables, intervals, forgetting and loss curves,
//! - [`text()`]: the score tables for a terminal,
//! - [`ahead()`]: a page about models that may be merged,
//! - [`compare()`]: one report out of several runs, which the two above then show side by side.
//!
//! Everything shown is computed from the files; nothing is fetched and no script is run. Names
//! that come from a recipe or a data file are treated as hostile: the page escapes all of them
//! in one place, and the terminal tables drop control characters.

mod ahead;
mod change;
mod chart;
mod compare;
mod curves;
mod error;
mod forgetting;
mod forgotten;
mod groups;
mod html;
mod markup;
mod metrics;
mod nan;
mod number;
mod paired;
mod scale;
mod schema;
mod sections;
mod summary;
mod svg;
mod table;
mod terminal;
mod text;

pub use ahead::{Ahead, Heat, Sheet, ahead};
pub use compare::{compare, of_run};
pub use error::ReportError;
pub use html::html;
pub use metrics::{MetricLine, parse_metrics, read_metrics};
pub use schema::{Better, Comparison, CurveRef, Languages, Report, SCHEMA, Score};
pub use summary::summary;
pub use terminal::{harmless, harmless_json, steers};
pub use text::text;
