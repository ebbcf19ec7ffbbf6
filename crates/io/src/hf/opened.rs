//! A model folder read tensor by tensor: headers are checked as in loading, numbers stay on the disk.

use super::fill::names;
use super::load::{network, stored_dtype};
use super::reading::Reading;
use super::stored;
use crate::tokenizer::HfTokenizer;
use crate::{Checkpoint, Dtype, config};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tongues_kernel::burn::tensor::DType;
use tongues_kernel::{Context, MergeInput, Result, Role, Site, Slice, Spec, refuse};

/// A model whose tensors are read on demand, by their names in memory and in the layout of its files.
pub struct Opened {
    /// Its folder.
    pub dir: PathBuf,
    /// What its family says of it.
    pub spec: Spec,
    /// The type of most of its numbers.
    pub dtype: Dtype,
    checkpoint: Checkpoint,
    /// Name in memory to name in the files.
    places: BTreeMap<String, String>,
}

impl Opened {
    /// Opens a folder.
    ///
    /// # Errors
    /// As loading: the family is unknown, a tensor is missing, has another shape, or is not used.
    pub fn open(dir: &Path, cx: &mut dyn Context) -> Result<Self> {
        let how = Reading::default();
        let written = config::read_config(dir)?;
        let checkpoint = Checkpoint::open(dir)?;
        let backbone = network(dir, &written, &checkpoint, &how, cx)?;
        let places = names(&backbone, &checkpoint, dir, &how)?;
        let dtype = stored_dtype(&checkpoint)?;
        let mut spec = backbone.0.spec().clone();
        spec.config = written;
        Ok(Self { dir: dir.to_owned(), spec, dtype, checkpoint, places })
    }

    /// Names and shapes, as its files have them.
    ///
    /// # Errors
    /// A tensor vanished from the headers.
    pub fn tensors(&self) -> Result<BTreeMap<String, Vec<usize>>> {
        self.places.iter().map(|(here, there)| Ok((here.clone(), self.checkpoint.info(there)?.shape.clone()))).collect()
    }

    /// The numbers of a tensor.
    ///
    /// # Errors
    /// No such tensor, or it holds no floats.
    pub fn slice(&self, name: &str) -> Result<Slice<'_>> {
        let there = self.places.get(name).map_or(name, String::as_str);
        let info = self.checkpoint.info(there)?;
        let dtype = match info.dtype {
            Dtype::F64 => DType::F64,
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            other => return refuse(format!("{}, tensor {name}", self.dir.display()), "F64, F32, F16 or BF16", other, "cast the checkpoint first"),
        };
        let found = Slice::new(self.checkpoint.bytes(there)?, dtype);
        found.map_or_else(|| refuse(name, "a floating-point type", info.dtype, ""), Ok)
    }

    /// Its tokenizer.
    ///
    /// # Errors
    /// The folder has none, or it cannot be read.
    pub fn tokenizer(&self) -> Result<HfTokenizer> {
        HfTokenizer::from_dir(&self.dir)
    }
}

/// What a merger is told of a model.
pub fn merge_input(name: &str, spec: &Spec, tensors: BTreeMap<String, Vec<usize>>) -> MergeInput {
    let path = |role: Role| spec.sites.iter().filter(move |i| i.site.role == role).map(|i| i.path.clone());
    let blocks = spec.info(Site::new(spec.main(), 0, Role::Block)).and_then(|i| i.path.strip_suffix('0')).unwrap_or_default().to_owned();
    MergeInput {
        name: name.into(),
        config: spec.config.clone(),
        tensors,
        blocks,
        above: path(Role::Final).chain(path(Role::Head)).collect(),
        settings: std::sync::Arc::default(),
    }
}

/// A shape in memory as the files have it.
pub fn shape_in_files(spec: &Spec, name: &str, shape: Vec<usize>) -> Vec<usize> {
    stored::shape(spec, name, shape)
}

/// Values in memory in the order of the files; `shape` is the one in memory.
pub fn order_of_files(spec: &Spec, name: &str, shape: &[usize], values: Vec<f32>) -> Vec<f32> {
    stored::written(spec, name, shape, values)
}

/// A configuration with other blocks: how many, and what stands in lists with an entry a block.
///
/// # Errors
/// The configuration does not say how many blocks it has, or one of `blocks` is not among them.
pub fn with_blocks(config: &Map<String, Json>, blocks: &[usize], place: &Path) -> Result<Map<String, Json>> {
    Reading { layers: blocks.to_vec(), ..Reading::default() }.config(config, place)
}
