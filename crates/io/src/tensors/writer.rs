//! Writing one safetensors file in a stream: the plan first, then the tensors, in any order, each once.

use std::{
    collections::BTreeMap,
    io::{Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::{Dtype, convert, header::byte_len};
use crate::atomic::{self, failed};
use crate::disk;
use serde_json::json;
use tempfile::NamedTempFile;
use tongues_kernel::{Error, Result, refuse};

/// Name, type and shape of a tensor to come.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorSpec {
    /// Its name in the file.
    pub name: String,
    /// The type it is stored in.
    pub dtype: Dtype,
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
}

impl TensorSpec {
    /// A tensor to come.
    pub fn new(name: impl Into<String>, dtype: Dtype, shape: impl Into<Vec<usize>>) -> Self {
        Self { name: name.into(), dtype, shape: shape.into() }
    }

    /// Bytes of data.
    pub(super) fn bytes(&self) -> Result<usize> {
        let what = || Error::input(format!("tensor `{}`", self.name), "a shape that fits", format!("{:?}", self.shape), "");
        byte_len(self.dtype, &self.shape).ok_or_else(what)
    }
}

/// A whole tensor to write.
#[derive(Clone, Debug)]
pub struct TensorOut {
    /// Name, stored type and shape.
    pub spec: TensorSpec,
    /// Its numbers.
    pub data: Data,
}

/// Numbers of a tensor to write.
#[derive(Clone, Debug)]
pub enum Data {
    /// Floats, converted to the stored type.
    F32(Vec<f32>),
    /// Bytes in the stored type, little endian.
    Bytes(Vec<u8>),
}

/// The metadata that every reader accepts: `{"format": "pt"}`.
pub fn pt_metadata() -> BTreeMap<String, String> {
    BTreeMap::from([("format".into(), "pt".into())])
}

/// Writes one file from tensors in memory.
///
/// # Errors
/// As [`Writer`].
pub fn write(path: &Path, tensors: &[TensorOut], metadata: &BTreeMap<String, String>) -> Result<()> {
    let plan: Vec<TensorSpec> = tensors.iter().map(|t| t.spec.clone()).collect();
    let mut writer = Writer::create(path, &plan, metadata)?;
    for tensor in tensors {
        match &tensor.data {
            Data::F32(values) => writer.push(&tensor.spec.name, values)?,
            Data::Bytes(bytes) => writer.push_bytes(&tensor.spec.name, bytes)?,
        }
    }
    writer.finish()
}

/// A safetensors file in the making; it appears under its name when [`finish`](Writer::finish) is called.
///
/// The layout is that of the reference writer (wider types first, then by name), so equal tensors give equal bytes.
#[derive(Debug)]
pub struct Writer {
    file: NamedTempFile,
    path: PathBuf,
    /// Tensors still to come, with the place of their bytes.
    open: BTreeMap<String, (TensorSpec, u64)>,
}

impl Writer {
    /// Starts a file that will hold the tensors of `plan`.
    ///
    /// # Errors
    /// A name stands twice or is reserved, a shape is too large, or the folder cannot be written.
    pub fn create(path: &Path, plan: &[TensorSpec], metadata: &BTreeMap<String, String>) -> Result<Self> {
        let (header, open) = lay_out(plan, metadata).map_err(|e| e.within(path.display()))?;
        let mut file = atomic::partial_file(path)?;
        disk::write(&mut file, &header, path).map_err(|e| failed(path, &e))?;
        Ok(Self { file, path: path.to_owned(), open })
    }

    /// Writes a tensor from floats, converted to the type of the plan.
    ///
    /// # Errors
    /// The name is not planned or was written before, the count differs from the shape, a number does not fit in F16,
    /// or the disk fails.
    pub fn push(&mut self, name: &str, values: &[f32]) -> Result<()> {
        let (spec, offset) = self.take(name)?;
        let at = format!("{}, tensor `{name}`", self.path.display());
        let expected: usize = spec.shape.iter().product();
        if expected != values.len() {
            return refuse(at, format!("{expected} numbers for {:?}", spec.shape), values.len(), "");
        }
        self.file.seek(SeekFrom::Start(offset)).map_err(|e| failed(&self.path, &e))?;
        let mut bytes = Vec::with_capacity(8 << 16);
        for chunk in values.chunks(1 << 16) {
            bytes.clear();
            convert::from_f32(chunk, spec.dtype, &mut bytes, &at)?;
            disk::write(&mut self.file, &bytes, &self.path).map_err(|e| failed(&self.path, &e))?;
        }
        Ok(())
    }

    /// Writes a tensor from bytes in the type of the plan, little endian.
    ///
    /// # Errors
    /// As [`push`](Writer::push).
    pub fn push_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let (spec, offset) = self.take(name)?;
        let expected = spec.bytes()?;
        if expected != bytes.len() {
            let at = format!("{}, tensor `{name}`", self.path.display());
            return refuse(at, format!("{expected} bytes for {:?} of {}", spec.shape, spec.dtype), bytes.len(), "");
        }
        let write = self.file.seek(SeekFrom::Start(offset)).and_then(|_| disk::write(&mut self.file, bytes, &self.path));
        write.map_err(|e| failed(&self.path, &e))
    }

    /// Flushes the file and gives it its name.
    ///
    /// # Errors
    /// A planned tensor was not written, or the disk fails.
    pub fn finish(self) -> Result<()> {
        if let Some(name) = self.open.keys().next() {
            let found = format!("{} of them still missing, first `{name}`", self.open.len());
            return refuse(self.path.display(), "every planned tensor", found, "");
        }
        atomic::persist(self.file, &self.path)
    }

    fn take(&mut self, name: &str) -> Result<(TensorSpec, u64)> {
        match self.open.remove(name) {
            Some(found) => Ok(found),
            None => refuse(self.path.display(), "a planned tensor, once", format!("`{name}`"), ""),
        }
    }
}

type Places = BTreeMap<String, (TensorSpec, u64)>;

/// The header's bytes, and where each tensor's bytes go.
pub(super) fn lay_out(plan: &[TensorSpec], metadata: &BTreeMap<String, String>) -> Result<(Vec<u8>, Places)> {
    let mut order: Vec<&TensorSpec> = plan.iter().collect();
    order.sort_by(|a, b| b.dtype.cmp(&a.dtype).then_with(|| a.name.cmp(&b.name)));
    let mut root = serde_json::Map::new();
    if !metadata.is_empty() {
        root.insert("__metadata__".into(), json!(metadata));
    }
    let (mut begin, mut places) = (0usize, Places::new());
    for spec in order {
        let end = begin + spec.bytes()?;
        let entry = json!({"dtype": spec.dtype, "shape": spec.shape, "data_offsets": [begin, end]});
        if spec.name == "__metadata__" || root.insert(spec.name.clone(), entry).is_some() {
            return refuse("plan", "every name once, and none `__metadata__`", format!("`{}`", spec.name), "");
        }
        places.insert(spec.name.clone(), (spec.clone(), begin as u64));
        begin = end;
    }
    let mut text = serde_json::Value::Object(root).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    let start = 8 + text.len() as u64;
    places.values_mut().for_each(|(_, offset)| *offset += start);
    Ok(((text.len() as u64).to_le_bytes().into_iter().chain(text).collect(), places))
}
