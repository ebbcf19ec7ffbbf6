//! CSV files as in RFC 4180: quoted cells may hold commas, quotes (doubled) and line breaks.

use std::{
    cell::Cell,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    rc::Rc,
};

use super::{columns::Columns, lines::Lines, lines::not_utf8};
use crate::atomic::failed;
use csv::{ByteRecord, Reader, ReaderBuilder};
use tongues_kernel::{Error, Record, Result, refuse};

/// The rows of a CSV file as records; ends after the first error.
pub(super) struct Rows {
    reader: Reader<Counted>,
    columns: Option<Columns>,
    row: ByteRecord,
    quotes: Rc<Cell<u64>>,
    path: PathBuf,
    done: bool,
}

impl Rows {
    pub(super) fn open(path: &Path, columns: Option<Columns>) -> Result<Self> {
        let file = File::open(path).map_err(|e| failed(path, &e))?;
        let quotes = Rc::new(Cell::new(0));
        let counted = Counted { file, quotes: quotes.clone() };
        // The count of columns is checked here, where the message can tell their names.
        let reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(counted);
        Ok(Self { reader, columns, row: ByteRecord::new(), quotes, path: path.to_owned(), done: false })
    }

    fn read(&mut self) -> Result<Option<Record>> {
        loop {
            if !self.read_row()? {
                return Ok(None);
            }
            let line = self.row.position().map_or(0, csv::Position::line);
            let at = Lines::place(&self.path, line);
            let cells = utf8(&self.row, &at)?;
            if let Some(columns) = &self.columns {
                return columns.record(cells.into_iter(), line, &at).map(Some);
            }
            let header: Vec<String> = cells.iter().map(|c| c.to_string()).collect();
            self.columns = Some(Columns::given(&header, &format!("{at}, header row"))?);
        }
    }

    /// Reads the next row; at the end of the file, quotes must have come in pairs.
    fn read_row(&mut self) -> Result<bool> {
        let last = self.row.position().map_or(1, csv::Position::line);
        let more = self.reader.read_byte_record(&mut self.row).map_err(|e| self.failed(&e))?;
        if self.reader.is_done() && self.quotes.get() % 2 == 1 {
            let line = if more { self.row.position().map_or(last, csv::Position::line) } else { last };
            let at = Lines::place(&self.path, line);
            let found = "an odd number of quotes; the last row begins on this line";
            let remedy = "put a cell that holds a quote in quotes and double the quote: \"say \"\"aye\"\"\"";
            return refuse(at, "every quote closed (RFC 4180)", found, remedy);
        }
        Ok(more)
    }

    fn failed(&self, error: &csv::Error) -> Error {
        Error::run(self.path.display(), error)
    }
}

impl Iterator for Rows {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = self.read().transpose();
        self.done = !matches!(row, Some(Ok(_)));
        row
    }
}

fn utf8<'r>(row: &'r ByteRecord, at: &str) -> Result<Vec<&'r str>> {
    let cell = |(i, bytes): (usize, &'r [u8])| std::str::from_utf8(bytes).map_err(|_| not_utf8(at, bytes, &format!("cell {}, byte", i + 1)));
    row.iter().enumerate().map(cell).collect()
}

/// Counts the quotes that pass, because the parser takes an open quote at the end of the file for a closed one.
struct Counted {
    file: File,
    quotes: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.file.read(buffer)?;
        let quotes = buffer[..n].iter().filter(|b| **b == b'"').count() as u64;
        self.quotes.set(self.quotes.get() + quotes);
        Ok(n)
    }
}
