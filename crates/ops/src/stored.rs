//! Weights in the form in which they are kept.

use crate::loops::narrow::BLOCK;
use burn::prelude::*;
use burn::tensor::quantization::{QuantScheme, QuantStore, QuantValue, ScaleDtype};
use burn::tensor::{DType, FloatDType};

/// int8 with one 32-bit scale for 32 neighbours of a row: 9 bits a weight.
pub(crate) fn int8() -> QuantScheme {
    QuantScheme::default().with_value(QuantValue::Q8S).with_store(QuantStore::Native).per_block([BLOCK as u8], ScaleDtype::F32)
}

/// A matrix in blocks of int8 (symmetric, one scale for 32 neighbours of a row), or `None` where a row is not a whole number of
/// blocks or the device has no such form.
pub fn in_blocks(weight: Tensor<2>) -> Option<Tensor<2>> {
    let on_cpu = weight.device().without_autodiff() == Device::flex();
    (on_cpu && weight.dims()[1].is_multiple_of(BLOCK)).then(|| wide(weight).quantize_dynamic(&int8()))
}

/// Whether a tensor is in blocks of int8.
pub fn is_int8<const D: usize>(tensor: &Tensor<D>) -> bool {
    matches!(tensor.dtype(), DType::QFloat(_))
}

/// A tensor in 32-bit floats, whatever it is stored in.
pub fn wide<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    match tensor.dtype() {
        DType::F32 => tensor,
        DType::QFloat(_) => tensor.dequantize(),
        _ => tensor.cast(FloatDType::F32),
    }
}
