//! Lines of a file, one at a time: numbered, strictly UTF-8, without line ends and byte order mark.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use crate::atomic::failed;
use tongues_kernel::{Error, Result};

/// A numbered line.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: u64,
    pub(super) text: String,
}

/// The lines of a file, empty ones included; ends after the first error.
pub(super) struct Lines {
    reader: BufReader<File>,
    number: u64,
    path: std::path::PathBuf,
    broken: bool,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| failed(path, &e))?;
        Ok(Self { reader: BufReader::with_capacity(1 << 16, file), number: 0, path: path.to_owned(), broken: false })
    }

    /// `FILE:LINE`.
    pub(super) fn place(path: &Path, line: u64) -> String {
        format!("{}:{line}", path.display())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn read(&mut self) -> Result<Option<Line>> {
        let mut bytes = Vec::new();
        if self.reader.read_until(b'\n', &mut bytes).map_err(|e| failed(&self.path, &e))? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.number == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        strip_end(&mut bytes);
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(Line { number: self.number, text })),
            Err(e) => Err(not_utf8(&Self::place(&self.path, self.number), e.as_bytes(), "column")),
        }
    }
}

impl Iterator for Lines {
    type Item = Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        let line = self.read().transpose();
        self.broken = matches!(line, Some(Err(_)));
        line
    }
}

fn strip_end(bytes: &mut Vec<u8>) {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
}

/// The error for bytes that are not UTF-8; the position is counted in bytes, from 1.
pub(super) fn not_utf8(at: &str, bytes: &[u8], unit: &str) -> Error {
    let bad = std::str::from_utf8(bytes).err().map_or(0, |e| e.valid_up_to());
    let found = format!("byte 0x{:02x} at {unit} {}", bytes.get(bad).copied().unwrap_or_default(), bad + 1);
    let wide = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let from = if wide { "UTF-16" } else { "ISO-8859-1 (or whichever it is)" };
    Error::input(at, "UTF-8", found, format!("convert the file: `iconv -f {from} -t UTF-8 OLD > NEW`"))
}
