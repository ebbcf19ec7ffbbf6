//! Products with frozen weights that stay as they were stored: bf16, f16, or int8 in blocks. A strip of the weight at a time is
//! widened into a thread's own memory, which stays in its cache; sums are those of 32-bit floats.
#![allow(unsafe_code)]

use super::product::fresh;
use crate::loops::narrow::{BLOCK, dot_bf16, dot_f16, dot_int8, widen_bf16, widen_f16, widen_int8};
use crate::loops::skinny::{TOGETHER, dot, dots};
use burn::tensor::{DType, Shape, bf16, f16};
use burn_flex::{FlexQTensor, FlexTensor};
use rayon::prelude::*;

/// Rows of x up to which a number of the weight is widened anew for each.
const VERY_FEW: usize = 2;
/// Rows of x up to which every row of the weight is read once, for all of them.
const FEW: usize = 8;
/// Outputs that one thread takes at a time where there are few rows.
const OUTPUTS: usize = 64;

/// A weight `[n, k]` as it lies.
#[derive(Clone, Copy)]
pub enum Stored<'w> {
    Bf16(&'w [bf16]),
    F16(&'w [f16]),
    /// Numbers and the scales of their blocks.
    Int8(&'w [i8], &'w [f32]),
}

impl<'w> Stored<'w> {
    /// Of a tensor that lies row by row from the start of its storage.
    pub fn of(t: &'w FlexTensor) -> Self {
        match t.dtype() {
            DType::BF16 => Self::Bf16(t.storage::<bf16>()),
            _ => Self::F16(t.storage::<f16>()),
        }
    }

    /// Of one in blocks.
    pub fn of_blocks(t: &'w FlexQTensor) -> Self {
        Self::Int8(t.tensor().storage::<i8>(), t.scales())
    }

    /// Numbers `start..start + to.len()`; in the int8 form whole blocks.
    fn widen(self, start: usize, to: &mut [f32]) {
        let range = start..start + to.len();
        match self {
            Self::Bf16(w) => widen_bf16(&w[range], to),
            Self::F16(w) => widen_f16(&w[range], to),
            Self::Int8(w, scales) => widen_int8(&w[range], &scales[start / BLOCK..], to),
        }
    }

    fn dot(self, row: usize, x: &[f32]) -> f32 {
        let range = row * x.len()..(row + 1) * x.len();
        match self {
            Self::Bf16(w) => dot_bf16(&w[range], x),
            Self::F16(w) => dot_f16(&w[range], x),
            Self::Int8(w, scales) => dot_int8(&w[range.clone()], &scales[range.start / BLOCK..], x),
        }
    }
}

/// Columns of a result that one thread makes at a time: depends on the shape only.
fn strip(columns: usize) -> usize {
    (columns / 16).next_multiple_of(BLOCK).clamp(2 * BLOCK, 8 * BLOCK)
}

/// `x wᵀ`: rows `[m, k]`, packed, through a weight `[n, k]` → `[m, n]`.
pub fn through(x: &[f32], w: Stored<'_>, [m, k, n]: [usize; 3]) -> FlexTensor {
    let mut out = fresh(Shape::from([m, n]));
    if m > VERY_FEW && m <= FEW {
        few(x, w, [m, k, n], out.storage_mut::<f32>());
        return out;
    }
    if m <= VERY_FEW {
        let y = out.storage_mut::<f32>();
        for (x, y) in x.chunks(k).zip(y.chunks_mut(n)) {
            y.par_chunks_mut(OUTPUTS).enumerate().for_each(|(i, y)| y.iter_mut().enumerate().for_each(|(j, y)| *y = w.dot(i * OUTPUTS + j, x)));
        }
        return out;
    }
    in_strips(&mut out, [m, k, n], x, |columns, scratch| {
        scratch.resize(columns.len() * k, 0.0);
        w.widen(columns.start * k, scratch);
        // Depth runs along a row of the weight, columns over its rows.
        [1, k as isize]
    });
    out
}

/// Some rows of the weight are widened into a thread's memory and meet all rows of x there.
fn few(x: &[f32], w: Stored<'_>, [m, k, n]: [usize; 3], y: &mut [f32]) {
    let mut by_weight = vec![[0f32; FEW]; n];
    by_weight.par_chunks_mut(OUTPUTS).enumerate().for_each_init(
        || vec![0f32; TOGETHER * k],
        |wide, (chunk, outs)| {
            for (group, outs) in outs.chunks_mut(TOGETHER).enumerate() {
                let first = chunk * OUTPUTS + group * TOGETHER;
                let wide = &mut wide[..outs.len() * k];
                w.widen(first * k, wide);
                for (r, x) in x.chunks(k).enumerate() {
                    if outs.len() == TOGETHER {
                        let mut four = [0f32; TOGETHER];
                        dots(wide, x, &mut four);
                        outs.iter_mut().zip(four).for_each(|(out, value)| out[r] = value);
                    } else {
                        wide.chunks(k).zip(outs.iter_mut()).for_each(|(w, out)| out[r] = dot(w, x));
                    }
                }
            }
        },
    );
    for (r, row) in y.chunks_mut(n).enumerate().take(m) {
        row.iter_mut().zip(&by_weight).for_each(|(y, by)| *y = by[r]);
    }
}

/// `d w`: gradients `[m, n]`, packed, back through a weight `[n, k]` → `[m, k]`.
pub fn back(d: &[f32], w: Stored<'_>, [m, k, n]: [usize; 3]) -> FlexTensor {
    let mut out = fresh(Shape::from([m, k]));
    in_strips(&mut out, [m, n, k], d, |columns, scratch| {
        let width = columns.len();
        scratch.resize(width * n, 0.0);
        scratch.chunks_mut(width).enumerate().for_each(|(row, to)| w.widen(row * k + columns.start, to));
        [width as isize, 1]
    });
    out
}

/// `out[m, n] = a[m, depth] b`, with `b` made in strips of columns by `widened`, which returns the strides of depth and columns.
fn in_strips(out: &mut FlexTensor, [m, depth, n]: [usize; 3], a: &[f32], widened: impl Fn(std::ops::Range<usize>, &mut Vec<f32>) -> [isize; 2] + Sync) {
    let width = strip(n);
    assert!(a.len() == m * depth, "rows of the depth of the weight");
    let target = Target(out.storage_mut::<f32>().as_mut_ptr());
    (0..n.div_ceil(width)).into_par_iter().for_each_init(Vec::new, |scratch, strip| {
        let columns = strip * width..n.min((strip + 1) * width);
        let count = columns.len();
        let [down, across] = widened(columns.clone(), scratch);
        let target = &target;
        // SAFETY: strips are disjoint columns of `out`, which has m · n numbers; `a` has m rows of `depth`, `scratch` count · depth
        // numbers at the strides given.
        unsafe {
            let to = target.0.add(columns.start);
            let none = gemm::Parallelism::None;
            gemm::gemm(
                m,
                count,
                depth,
                to,
                1,
                n as isize,
                false,
                a.as_ptr(),
                1,
                depth as isize,
                scratch.as_ptr(),
                across,
                down,
                0.0,
                1.0,
                false,
                false,
                false,
                none,
            );
        }
    });
}

/// Where results go.
struct Target(*mut f32);
// SAFETY: every thread writes columns of its own.
unsafe impl Sync for Target {}
