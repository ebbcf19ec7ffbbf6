//! Numbers of a tensor as they lie in a file or in memory.

use burn::tensor::DType;
use half::f16;

/// A tensor's numbers in a stored type, little endian, row by row; read in pieces as 32-bit floats.
#[derive(Clone, Copy, Debug)]
pub struct Slice<'a> {
    bytes: &'a [u8],
    dtype: DType,
}

impl<'a> Slice<'a> {
    /// Bytes of a floating-point type; `None` for other types.
    pub fn new(bytes: &'a [u8], dtype: DType) -> Option<Self> {
        matches!(dtype, DType::F64 | DType::F32 | DType::F16 | DType::BF16).then_some(Self { bytes, dtype })
    }

    /// Numbers in memory.
    pub fn of(values: &'a [f32]) -> Self {
        Self { bytes: bytemuck::cast_slice(values), dtype: DType::F32 }
    }

    /// How many numbers.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.dtype.size()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Fills `out` with the numbers from `start` on.
    ///
    /// # Panics
    /// There are not so many.
    pub fn read(&self, start: usize, out: &mut [f32]) {
        let size = self.dtype.size();
        let bytes = &self.bytes[start * size..(start + out.len()) * size];
        match self.dtype {
            DType::F64 => each(bytes, out, |b| f64::from_le_bytes(b) as f32),
            DType::F16 => each(bytes, out, |b| f16::from_le_bytes(b).to_f32()),
            // The upper half of a 32-bit float; without a branch for NaN, so that the loop is one of vectors.
            DType::BF16 => each(bytes, out, |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16)),
            _ => each(bytes, out, f32::from_le_bytes),
        }
    }

    /// All numbers.
    pub fn values(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.len()];
        self.read(0, &mut out);
        out
    }
}

fn each<const N: usize>(bytes: &[u8], out: &mut [f32], number: impl Fn([u8; N]) -> f32) {
    for (out, bytes) in out.iter_mut().zip(bytes.as_chunks::<N>().0) {
        *out = number(*bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::bf16;

    #[test]
    fn numbers_of_every_type_are_read_from_any_place() {
        let numbers = [0.5f32, -2.0, 3.25, -0.0, 1e-3];
        let bytes = |dtype: DType| -> Vec<u8> {
            let one = |x: &f32| match dtype {
                DType::F64 => f64::from(*x).to_le_bytes().to_vec(),
                DType::F16 => f16::from_f32(*x).to_le_bytes().to_vec(),
                DType::BF16 => bf16::from_f32(*x).to_le_bytes().to_vec(),
                _ => x.to_le_bytes().to_vec(),
            };
            numbers.iter().flat_map(one).collect()
        };
        for (dtype, tolerance) in [(DType::F64, 0.0), (DType::F32, 0.0), (DType::F16, 1e-6), (DType::BF16, 1e-5)] {
            let bytes = bytes(dtype);
            let slice = Slice::new(&bytes, dtype).unwrap();
            let mut out = [0.0; 3];
            slice.read(2, &mut out);
            assert_eq!(slice.len(), 5);
            assert!(out.iter().zip(&numbers[2..]).all(|(a, b)| (a - b).abs() <= tolerance), "{dtype:?}: {out:?}");
            assert_eq!(slice.values().len(), 5);
        }
        assert!(Slice::new(&[0, 0, 0, 0], DType::I32).is_none());
        assert_eq!(Slice::of(&numbers).values(), numbers);
    }
}
