//! Corpora as streams of records: TXT, TSV, CSV and JSONL files, read line by line, and Parquet files, read by row groups;
//! again from the start as often as wanted. In CoNLL files a record is a sentence.
//!
//! Rules for all formats: UTF-8 and nothing else; a byte order mark is dropped; LF and CRLF end a line; empty lines are
//! skipped. A column named `id` names the record (otherwise `line-N`, counted from 1), `language` sets its language,
//! `_` is left out, and any other column becomes a field.

mod columns;
mod conll;
mod csv_rows;
mod json;
mod layout;
mod lines;
mod turns;

use std::path::{Path, PathBuf};

use crate::parquet;
use columns::Columns;
pub use layout::Layout;
use lines::Lines;
use tongues_kernel::{Error, Name, Record, Records, Result, nearest, refuse};

/// How a text file is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One text a line.
    Txt,
    /// Columns between tabs, no quotes, no header: text, or id and text, or as `columns` says.
    Tsv,
    /// Columns between commas, quoted as in RFC 4180, with a header row unless `columns` is given.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Columns with types, lists and structs included.
    Parquet,
    /// A token a line with its tag, an empty line behind every sentence.
    Conll,
}

impl Format {
    /// The format that a file name's ending tells.
    ///
    /// # Errors
    /// The ending is not known.
    pub fn of(path: &Path) -> Result<Self> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        Ok(match ending.as_str() {
            "txt" => Self::Txt,
            "tsv" => Self::Tsv,
            "csv" => Self::Csv,
            "jsonl" | "ndjson" => Self::Jsonl,
            "parquet" => Self::Parquet,
            "conll" => Self::Conll,
            _ => {
                let found = if ending.is_empty() { "no ending".into() } else { format!(".{ending}") };
                return refuse(path.display(), "a file ending .txt, .tsv, .csv, .jsonl, .parquet or .conll", found, "give the format");
            }
        })
    }
}

/// A data set in one file.
#[derive(Clone, Debug, PartialEq)]
pub struct TextFile {
    /// What the recipe calls it.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// How it is laid out.
    pub format: Format,
    /// Names of the columns in order (TSV, CSV), or the keys to keep (JSONL, Parquet).
    pub columns: Option<Vec<String>>,
    /// What the keys mean (JSONL, Parquet).
    pub layout: Layout,
    /// The language of records that do not say theirs, such as `eus_Latn`.
    pub language: Option<String>,
    /// Read at most so many records.
    pub limit: Option<usize>,
}

impl TextFile {
    /// A file in the format that its name tells, all of it.
    ///
    /// # Errors
    /// The file name's ending is not known.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let format = Format::of(&path)?;
        Ok(Self { name: name.into(), path, format, columns: None, layout: Layout::Auto, language: None, limit: None })
    }

    /// Fails where the first read would: the file is missing, unreadable, empty, or its first record is malformed.
    ///
    /// # Errors
    /// As said.
    pub fn ensure_not_empty(&self) -> Result<()> {
        self.open()?.next().transpose().map(|_| ())
    }

    fn rows(&self) -> Result<Box<dyn Iterator<Item = Result<Record>> + '_>> {
        let columns = self.columns.as_deref().map(|names| Columns::given(names, &self.place())).transpose()?;
        if !matches!(self.layout, Layout::Auto | Layout::Plain) && !matches!(self.format, Format::Jsonl | Format::Parquet) {
            return refuse(self.place(), "a `layout` for JSONL or Parquet", "another format", "leave `layout` out, or convert the file to JSONL");
        }
        if let (Format::Txt | Format::Conll, Some(_)) = (self.format, &self.columns) {
            return refuse(self.place(), "no `columns` for a TXT or CoNLL file (their fields have names)", "columns", "use TSV or CSV");
        }
        let lines = || Lines::open(&self.path);
        Ok(match self.format {
            Format::Txt => Box::new(columns::txt(lines()?)),
            Format::Tsv => Box::new(columns::tsv(lines()?, columns)),
            Format::Csv => Box::new(csv_rows::Rows::open(&self.path, columns)?),
            Format::Conll => Box::new(conll::sentences(lines()?)),
            Format::Jsonl => Box::new(json::rows(lines()?, self.keys())),
            Format::Parquet => Box::new(json::table(parquet::Rows::open(&self.path)?, self.place(), self.keys())),
        })
    }

    /// Which keys are read, and as what. Keys that are listed are fields as they are, unless a layout is asked for.
    fn keys(&self) -> json::Keys<'_> {
        let layout = if self.layout == Layout::Auto && self.columns.is_some() { Layout::Plain } else { self.layout };
        json::Keys { only: self.columns.as_deref(), layout }
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn check(&self) -> Result<()> {
        if self.limit == Some(0) {
            return refuse(self.place(), "a `limit` of at least 1", 0, "leave `limit` out to read everything");
        }
        if self.path.is_dir() {
            return refuse(self.place(), "a file", "a folder", "name the file in it");
        }
        if self.path.exists() { Ok(()) } else { Err(no_such_file(&self.path)) }
    }
}

impl Records for TextFile {
    fn name(&self) -> &str {
        &self.name
    }

    fn open(&self) -> Result<Box<dyn Iterator<Item = Result<Record>> + '_>> {
        self.check()?;
        let mut rows = self.rows()?.map(|row| row.map(|record| self.in_language(record))).peekable();
        if rows.peek().is_none() {
            let remedy = "the file is empty or has only empty lines: check the path and how it was made";
            return refuse(self.place(), "at least one record", "none", remedy);
        }
        Ok(Box::new(rows.take(self.limit.unwrap_or(usize::MAX))))
    }
}

impl TextFile {
    fn in_language(&self, mut record: Record) -> Record {
        if record.language.is_none() {
            record.language = self.language.as_deref().map(Name::from);
        }
        record
    }
}

/// The id of a record that has none of its own.
fn line_id(line: u64) -> Name {
    Name::from(format!("line-{line}"))
}

fn no_such_file(path: &Path) -> Error {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut names: Vec<String> =
        std::fs::read_dir(folder).map(|entries| entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect()).unwrap_or_default();
    names.sort();
    let wanted = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let remedy = match nearest(&wanted, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`, in the same folder?"),
        None if !folder.is_dir() => format!("there is no folder {}", folder.display()),
        None => "check the path; it is taken from where the program runs".into(),
    };
    Error::input(path.display(), "a text file", "no such file", remedy)
}
