//! Work on whole tensors, in pieces that threads do side by side and that fit into a processor's cache.

use super::{Piece, Slice};
use rayon::prelude::*;

/// Numbers of a piece. Sums are over pieces in order, so that they are the same for any number of threads.
pub const PIECE: usize = 1 << 14;

/// Adds up what `sum` says of every piece, in order; it gets the place of the first number, and the numbers of every slice. The slices
/// have equal lengths.
pub fn fold<const N: usize>(slices: &[Slice<'_>], sum: impl Fn(usize, &[&[f32]]) -> [f64; N] + Sync) -> [f64; N] {
    let len = slices.first().map_or(0, Slice::len);
    let starts: Vec<usize> = (0..len).step_by(PIECE).collect();
    let parts: Vec<[f64; N]> = starts
        .par_iter()
        .map_init(|| Buffers::new(slices.len()), |buffers, start| sum(*start, &buffers.read(slices, *start, PIECE.min(len - start))))
        .collect();
    parts.iter().fold([0.0; N], |mut total, part| {
        total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        total
    })
}

/// The same for as many sums as are asked for.
pub fn fold_many(slices: &[Slice<'_>], sums: usize, add: impl Fn(&[&[f32]], &mut [f64]) + Sync) -> Vec<f64> {
    let len = slices.first().map_or(0, Slice::len);
    let starts: Vec<usize> = (0..len).step_by(PIECE).collect();
    let piece = |buffers: &mut Buffers, start: &usize| {
        let mut part = vec![0.0; sums];
        add(&buffers.read(slices, *start, PIECE.min(len - start)), &mut part);
        part
    };
    let parts: Vec<Vec<f64>> = starts.par_iter().map_init(|| Buffers::new(slices.len()), piece).collect();
    parts.iter().fold(vec![0.0; sums], |mut total, part| {
        total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        total
    })
}

/// Fills `out` piece by piece.
pub fn for_pieces(slices: &[Slice<'_>], out: &mut [f32], rule: impl Fn(Piece<'_>) + Sync) {
    out.par_chunks_mut(PIECE).enumerate().for_each_init(
        || Buffers::new(slices.len()),
        |buffers, (i, out)| {
            let start = i * PIECE;
            let inputs = buffers.read(slices, start, out.len());
            rule(Piece { start, inputs: &inputs, out });
        },
    );
}

/// Room for the numbers of a piece, one a slice, used again for the next piece.
pub struct Buffers(Vec<Vec<f32>>);

impl Buffers {
    /// For so many slices.
    pub fn new(slices: usize) -> Self {
        Self(vec![Vec::new(); slices])
    }

    /// The numbers of every slice from `start` on.
    pub fn read(&mut self, slices: &[Slice<'_>], start: usize, count: usize) -> Vec<&[f32]> {
        for (buffer, slice) in self.0.iter_mut().zip(slices) {
            buffer.resize(count, 0.0);
            slice.read(start, buffer);
        }
        self.0.iter().map(Vec::as_slice).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_pieces_cover_every_number_once() {
        let a: Vec<f32> = (0..PIECE * 2 + 5).map(|i| i as f32).collect();
        let b: Vec<f32> = a.iter().map(|x| 2.0 * x).collect();
        let slices = [Slice::of(&a), Slice::of(&b)];
        let [count, sum, starts] = fold(&slices, |start, x| [x[0].len() as f64, x[1].iter().map(|v| f64::from(*v)).sum(), start as f64]);
        assert_eq!((count, sum, starts), (a.len() as f64, (a.len() * (a.len() - 1)) as f64, (3 * PIECE) as f64));
        let mut out = vec![0.0; a.len()];
        for_pieces(&slices, &mut out, |piece| {
            for (i, out) in piece.out.iter_mut().enumerate() {
                *out = piece.inputs[1][i] - piece.inputs[0][i] - (piece.start + i) as f32;
            }
        });
        assert!(out.iter().all(|x| *x == 0.0));
    }
}
