//! A row group whose pages are unpacked here.

use ::parquet::basic::{Compression, CompressionCodec};
use ::parquet::bloom_filter::Sbbf;
use ::parquet::column::page::{Page, PageMetadata, PageReader};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::metadata::RowGroupMetaData;
use ::parquet::file::reader::RowGroupReader;
use ::parquet::file::serialized_reader::SerializedPageReader;
use ::parquet::record::reader::RowIter;
use ::parquet::schema::types::Type;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

/// Bytes that one page may hold: writers keep to a few megabytes.
const MOST: usize = 1 << 30;

/// A row group of a file.
pub(super) struct Group<'m> {
    file: Arc<File>,
    metadata: &'m RowGroupMetaData,
}

impl<'m> Group<'m> {
    pub(super) fn new(file: Arc<File>, metadata: &'m RowGroupMetaData) -> Self {
        Self { file, metadata }
    }
}

impl RowGroupReader for Group<'_> {
    fn metadata(&self) -> &RowGroupMetaData {
        self.metadata
    }
    fn num_columns(&self) -> usize {
        self.metadata.num_columns()
    }
    /// The crate's reader is told that pages are not packed, and so gives them as they lie in the file.
    fn get_column_page_reader(&self, i: usize) -> Result<Box<dyn PageReader>> {
        let column = self.metadata.column(i);
        let codec = column.compression_codec();
        let plain = column.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
        let rows = usize::try_from(self.metadata.num_rows())?;
        let pages = SerializedPageReader::new(self.file.clone(), &plain, rows, None)?;
        Ok(Box::new(Unpacked { pages, codec }))
    }
    fn get_column_bloom_filter(&self, _: usize) -> Option<&Sbbf> {
        None
    }
    fn get_row_iter(&self, projection: Option<Type>) -> Result<RowIter<'_>> {
        RowIter::from_row_group(projection, self)
    }
}

/// Snappy's raw format; the length that it claims is checked before anything is made for it.
fn unsnapped(packed: &[u8]) -> Result<Vec<u8>> {
    match snap::raw::decompress_len(packed) {
        Ok(length) if length > MOST => Err(wrong("a page of more than 1 GiB")),
        Ok(_) => snap::raw::Decoder::new().decompress_vec(packed).map_err(|e| wrong(&e.to_string())),
        Err(e) => Err(wrong(&e.to_string())),
    }
}

/// Pages of a column, unpacked.
struct Unpacked {
    pages: SerializedPageReader<File>,
    codec: CompressionCodec,
}

impl Unpacked {
    fn unpacked(&self, page: Page) -> Result<Page> {
        Ok(match page {
            Page::DictionaryPage { buf, num_values, encoding, is_sorted } => {
                Page::DictionaryPage { buf: self.bytes(&buf)?.into(), num_values, encoding, is_sorted }
            }
            Page::DataPage { buf, num_values, encoding, def_level_encoding, rep_level_encoding, statistics } => {
                Page::DataPage { buf: self.bytes(&buf)?.into(), num_values, encoding, def_level_encoding, rep_level_encoding, statistics }
            }
            // The levels at its start are never packed.
            Page::DataPageV2 { buf, num_values, encoding, num_nulls, num_rows, def_levels_byte_len, rep_levels_byte_len, is_compressed: true, statistics } => {
                let levels = def_levels_byte_len.saturating_add(rep_levels_byte_len) as usize;
                let (Some(before), Some(packed)) = (buf.get(..levels), buf.get(levels..)) else { return Err(wrong("levels longer than their page")) };
                let values = if packed.is_empty() { vec![] } else { self.bytes(packed)? };
                let buf = [before, &values].concat().into();
                Page::DataPageV2 { buf, num_values, encoding, num_nulls, num_rows, def_levels_byte_len, rep_levels_byte_len, is_compressed: false, statistics }
            }
            plain @ Page::DataPageV2 { .. } => plain,
        })
    }

    fn bytes(&self, packed: &[u8]) -> Result<Vec<u8>> {
        match self.codec {
            CompressionCodec::UNCOMPRESSED => Ok(packed.to_vec()),
            CompressionCodec::SNAPPY => unsnapped(packed),
            CompressionCodec::GZIP => all(flate2::read::MultiGzDecoder::new(packed)),
            CompressionCodec::ZSTD => all(ruzstd::decoding::StreamingDecoder::new(packed).map_err(|e| wrong(&e.to_string()))?),
            other => Err(wrong(&format!("pages packed with {other:?}, where snappy, gzip and zstd are read"))),
        }
    }
}

impl Iterator for Unpacked {
    type Item = Result<Page>;
    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Unpacked {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.pages.get_next_page()?.map(|page| self.unpacked(page)).transpose()
    }
    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }
    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }
}

fn all(packed: impl Read) -> Result<Vec<u8>> {
    let mut bytes = vec![];
    packed.take(MOST as u64 + 1).read_to_end(&mut bytes).map_err(|e| wrong(&e.to_string()))?;
    if bytes.len() > MOST { Err(wrong("a page of more than 1 GiB")) } else { Ok(bytes) }
}

fn wrong(what: &str) -> ParquetError {
    ParquetError::General(what.into())
}
