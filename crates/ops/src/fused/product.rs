//! Products of matrices on slices, strided as they lie, into memory that nobody has cleared before.
#![allow(unsafe_code)]

use crate::loops::skinny::{TOGETHER, dot, dots};
use burn::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};
use rayon::prelude::*;

/// Multiplications above which one product is spread over the threads.
const LARGE: usize = 192 * 192 * 192;
/// Multiplications above which products of a batch are.
const MANY: usize = 128 * 128 * 128;

/// Columns that one thread takes at a time of a large product.
const STRIP: usize = 256;

/// Rows up to which a weight is read once for all of them.
const FEW: usize = 8;
/// Rows of a weight that one thread takes at a time.
const WEIGHTS: usize = 64;

/// A tensor whose numbers are still to be written.
pub fn fresh(shape: Shape) -> FlexTensor {
    let count = shape.num_elements();
    let mut data: Vec<f32> = Vec::with_capacity(count);
    // SAFETY: the capacity is there, any bits are an f32, and every caller writes all of it before anyone reads: clearing large
    // buffers first cost a tenth of a training step.
    #[allow(clippy::uninit_vec)]
    unsafe {
        data.set_len(count);
    }
    FlexTensor::new(Bytes::from_elems(data), Layout::contiguous(shape), DType::F32)
}

/// One operand: where its numbers lie.
struct View<'t> {
    data: &'t [f32],
    start: isize,
    rows: isize,
    columns: isize,
    /// Strides of the axes before the matrix.
    outer: Vec<isize>,
}

impl<'t> View<'t> {
    fn of(t: &'t FlexTensor) -> Self {
        let strides: Vec<isize> = t.layout().strides().to_vec();
        let (outer, inner) = strides.split_at(strides.len() - 2);
        Self { data: t.storage::<f32>(), start: t.layout().start_offset() as isize, rows: inner[0], columns: inner[1], outer: outer.to_vec() }
    }

    /// Where a matrix of the batch begins.
    fn at(&self, mut index: usize, axes: &[usize]) -> *const f32 {
        let mut offset = self.start;
        for (axis, stride) in axes.iter().zip(&self.outer).rev() {
            offset += (index % axis) as isize * stride;
            index /= axis;
        }
        // SAFETY: the layout keeps every index of the tensor inside its storage.
        unsafe { self.data.as_ptr().offset(offset) }
    }
}

/// Adds `by · a b` to a matrix `[m, n]` that lies row by row.
pub fn add_product(out: &mut [f32], a: &FlexTensor, b: &FlexTensor, by: f32) {
    let (left, right) = (a.layout().shape(), b.layout().shape());
    let (m, k, n) = (left[0], left[1], right[1]);
    let (x, y) = (View::of(a), View::of(b));
    let threads = if m * n * k >= LARGE { gemm::Parallelism::Rayon(0) } else { gemm::Parallelism::None };
    assert_eq!(out.len(), m * n, "the sum has the shape of the product");
    let (lhs, rhs) = (x.at(0, &[]), y.at(0, &[]));
    // SAFETY: as in `product`; `out` is read as well, and holds numbers.
    unsafe {
        gemm::gemm(m, n, k, out.as_mut_ptr(), 1, n as isize, true, lhs, x.columns, x.rows, rhs, y.columns, y.rows, 1.0, by, false, false, false, threads);
    }
}

/// `[…, m, k] × […, k, n]` with equal axes before the matrices.
pub fn product(a: &FlexTensor, b: &FlexTensor) -> FlexTensor {
    let (left, right) = (a.layout().shape(), b.layout().shape());
    let rank = left.num_dims();
    let axes: Vec<usize> = (0..rank - 2).map(|i| left[i]).collect();
    let (m, k, n) = (left[rank - 2], left[rank - 1], right[rank - 1]);
    let batch: usize = axes.iter().product();
    if batch == 1 && m <= FEW && k > 0 {
        let (x, w) = (View::of(a), View::of(b));
        if x.columns == 1 && w.rows == 1 && w.columns == k as isize && (m == 1 || x.rows == k as isize) {
            return few(x, w, [m, k, n], Shape::from([axes.as_slice(), &[m, n]].concat()));
        }
    }
    let mut out = fresh(Shape::from([axes.as_slice(), &[m, n]].concat()));
    let (x, y) = (View::of(a), View::of(b));
    if batch == 1 && m * n * k >= LARGE && n >= 4 * STRIP {
        strips(&x, &y, [m, k, n], out.storage_mut::<f32>());
        return out;
    }
    let one = |(index, out): (usize, &mut [f32]), threads: gemm::Parallelism| {
        let (lhs, rhs) = (x.at(index, &axes), y.at(index, &axes));
        // SAFETY: `out` has m · n numbers in rows; both operands are m × k and k × n at their strides inside their storages.
        unsafe {
            gemm::gemm(m, n, k, out.as_mut_ptr(), 1, n as isize, false, lhs, x.columns, x.rows, rhs, y.columns, y.rows, 0.0, 1.0, false, false, false, threads);
        }
    };
    let work = m * n * k;
    let matrices = out.storage_mut::<f32>();
    if m * n == 0 {
        return out;
    }
    if batch > 1 && batch * work >= MANY {
        matrices.par_chunks_mut(m * n).enumerate().for_each(|matrix| one(matrix, gemm::Parallelism::None));
    } else {
        let threads = if work >= LARGE { gemm::Parallelism::Rayon(0) } else { gemm::Parallelism::None };
        matrices.chunks_mut(m * n).enumerate().for_each(|matrix| one(matrix, threads));
    }
    out
}

/// One product in strips of columns, each by one thread.
fn strips(x: &View<'_>, y: &View<'_>, [m, k, n]: [usize; 3], out: &mut [f32]) {
    struct Target(*mut f32);
    // SAFETY: every thread writes columns of its own.
    unsafe impl Sync for Target {}
    let target = Target(out.as_mut_ptr());
    (0..n.div_ceil(STRIP)).into_par_iter().for_each(|strip| {
        let first = strip * STRIP;
        let count = STRIP.min(n - first);
        let target = &target;
        // SAFETY: strips are disjoint columns of `out`, which has m · n numbers; both operands lie at their strides in their storages.
        unsafe {
            let (to, lhs, rhs) = (target.0.add(first), x.at(0, &[]), y.at(0, &[]).offset(first as isize * y.columns));
            let none = gemm::Parallelism::None;
            gemm::gemm(m, count, k, to, 1, n as isize, false, lhs, x.columns, x.rows, rhs, y.columns, y.rows, 0.0, 1.0, false, false, false, none);
        }
    });
}

/// `[m, k]` through a weight `[n, k]` as it lies, for a few rows.
fn few(x: View<'_>, w: View<'_>, [m, k, n]: [usize; 3], shape: Shape) -> FlexTensor {
    let (x, w) = (&x.data[x.start as usize..][..m * k], &w.data[w.start as usize..][..n * k]);
    let mut by_weight = vec![[0f32; FEW]; n];
    by_weight.par_chunks_mut(WEIGHTS).zip(w.par_chunks(WEIGHTS * k)).for_each(|(outs, w)| {
        for (outs, w) in outs.chunks_mut(TOGETHER).zip(w.chunks(TOGETHER * k)) {
            for (r, x) in x.chunks(k).enumerate() {
                let mut four = [0f32; TOGETHER];
                if outs.len() == TOGETHER {
                    dots(w, x, &mut four);
                } else {
                    w.chunks(k).zip(&mut four).for_each(|(w, o)| *o = dot(w, x));
                }
                outs.iter_mut().zip(four).for_each(|(out, value)| out[r] = value);
            }
        }
    });
    let mut out = fresh(shape);
    for (r, row) in out.storage_mut::<f32>().chunks_mut(n).enumerate() {
        row.iter_mut().zip(&by_weight).for_each(|(o, by)| *o = by[r]);
    }
    out
}

/// With the last two axes exchanged; nothing moves.
pub fn turned(t: &FlexTensor) -> FlexTensor {
    let rank = t.layout().shape().num_dims();
    t.transpose(rank - 2, rank - 1)
}
