//! In which dtype weights are kept in memory, and written.

use super::stored::transposed;
use crate::{Checkpoint, Dtype};
use half::{bf16, f16};
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;
use tongues_kernel::burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::DType;
use tongues_kernel::{Error, Model, Result, entries, put, refuse};

/// In which dtype the matrices of a checkpoint are kept in memory. Norms and biases are kept in 32-bit floats, and so is whatever
/// trains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// As the files have them.
    #[default]
    Auto,
    /// 32-bit floats.
    Float32,
    /// bfloat16.
    Bfloat16,
    /// IEEE half precision.
    Float16,
    /// int8 with one scale for 32 neighbours; weights are rounded, and cannot train or be written.
    Int8,
}

/// The dtypes that checkpoints are written in, by their names in `config.json`.
const NAMES: [(&str, Dtype); 3] = [("float32", Dtype::F32), ("bfloat16", Dtype::BF16), ("float16", Dtype::F16)];

/// The name in `config.json`.
pub fn dtype_name(dtype: Dtype) -> &'static str {
    NAMES.iter().find(|(_, d)| *d == dtype).map_or("float32", |(name, _)| name)
}

/// The dtype that a model's configuration says its checkpoint has; 32-bit floats where it says nothing.
pub fn written_dtype(config: &Map<String, Json>) -> Dtype {
    let key = ["dtype", "torch_dtype"].into_iter().find_map(|k| config.get(k)?.as_str());
    NAMES.iter().find(|(name, _)| key.is_some_and(|k| k.trim_start_matches("torch.") == *name)).map_or(Dtype::F32, |(_, d)| *d)
}

/// Sets both spellings of the dtype, so that every reader is content.
pub fn set_dtype(config: &mut Map<String, Json>, dtype: Dtype) {
    for key in ["dtype", "torch_dtype"] {
        config.insert(key.into(), dtype_name(dtype).into());
    }
}

/// What a stored tensor becomes in memory: the dtype, or `None` for 32-bit floats. Other devices than the CPU compute in one dtype,
/// and vectors are too small to gain anything.
fn narrow(keep: Keep, stored: Dtype, rank: usize, device: &Device) -> Option<DType> {
    if rank != 2 || *device != Device::flex() {
        return None;
    }
    match (keep, stored) {
        (Keep::Auto, Dtype::BF16) | (Keep::Bfloat16, _) => Some(DType::BF16),
        (Keep::Auto, Dtype::F16) | (Keep::Float16, _) => Some(DType::F16),
        _ => None,
    }
}

/// A stored tensor on a device.
///
/// # Errors
/// No such tensor, or it is not one of floats.
pub(super) fn tensor<const D: usize>(checkpoint: &Checkpoint, name: &str, shape: [usize; D], keep: Keep, device: &Device) -> Result<Tensor<D>> {
    arranged(checkpoint, name, shape, keep, device, false)
}

/// The same for a matrix that the file keeps the other way round; `shape` is the one in memory.
///
/// # Errors
/// As [`tensor`].
pub(super) fn turned<const D: usize>(checkpoint: &Checkpoint, name: &str, shape: [usize; D], keep: Keep, device: &Device) -> Result<Tensor<D>> {
    arranged(checkpoint, name, shape, keep, device, true)
}

fn arranged<const D: usize>(checkpoint: &Checkpoint, name: &str, shape: [usize; D], keep: Keep, device: &Device, turn: bool) -> Result<Tensor<D>> {
    let device = device.clone().without_autodiff();
    let stored = checkpoint.info(name)?.dtype;
    let as_it_lies = match (narrow(keep, stored, D, &device), stored) {
        _ if turn || device != Device::flex() || cfg!(target_endian = "big") => None,
        (None, Dtype::F32) => Some(DType::F32),
        (half, Dtype::BF16) => half.filter(|half| *half == DType::BF16),
        (half, Dtype::F16) => half.filter(|half| *half == DType::F16),
        _ => None,
    };
    if let Some((dtype, bytes)) = as_it_lies.and_then(|dtype| Some((dtype, checkpoint.shared(name, dtype.size()).transpose()?))) {
        return Ok(Tensor::from_data(TensorData::from_bytes(bytes?, shape, dtype), (&device, dtype)));
    }
    let pairs = || Ok::<_, Error>(checkpoint.bytes(name)?.as_chunks::<2>().0);
    Ok(match narrow(keep, stored, D, &device) {
        Some(DType::BF16) if stored == Dtype::BF16 => {
            let numbers = pairs()?.iter().map(|b| bf16::from_le_bytes(*b)).collect();
            Tensor::from_data(TensorData::new(in_order(numbers, &shape, turn), shape), (&device, DType::BF16))
        }
        Some(DType::F16) if stored == Dtype::F16 => {
            let numbers = pairs()?.iter().map(|b| f16::from_le_bytes(*b)).collect();
            Tensor::from_data(TensorData::new(in_order(numbers, &shape, turn), shape), (&device, DType::F16))
        }
        half => {
            let wide = Tensor::from_data(TensorData::new(in_order(checkpoint.f32(name)?, &shape, turn), shape), &device);
            half.map_or(wide.clone(), |half| wide.cast(half))
        }
    })
}

fn in_order<E: Copy>(numbers: Vec<E>, shape: &[usize], turn: bool) -> Vec<E> {
    match shape {
        [rows, columns] if turn => transposed(&numbers, *columns, *rows),
        _ => numbers,
    }
}

/// A projection's weight in int8, where asked and possible.
pub(super) fn in_blocks<const D: usize>(tensor: Tensor<D>, keep: Keep) -> Tensor<D> {
    if keep != Keep::Int8 || D != 2 {
        return tensor;
    }
    let shape = tensor.dims();
    tongues_ops::in_blocks(tensor.clone().reshape([shape[0], shape[1]])).map_or(tensor, |blocks| blocks.reshape(shape))
}

/// Refuses to write weights that were rounded to int8 when they were read.
pub(super) fn check_exact(model: &Model) -> Result<()> {
    match rounded(model, |_| true) {
        Some(name) => {
            refuse(name, "weights as they were stored", "int8", "read the base model with dtype = \"auto\" where its weights are to change or be written")
        }
        None => Ok(()),
    }
}

/// The first tensor that is kept in int8, of those that `among` names.
pub fn rounded(model: &Model, among: impl Fn(&str) -> bool) -> Option<String> {
    struct Find(Vec<ParamId>);
    impl ModuleVisitor for Find {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if tongues_ops::is_int8(&param.val()) {
                self.0.push(param.id);
            }
        }
    }
    let mut find = Find(vec![]);
    model.net.backbone.visit(&mut find);
    entries(&model.net.backbone, "").into_iter().find(|e| find.0.contains(&e.id) && among(&e.name)).map(|e| e.name)
}

/// Makes a model what it would be if its checkpoint in `dtype` were read again: later stages then see what lies on disk.
pub fn as_written(model: &mut Model, dtype: Dtype) {
    struct Round(DType, BTreeSet<ParamId>);
    impl ModuleMapper for Round {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if !self.1.contains(&param.id) {
                return param;
            }
            let value = param.val().without_autodiff();
            let narrow = value.clone().cast(self.0);
            let stays = D == 2 && value.device() == Device::flex();
            put(param, if stays { narrow } else { narrow.cast(DType::F32) })
        }
    }
    let half = match dtype {
        Dtype::BF16 => DType::BF16,
        Dtype::F16 => DType::F16,
        _ => return,
    };
    let backbone = entries(&model.net.backbone, "").into_iter().map(|e| e.id).collect();
    model.map_net(&mut Round(half, backbone));
}
