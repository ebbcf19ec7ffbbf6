//! A run of numbers of a merged tensor, made side by side in pieces and written down in the stored type.

use half::f16;
use rayon::prelude::*;
use std::ops::Range;
use tongues_io::Dtype;
use tongues_kernel::merging::{Buffers, PIECE};
use tongues_kernel::{Merged, Piece, Planned, Result, Slice, refuse};

/// Numbers made before they are handed to the disk: a few million, so that memory does not grow with the tensor.
pub const BAND: usize = 1 << 23;

/// Fills `bytes`, which may be longer and hold anything, with the numbers in `range` in the stored type; how many bytes they are.
///
/// # Errors
/// A number of an input or of the result is not finite, or does not fit into 16 bits.
pub fn band(out: &Planned, merged: &Merged<'_>, slices: &[Slice<'_>], names: &[&str], range: Range<usize>, dtype: Dtype, bytes: &mut Vec<u8>) -> Result<usize> {
    let size = width(dtype);
    let length = range.len() * size;
    if bytes.len() < length {
        bytes.resize(length, 0);
    }
    bytes[..length].par_chunks_mut(PIECE * size).enumerate().try_for_each_init(
        || Room { buffers: Buffers::new(slices.len()), out: vec![] },
        |room, (i, bytes)| {
            let start = range.start + i * PIECE;
            let numbers = room.piece(merged, slices, start, bytes.len() / size);
            match numbers {
                Ok(numbers) => store(numbers, dtype, bytes).map_err(|x| (None, x)),
                Err(read) => Err(read),
            }
            .or_else(|(read, x)| wrong(out, names, read, x))
        },
    )?;
    Ok(length)
}

fn width(dtype: Dtype) -> usize {
    match dtype {
        Dtype::BF16 | Dtype::F16 => 2,
        _ => 4,
    }
}

struct Room {
    buffers: Buffers,
    out: Vec<f32>,
}

impl Room {
    /// The numbers of a piece; or the read with a number that is not finite.
    fn piece(&mut self, merged: &Merged<'_>, slices: &[Slice<'_>], start: usize, count: usize) -> std::result::Result<&[f32], (Option<usize>, f32)> {
        self.out.resize(count, 0.0);
        let inputs = self.buffers.read(slices, start, count);
        for (read, input) in inputs.iter().enumerate() {
            if let Some(x) = not_finite(input) {
                return Err((Some(read), x));
            }
        }
        match merged {
            Merged::Copy(read) => self.out.copy_from_slice(inputs[*read]),
            Merged::Values(values) => self.out.copy_from_slice(&values[start..start + count]),
            Merged::Elements(rule) => rule(Piece { start, inputs: &inputs, out: &mut self.out }),
        }
        not_finite(&self.out).map_or(Ok(&self.out), |x| Err((None, x)))
    }
}

fn not_finite(numbers: &[f32]) -> Option<f32> {
    // Exponents of all ones; without a branch a number, so that the loop is one of vectors.
    let any = numbers.iter().fold(false, |any, x| any | (x.to_bits() & 0x7f80_0000 == 0x7f80_0000));
    if any { numbers.iter().copied().find(|x| !x.is_finite()) } else { None }
}

/// Writes numbers down; the first that does not fit where one does not.
fn store(numbers: &[f32], dtype: Dtype, bytes: &mut [u8]) -> std::result::Result<(), f32> {
    match dtype {
        Dtype::BF16 => each(numbers, bytes, |x| rounded(x).to_le_bytes()),
        Dtype::F16 => {
            each(numbers, bytes, |x| f16::from_f32(x).to_le_bytes());
            return numbers.iter().find(|x| f16::from_f32(**x).is_infinite()).map_or(Ok(()), |x| Err(*x));
        }
        _ => each(numbers, bytes, f32::to_le_bytes),
    }
    Ok(())
}

/// bfloat16 of a finite number, to the nearest, ties to even; without the branch that other numbers need.
fn rounded(x: f32) -> u16 {
    let bits = x.to_bits();
    ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16
}

fn each<const N: usize>(numbers: &[f32], bytes: &mut [u8], write: impl Fn(f32) -> [u8; N]) {
    for (x, out) in numbers.iter().zip(bytes.as_chunks_mut::<N>().0) {
        *out = write(*x);
    }
}

fn wrong(out: &Planned, names: &[&str], read: Option<usize>, x: f32) -> Result<()> {
    match read.and_then(|r| Some((names.get(r)?, out.reads.get(r)?))) {
        Some((model, read)) => {
            refuse(format!("model `{model}`, tensor {}", read.name), "finite numbers", x, "this model is damaged or its training diverged; leave it out")
        }
        None if x.is_finite() => refuse(format!("tensor {}", out.name), "numbers within ±65504 for float16", x, "save in bfloat16 or float32"),
        None => refuse(format!("tensor {}", out.name), "a finite result", x, "weights of the merge are too large, or cancel out"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::bf16;
    use tongues_kernel::Read;

    fn made(merged: &Merged<'_>, inputs: &[&[f32]], dtype: Dtype) -> Result<Vec<u8>> {
        let slices: Vec<Slice<'_>> = inputs.iter().map(|x| Slice::of(x)).collect();
        let out = Planned { name: "w".into(), shape: vec![inputs[0].len()], reads: vec![Read::of(0, "w"), Read::of(1, "w")], ..Planned::default() };
        let mut bytes = vec![7; 3];
        let length = band(&out, merged, &slices, &["a", "b"], 1..inputs[0].len(), dtype, &mut bytes)?;
        bytes.truncate(length);
        Ok(bytes)
    }

    #[test]
    fn numbers_are_rounded_once_into_the_stored_type() {
        let sum = Merged::elements(|p| p.out.iter_mut().enumerate().for_each(|(i, x)| *x = p.inputs[0][i] + p.inputs[1][i] + p.start as f32));
        let bytes = made(&sum, &[&[9.0, 1.0, 2.0], &[9.0, 0.5, 0.25]], Dtype::BF16).unwrap();
        assert_eq!(bytes, [2.5f32, 3.25].map(|x| bf16::from_f32(x).to_le_bytes()).concat());
        assert_eq!(made(&Merged::Copy(1), &[&[9.0, 1.0], &[9.0, 0.5]], Dtype::F32).unwrap(), 0.5f32.to_le_bytes());
    }

    #[test]
    fn rounding_to_bfloat16_is_that_of_everyone() {
        for bits in (0u32..=0xffff_ffff).step_by(65_521).chain([0, 0x8000_0000, 0x3f80_8000, 0x3f81_8000, 1, 0x0080_0000]) {
            let x = f32::from_bits(bits);
            // The largest numbers round to infinity, as they do elsewhere.
            assert!(!x.is_finite() || rounded(x) == bf16::from_f32(x).to_bits(), "{x:e}");
        }
    }

    #[test]
    fn numbers_that_are_not_finite_are_told_with_their_model() {
        let told = |merged: &Merged<'_>, inputs: &[&[f32]], dtype| made(merged, inputs, dtype).unwrap_err().to_string();
        let copy = Merged::Copy(0);
        assert!(told(&copy, &[&[1.0, 1.0], &[1.0, f32::NAN]], Dtype::F32).starts_with("model `b`, tensor w: expected finite numbers, found NaN"));
        assert!(told(&copy, &[&[1.0, 70000.0], &[1.0, 1.0]], Dtype::F16).contains("±65504"));
        let large = Merged::elements(|p| p.out.fill(f32::INFINITY));
        assert!(told(&large, &[&[1.0, 1.0], &[1.0, 1.0]], Dtype::F32).contains("a finite result"));
    }
}
