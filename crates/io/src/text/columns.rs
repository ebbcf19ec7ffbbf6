//! Rows with columns: their names, their count, and the records they make.

use std::{path::PathBuf, sync::Arc};

use super::{line_id, lines::Line, lines::Lines};
use tongues_kernel::{Name, Record, Result, Value, refuse};

/// The names of a file's columns.
#[derive(Clone, Debug)]
pub(super) struct Columns(Vec<Name>);

impl Columns {
    /// Names that the recipe gives, or a header row.
    pub(super) fn given(names: &[String], at: &str) -> Result<Self> {
        if names.iter().all(|n| n == "_") {
            return refuse(at, "at least one named column", format!("{names:?}"), "name one of them `text`");
        }
        for (i, name) in names.iter().enumerate() {
            if name.trim().is_empty() {
                let remedy = "name it in `columns`; `_` leaves a column out";
                return refuse(at, "a name for every column", format!("none for column {}", i + 1), remedy);
            }
            if name != "_" && names[..i].contains(name) {
                return refuse(at, "every column name once", format!("`{name}` twice"), "rename one of them");
            }
        }
        Ok(Self(names.iter().map(|n| Name::from(n.trim())).collect()))
    }

    /// What a TSV file without names must mean: text, or id and text.
    fn guessed(count: usize, at: &str) -> Result<Self> {
        match count {
            1 => Ok(Self(vec!["text".into()])),
            2 => Ok(Self(vec!["id".into(), "text".into()])),
            n => {
                let example: Vec<String> = (3..n).map(|i| format!("\"column{i}\"")).collect();
                let names = [vec!["\"id\"".to_string(), "\"text\"".into(), "\"other\"".into()], example].concat();
                let remedy = format!("say what they are: columns = [{}]; \"_\" leaves one out", names.join(", "));
                refuse(at, "one column (text) or two (id, text)", format!("{n} columns"), remedy)
            }
        }
    }

    /// The record of a row.
    pub(super) fn record<'c>(&self, cells: impl ExactSizeIterator<Item = &'c str>, line: u64, at: &str) -> Result<Record> {
        if cells.len() != self.0.len() {
            let expected = format!("{} columns ({})", self.0.len(), self.0.join(", "));
            let remedy = "a separator inside a text counts as a border: remove or quote it, or correct `columns`";
            return refuse(at, expected, cells.len(), remedy);
        }
        let mut record = Record { id: line_id(line), ..Record::default() };
        for (name, cell) in self.0.iter().zip(cells) {
            match &**name {
                "_" => {}
                "id" if cell.is_empty() => return refuse(at, "an id in the column `id`", "an empty cell", ""),
                "id" => record.id = cell.into(),
                "language" => record.language = (!cell.is_empty()).then(|| cell.into()),
                _ => drop(record.fields.insert(name.clone(), Value::Text(Arc::from(cell)))),
            }
        }
        Ok(record)
    }
}

/// A text a line.
pub(super) fn txt(lines: Lines) -> impl Iterator<Item = Result<Record>> {
    filled(lines).map(|line| line.map(|line| Record::of_text(line_id(line.number), line.text)))
}

/// Columns between tabs.
pub(super) fn tsv(lines: Lines, mut columns: Option<Columns>) -> impl Iterator<Item = Result<Record>> {
    let path: PathBuf = lines.path().to_owned();
    filled(lines).map(move |line| {
        let line = line?;
        let at = Lines::place(&path, line.number);
        let cells: Vec<&str> = line.text.split('\t').collect();
        if columns.is_none() {
            columns = Some(Columns::guessed(cells.len(), &at)?);
        }
        match &columns {
            Some(columns) => columns.record(cells.into_iter(), line.number, &at),
            None => refuse(at, "columns", "none", ""),
        }
    })
}

/// Lines with something on them. A tab counts: it makes a row of empty cells, which the column check judges.
fn filled(lines: Lines) -> impl Iterator<Item = Result<Line>> {
    lines.filter(|line| !matches!(line, Ok(line) if line.text.chars().all(|c| c.is_whitespace() && c != '\t')))
}
