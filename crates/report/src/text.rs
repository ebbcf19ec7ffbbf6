//! The score tables for a terminal: aligned columns, no colour.

use crate::change::Change;
use crate::forgetting::forgetting;
use crate::groups::{Group, Section, groups};
use crate::number;
use crate::paired;
use crate::schema::{Better, Comparison, Report, Score};
use crate::summary::summary;
use crate::terminal::steers;

/// The score tables, what was forgotten and the notes, as plain lines of text. Control
/// characters in names are replaced, so that no name can steer the terminal.
pub fn text(report: &Report) -> String {
    let mut out = vec![plain(&summary(report))];
    for group in groups(&report.scores) {
        out.push(String::new());
        out.extend(score_lines(&group));
        out.extend(paired_lines(&paired::of_group(report, &group), paired::places(&group)));
    }
    let forgotten: Vec<Vec<String>> = forgetting(report).iter().map(|row| vec![plain(&row.model), plain(row.data), plain(&row.words())]).collect();
    if !forgotten.is_empty() {
        out.extend([String::new(), "Forgetting, on the source language against the unadapted model:".to_owned()]);
        out.extend(aligned(&forgotten, 3));
    }
    if !report.notes.is_empty() {
        out.extend([String::new(), "Notes:".to_owned()]);
        out.extend(report.notes.iter().map(|note| format!("  {}", plain(note))));
    }
    out.join("\n") + "\n"
}

fn score_lines(group: &Group<'_>) -> Vec<String> {
    let direction = match group.better {
        Better::Lower => ", lower is better",
        Better::Higher => ", higher is better",
        Better::Neither => "",
    };
    let title = format!("{}: {} ({}){direction}", group.data, number::metric(group.metric), group.evaluator);
    let values: Vec<f64> = group.rows().map(|score| score.value).collect();
    let places = number::decimals(&values);
    let heads = ["model", "language", "value", "interval", "change", "n"].map(str::to_owned);
    let mut rows = vec![heads.to_vec()];
    for section in &group.sections {
        rows.extend(section.rows.iter().map(|score| row(section, score, places)));
    }
    let mut lines = vec![plain(&title)];
    lines.extend(aligned(&rows, 2));
    lines
}

/// Models against the first one, below their scores.
fn paired_lines(comparisons: &[&Comparison], places: usize) -> Vec<String> {
    if comparisons.is_empty() {
        return vec![];
    }
    let line = |c: &&Comparison| {
        let language = if c.language.is_empty() { "-" } else { &c.language };
        [plain(&paired::label(c, comparisons)), plain(language), c.word().to_owned()].into_iter().chain(c.numbers(places)).collect()
    };
    let heads = ["model", "language", "verdict", "difference", "interval", "p", "p (Holm)"].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(heads).chain(comparisons.iter().map(line)).collect();
    std::iter::once(format!("  {}", plain(&paired::about(comparisons)))).chain(aligned(&rows, 3)).collect()
}

fn row(section: &Section<'_>, score: &Score, places: usize) -> Vec<String> {
    let first = section.before(score);
    let interval = match (score.low, score.high) {
        (Some(low), Some(high)) => format!("{}..{}", number::end(low, score.value, places), number::end(high, score.value, places)),
        _ => "-".to_owned(),
    };
    let change = match Change::between(first, score) {
        _ if std::ptr::eq(first, score) => if score.reference { "unadapted" } else { "-" }.to_owned(),
        Some(change) => change.words(),
        None => "not defined".to_owned(),
    };
    let language = if section.language.is_empty() { "-" } else { section.language };
    let names = [plain(&section.label(score)), plain(language)];
    let numbers = [number::fixed(score.value, places), interval, change, score.n.to_string()];
    names.into_iter().chain(numbers).collect()
}

/// Columns as wide as their widest cell: the first `left` flush left, the others flush right.
fn aligned(rows: &[Vec<String>], left: usize) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let size = |cell: &String| cell.chars().count();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(size).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column < left {
            true => format!("{cell:<width$}"),
            false => format!("{cell:>width$}"),
        });
        format!("  {}", cells.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Text without control characters and without the marks that reorder a line.
fn plain(text: &str) -> String {
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}
