//! A checkpoint: one mapped file or several, seen as one set of named tensors.

use std::{
    collections::BTreeMap,
    path::{Component, Path},
};

use super::{INDEX, Info, SINGLE, convert, index::shards, map::TensorFile, missing};
use tongues_kernel::burn::tensor::{AllocationProperty, Bytes};
use tongues_kernel::{Error, Result, nearest, refuse};

/// Named tensors of a model on the disk. Opening maps the files and checks their headers; numbers are read on demand.
#[derive(Debug)]
pub struct Checkpoint {
    files: Vec<TensorFile>,
    /// Which file holds a tensor.
    place: BTreeMap<String, usize>,
}

/// Opens one safetensors file, such as `adapter_model.safetensors`.
///
/// # Errors
/// The file is missing, a pickle, or its header does not describe its bytes.
pub fn open_file(path: &Path) -> Result<Checkpoint> {
    if missing::is_pickle(path) {
        return Err(missing::pickle(path));
    }
    if !path.exists() {
        return refuse(path.display(), "a safetensors file", "no such file", "check the path");
    }
    let file = TensorFile::open(path)?;
    let place = file.header.tensors.keys().map(|name| (name.clone(), 0)).collect();
    Ok(Checkpoint { files: vec![file], place })
}

impl Checkpoint {
    /// Opens `model.safetensors`, or the shards that `model.safetensors.index.json` lists.
    ///
    /// # Errors
    /// There is no checkpoint, the index and its shards disagree, or a header does not describe its file.
    pub fn open(dir: &Path) -> Result<Self> {
        if dir.join(SINGLE).exists() {
            open_file(&dir.join(SINGLE))
        } else if dir.join(INDEX).exists() {
            Self::open_shards(dir)
        } else {
            Err(missing::checkpoint(dir))
        }
    }

    fn open_shards(dir: &Path) -> Result<Self> {
        let index = dir.join(INDEX);
        let shards = shards(&index)?;
        let (mut files, mut place) = (vec![], BTreeMap::new());
        for (shard, names) in &shards {
            let path = inside(dir, shard, &index)?;
            let file = open_file(&path).map_err(|e| e.within(index.display()))?;
            check_same(&file, names, &index)?;
            place.extend(names.iter().map(|name| (name.clone(), files.len())));
            files.extend(file.files);
        }
        Ok(Self { files, place })
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.place.keys().map(String::as_str)
    }

    /// Whether there is such a tensor.
    pub fn contains(&self, name: &str) -> bool {
        self.place.contains_key(name)
    }

    /// Type and shape of a tensor.
    ///
    /// # Errors
    /// There is no such tensor.
    pub fn info(&self, name: &str) -> Result<&Info> {
        self.find(name).map(|(_, info)| info)
    }

    /// A floating-point tensor as 32-bit floats, row by row. F16 and BF16 convert exactly, F64 is rounded.
    ///
    /// # Errors
    /// There is no such tensor, or it holds no floats.
    pub fn f32(&self, name: &str) -> Result<Vec<f32>> {
        let (file, info) = self.find(name)?;
        convert::to_f32(file.slice(info), info.dtype, &at(file, name))
    }

    /// A tensor of whole numbers (or of bools, as 0 and 1).
    ///
    /// # Errors
    /// There is no such tensor, or it holds other numbers.
    pub fn i64(&self, name: &str) -> Result<Vec<i64>> {
        let (file, info) = self.find(name)?;
        convert::to_i64(file.slice(info), info.dtype, &at(file, name))
    }

    /// The bytes of a tensor as they lie in the file: little endian, row by row, not aligned.
    ///
    /// # Errors
    /// There is no such tensor.
    pub fn bytes(&self, name: &str) -> Result<&[u8]> {
        self.find(name).map(|(file, info)| file.slice(info))
    }

    /// The same bytes as memory of tensors, without a copy: the pages of the file, until someone writes to them. `None` where they do not
    /// lie at a multiple of `align`.
    ///
    /// # Errors
    /// There is no such tensor.
    pub fn shared(&self, name: &str, align: usize) -> Result<Option<Bytes>> {
        let (file, info) = self.find(name)?;
        let bytes = file.shared(info);
        let aligned = bytes.as_ptr().addr().is_multiple_of(align);
        Ok(aligned.then(|| Bytes::from_shared(bytes, AllocationProperty::File)))
    }

    /// The free metadata of the (first) file.
    pub fn metadata(&self) -> Option<&BTreeMap<String, String>> {
        self.files.first().map(|f| &f.header.metadata)
    }

    fn find(&self, name: &str) -> Result<(&TensorFile, &Info)> {
        let found = self.place.get(name).map(|i| &self.files[*i]);
        match found.and_then(|file| Some((file, file.header.tensors.get(name)?))) {
            Some(found) => Ok(found),
            None => Err(self.no_such(name)),
        }
    }

    fn no_such(&self, name: &str) -> Error {
        let at = self.files.first().map_or("checkpoint", |f| f.name.as_str());
        let remedy = match nearest(name, self.names()) {
            Some(near) => format!("the nearest name there is `{near}`"),
            None => "the checkpoint may be of another architecture".into(),
        };
        Error::input(at, format!("the tensor `{name}`"), format!("{} others", self.place.len()), remedy)
    }
}

fn at(file: &TensorFile, name: &str) -> String {
    format!("{}, tensor `{name}`", file.name)
}

/// The path of a shard, which must lie in the folder of the index.
fn inside(dir: &Path, shard: &str, index: &Path) -> Result<std::path::PathBuf> {
    let plain = Path::new(shard).components().all(|c| matches!(c, Component::Normal(_)));
    if !plain || shard.is_empty() || shard.contains('\\') {
        let at = format!("{}, weight_map", index.display());
        let remedy = "an index may name only files in its own folder; take it from a source you trust";
        return refuse(at, "a file in the same folder", format!("`{shard}`"), remedy);
    }
    let path = dir.join(shard);
    if path.exists() {
        return Ok(path);
    }
    refuse(index.display(), format!("the shard {shard}"), "no such file", "copy all shards that the index lists")
}

/// The index and the shard must name the same tensors.
fn check_same(file: &Checkpoint, names: &[String], index: &Path) -> Result<()> {
    let shard = &file.files[0].name;
    let remedy = "index and shards are of different checkpoints: copy them together";
    if let Some(name) = names.iter().find(|n| !file.contains(n)) {
        return refuse(index.display(), format!("the tensor `{name}` in {shard}"), "no such tensor", remedy);
    }
    let listed: std::collections::BTreeSet<&str> = names.iter().map(String::as_str).collect();
    if let Some(name) = file.names().find(|n| !listed.contains(n)) {
        let expected = format!("only the tensors it lists for {shard}");
        return refuse(index.display(), expected, format!("`{name}` there too"), remedy);
    }
    Ok(())
}
