//! The header of a safetensors file, checked in full before a byte of data is touched.

use std::{collections::BTreeMap, fmt, ops::Range};

use super::Dtype;
use crate::config::plain;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use tongues_kernel::{Error, Result, refuse};

/// Longest header that readers accept, as in the reference implementation.
const MAX_HEADER: usize = 100_000_000;
const COPY_AGAIN: &str = "the file is damaged or cut off: copy it again and compare its size or SHA-256 with the source";
const WRITE_AGAIN: &str = "the file was not written by a correct safetensors writer: save it again";

/// What a header says of one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    /// Element type.
    pub dtype: Dtype,
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// Where its bytes lie in the file.
    pub(super) range: Range<usize>,
}

/// A checked header.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) tensors: BTreeMap<String, Info>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// Bytes of a tensor; `None` where the product does not fit or is no whole number of bytes.
pub(super) fn byte_len(dtype: Dtype, shape: &[usize]) -> Option<usize> {
    let elements = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d))?;
    let bits = elements.checked_mul(dtype.bitsize())?;
    (bits % 8 == 0).then_some(bits / 8)
}

/// Reads and checks the header of a whole file.
pub(super) fn parse(file: &[u8], at: &str) -> Result<Header> {
    let (json, start) = header_text(file, at)?;
    let raw: Entries = serde_json::from_str(json).map_err(|e| {
        let at = format!("{at}, byte {} of the header", e.column());
        Error::input(at, "a header in JSON with dtype, shape and data_offsets", plain(&e), COPY_AGAIN)
    })?;
    let mut tensors = BTreeMap::new();
    for (name, entry) in raw.tensors {
        let place = format!("{at}, tensor `{name}`");
        let info = entry.checked(start, file.len(), &place)?;
        if tensors.insert(name, info).is_some() {
            return refuse(place, "every name once", "the name twice", WRITE_AGAIN);
        }
    }
    check_tiling(&tensors, start..file.len(), at)?;
    Ok(Header { tensors, metadata: raw.metadata })
}

/// The JSON text of the header and where the data begins.
fn header_text<'f>(file: &'f [u8], at: &str) -> Result<(&'f str, usize)> {
    let Some((length, rest)) = file.split_first_chunk::<8>() else {
        let found = format!("{} bytes", file.len());
        return refuse(at, "a safetensors file (at least 8 bytes)", found, COPY_AGAIN);
    };
    let length = u64::from_le_bytes(*length);
    let header = usize::try_from(length).ok().filter(|n| *n <= MAX_HEADER).and_then(|n| rest.get(..n));
    let Some(header) = header else {
        refuse_other_formats(file, at)?;
        let expected = format!("a header inside the file ({} bytes)", file.len());
        return refuse(at, expected, format!("a header length of {length} bytes"), COPY_AGAIN);
    };
    match std::str::from_utf8(header) {
        Ok(text) if text.starts_with('{') => Ok((text, 8 + header.len())),
        Ok(_) => refuse(at, "a header that begins with {", "something else", COPY_AGAIN),
        Err(e) => {
            let found = format!("byte 0x{:02x} at byte {}", header[e.valid_up_to()], 8 + e.valid_up_to());
            refuse(at, "a header in UTF-8", found, COPY_AGAIN)
        }
    }
}

/// Names what is no safetensors file; asked only when the length is impossible, since a length may look like a mark.
fn refuse_other_formats(file: &[u8], at: &str) -> Result<()> {
    let is = |magic: &[u8]| file.starts_with(magic);
    if is(b"version https://git-lfs") {
        return refuse(at, "a safetensors file", "a Git LFS pointer", "fetch the file itself: `git lfs pull`");
    }
    if is(b"PK\x03\x04") || is(b"\x80\x02") || is(b"\x80\x04") {
        return refuse(at, "a safetensors file", "a pickle, which can run code when opened", super::missing::CONVERT);
    }
    Ok(())
}

/// The data area must be covered without holes or overlaps, to the last byte.
fn check_tiling(tensors: &BTreeMap<String, Info>, data: Range<usize>, at: &str) -> Result<()> {
    let mut order: Vec<(&String, &Range<usize>)> = tensors.iter().map(|(name, info)| (name, &info.range)).collect();
    order.sort_by_key(|(_, range)| (range.start, range.end));
    let mut end = data.start;
    for (name, range) in order {
        if range.start != end {
            let what = if range.start < end { "an overlap with the tensor before it" } else { "a hole before it" };
            let place = format!("{at}, tensor `{name}`");
            return refuse(place, "tensors that follow one another in the file", what, WRITE_AGAIN);
        }
        end = range.end;
    }
    if end != data.end {
        let expected = format!("{} bytes of tensors, as in the header", end - data.start);
        return refuse(at, expected, data.len(), COPY_AGAIN);
    }
    Ok(())
}

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

impl Entry {
    fn checked(self, start: usize, file_len: usize, at: &str) -> Result<Info> {
        let Ok(dtype) = serde_json::from_value::<Dtype>(serde_json::Value::String(self.dtype.clone())) else {
            let known = "a known dtype (F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL, F8_…)";
            return refuse(at, known, format!("`{}`", self.dtype), "save the tensor in one of these types");
        };
        let shape = self.shape;
        let Some(bytes) = byte_len(dtype, &shape) else {
            return refuse(at, "a shape that fits in memory", format!("{shape:?} of {dtype}"), WRITE_AGAIN);
        };
        let (begin, end) = self.data_offsets;
        if begin > end || end > file_len - start {
            let expected = format!("data_offsets within the file's {} bytes of data", file_len - start);
            return refuse(at, expected, format!("[{begin}, {end}]"), COPY_AGAIN);
        }
        if end - begin != bytes {
            let expected = format!("{bytes} bytes for {shape:?} of {dtype}");
            return refuse(at, expected, end - begin, WRITE_AGAIN);
        }
        Ok(Info { dtype, shape, range: start + begin..start + end })
    }
}

/// The header's entries in file order, duplicates kept, so that they can be refused.
struct Entries {
    tensors: Vec<(String, Entry)>,
    metadata: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> std::result::Result<Entries, M::Error> {
        let mut entries = Entries { tensors: vec![], metadata: BTreeMap::new() };
        while let Some(key) = map.next_key::<String>()? {
            if key == "__metadata__" {
                entries.metadata = map.next_value::<Option<_>>()?.unwrap_or_default();
            } else {
                entries.tensors.push((key, map.next_value()?));
            }
        }
        Ok(entries)
    }
}
