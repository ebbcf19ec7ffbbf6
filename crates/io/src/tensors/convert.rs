//! Bytes to numbers and back, in the few types that models are stored in.

use super::Dtype;
use half::{bf16, f16};
use tongues_kernel::{Result, refuse};

/// Numbers of a floating-point tensor, as 32-bit floats.
pub(super) fn to_f32(bytes: &[u8], dtype: Dtype, at: &str) -> Result<Vec<f32>> {
    Ok(match dtype {
        Dtype::F32 => each(bytes, f32::from_le_bytes),
        Dtype::F16 => each(bytes, |b| f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => each(bytes, |b| bf16::from_le_bytes(b).to_f32()),
        Dtype::F64 => each(bytes, |b| f64::from_le_bytes(b) as f32),
        other => return refuse(at, "F32, F16, BF16 or F64", other, "read it as whole numbers or as bytes"),
    })
}

/// Numbers of an integer tensor.
pub(super) fn to_i64(bytes: &[u8], dtype: Dtype, at: &str) -> Result<Vec<i64>> {
    Ok(match dtype {
        Dtype::I64 => each(bytes, i64::from_le_bytes),
        Dtype::I32 => each(bytes, |b| i32::from_le_bytes(b).into()),
        Dtype::I16 => each(bytes, |b| i16::from_le_bytes(b).into()),
        Dtype::I8 => each(bytes, |b| i8::from_le_bytes(b).into()),
        Dtype::U32 => each(bytes, |b| u32::from_le_bytes(b).into()),
        Dtype::U16 => each(bytes, |b| u16::from_le_bytes(b).into()),
        Dtype::U8 | Dtype::BOOL => bytes.iter().map(|b| i64::from(*b)).collect(),
        other => return refuse(at, "I64, I32, I16, I8, U32, U16, U8 or BOOL", other, "read it as floats or as bytes"),
    })
}

fn each<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect()
}

/// Appends the little-endian bytes of `values` in a floating-point type.
///
/// A finite number that only infinity could stand for in F16 is refused; F64 is exact, BF16 has the range of F32.
pub(super) fn from_f32(values: &[f32], dtype: Dtype, out: &mut Vec<u8>, at: &str) -> Result<()> {
    match dtype {
        Dtype::F32 => values.iter().for_each(|v| out.extend(v.to_le_bytes())),
        Dtype::F64 => values.iter().for_each(|v| out.extend(f64::from(*v).to_le_bytes())),
        Dtype::BF16 => values.iter().for_each(|v| out.extend(bf16::from_f32(*v).to_le_bytes())),
        Dtype::F16 => {
            if let Some(v) = values.iter().find(|v| v.is_finite() && f16::from_f32(**v).is_infinite()) {
                return refuse(at, "numbers within ±65504 for F16", v, "save in BF16 or F32");
            }
            values.iter().for_each(|v| out.extend(f16::from_f32(*v).to_le_bytes()));
        }
        other => return refuse(at, "a floating-point dtype for these numbers", other, "push the bytes instead"),
    }
    Ok(())
}
