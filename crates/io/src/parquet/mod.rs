//! Parquet files as records, one row group in memory at a time.
//!
//! Columns are fields as the keys of a JSON object are, nested lists and structs included, so that all layouts of instruction
//! data are read. The `parquet` crate reads the file; pages are unpacked here, because the crate's own codecs would bring
//! libraries under licences that this project does not link.

mod pages;
mod values;

use crate::atomic::failed;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use ::parquet::record::reader::RowIter;
use pages::Group;
use serde_json::{Map, Value as Json};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tongues_kernel::{Error, Result};

/// The rows of a file as JSON objects, with their numbers from 1; ends after the first error.
pub(crate) struct Rows {
    file: Arc<File>,
    metadata: ParquetMetaData,
    path: PathBuf,
    group: usize,
    row: u64,
    ready: std::vec::IntoIter<Map<String, Json>>,
    done: bool,
}

impl Rows {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| failed(path, &e))?;
        let metadata = sound(|| ParquetMetaDataReader::new().parse_and_finish(&file)).map_err(|e| damaged(path, &e))?;
        Ok(Self { file: Arc::new(file), metadata, path: path.to_owned(), group: 0, row: 0, ready: vec![].into_iter(), done: false })
    }

    fn read(&mut self) -> Result<Option<(u64, Map<String, Json>)>> {
        loop {
            if let Some(object) = self.ready.next() {
                self.row += 1;
                return Ok(Some((self.row, object)));
            }
            if self.group == self.metadata.num_row_groups() {
                return Ok(None);
            }
            self.ready = self.read_group()?.into_iter();
            self.group += 1;
        }
    }

    fn read_group(&self) -> Result<Vec<Map<String, Json>>> {
        let group = Group::new(self.file.clone(), self.metadata.row_group(self.group));
        let rows = sound(|| RowIter::from_row_group(None, &group)?.collect::<std::result::Result<Vec<_>, _>>());
        let rows = rows.map_err(|e| damaged(&self.path, &e))?;
        let object = |(i, row)| values::object(row).map_err(|e| e.within(format!("{}, row {}", self.path.display(), self.row + i as u64 + 1)));
        rows.iter().enumerate().map(object).collect()
    }
}

impl Iterator for Rows {
    type Item = Result<(u64, Map<String, Json>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = self.read().transpose();
        self.done = !matches!(row, Some(Ok(_)));
        row
    }
}

/// Damage that the crate below does not expect must not end the program: a panic in it is an error here.
fn sound<T>(read: impl FnOnce() -> std::result::Result<T, ParquetError>) -> std::result::Result<T, ParquetError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(ParquetError::General("values that contradict each other".into())))
}

fn damaged(path: &Path, error: &ParquetError) -> Error {
    let remedy = "take the file from the source again; a file with another codec can be written anew: `pq.write_table(table, 'NEW', compression='zstd')`";
    Error::input(path.display(), "a whole Parquet file", error, remedy)
}
