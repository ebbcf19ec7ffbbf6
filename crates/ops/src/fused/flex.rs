//! The fused operations on the slices of flex tensors. How work is cut depends on shapes only, never on the number of threads,
//! so that sums come out the same.

use super::gradients::{Gradients, LowRank};
use super::product::{add_product, fresh, product, turned};
use super::step::on_slices;
use super::{Fused, Reach};
use crate::loops::adamw::Step;
use crate::loops::{entropy, gate, norm, rotary, softmax};
use burn::backend::Flex;
use burn::tensor::DType;
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// Numbers that one thread takes at a time.
const CHUNK: usize = 1 << 14;
/// Rows whose weight gradients are summed together.
const ROWS: usize = 64;

/// Row by row from the start of its storage.
pub fn packed(t: FlexTensor) -> FlexTensor {
    let whole = t.is_contiguous() && t.layout().start_offset() == 0 && t.storage::<f32>().len() == t.layout().num_elements();
    if whole { t } else { t.to_contiguous() }
}

/// The same for whole numbers and truth values, whose storage is not read here.
fn straight(t: FlexTensor) -> FlexTensor {
    if t.is_contiguous() && t.layout().start_offset() == 0 { t } else { t.to_contiguous() }
}

fn like(t: &FlexTensor) -> FlexTensor {
    fresh(t.layout().shape().clone())
}

fn axis(t: &FlexTensor, from_last: usize) -> usize {
    let shape = t.layout().shape();
    shape[shape.num_dims() - 1 - from_last]
}

fn scalar(value: f32) -> FlexTensor {
    FlexTensor::filled_typed::<f32>([1].into(), DType::F32, value)
}

impl Fused for Flex {
    fn gated(g: FlexTensor, u: FlexTensor, gelu: bool) -> FlexTensor {
        let (g, u) = (packed(g), packed(u));
        let mut out = like(&g);
        let parts = out.storage_mut::<f32>().par_chunks_mut(CHUNK).zip(g.storage::<f32>().par_chunks(CHUNK)).zip(u.storage::<f32>().par_chunks(CHUNK));
        parts.for_each(|((o, g), u)| if gelu { gate::gelu_gate(g, u, o) } else { gate::silu_gate(g, u, o) });
        out
    }

    fn normed(x: FlexTensor, w: FlexTensor, epsilon: f32, centred: bool) -> FlexTensor {
        let (x, w) = (packed(x), packed(w));
        let mut out = like(&x);
        let (weight, width) = (w.storage::<f32>(), axis(&x, 0));
        let parts = out.storage_mut::<f32>().par_chunks_mut(width * ROWS).zip(x.storage::<f32>().par_chunks(width * ROWS));
        parts.for_each(|(o, x)| o.chunks_mut(width).zip(x.chunks(width)).for_each(|(o, x)| norm::norm_row(x, weight, epsilon, centred, o)));
        out
    }

    fn rotated(x: FlexTensor, cos: FlexTensor, sin: FlexTensor, turn: f32) -> FlexTensor {
        let (x, cos, sin) = (packed(x), packed(cos), packed(sin));
        let mut out = like(&x);
        let (width, time, heads) = (axis(&x, 0), axis(&x, 1), axis(&x, 2));
        let (block, table) = (width * time, cos.storage::<f32>().len());
        let (cos, sin) = (cos.storage::<f32>(), sin.storage::<f32>());
        let parts = out.storage_mut::<f32>().par_chunks_mut(block).zip(x.storage::<f32>().par_chunks(block)).enumerate();
        parts.for_each(|(i, (o, x))| {
            // One table for all rows of the batch, or one a row.
            let start = i / heads * block % table;
            for (t, (o, x)) in o.chunks_mut(width).zip(x.chunks(width)).enumerate() {
                let at = start + t * width;
                rotary::rotate_row(x, &cos[at..at + width], &sin[at..at + width], turn, o);
            }
        });
        out
    }

    fn softmax_masked(scores: FlexTensor, allowed: FlexTensor, scale: f32) -> FlexTensor {
        let (mut scores, allowed) = (packed(scores), straight(allowed));
        let (keys, queries, heads) = (axis(&scores, 0), axis(&scores, 1), axis(&scores, 2));
        let block = keys * queries;
        let mask = &allowed.bytes()[..allowed.layout().num_elements()];
        scores.storage_mut::<f32>().par_chunks_mut(block).enumerate().for_each(|(i, rows)| {
            let start = i / heads * block % mask.len();
            for (row, seen) in rows.chunks_mut(keys).zip(mask[start..start + block].chunks(keys)) {
                masked_row(row, seen, scale);
            }
        });
        scores
    }

    fn softmax_until(scores: FlexTensor, reach: Reach, scale: f32) -> FlexTensor {
        let mut scores = packed(scores);
        let (keys, queries) = (axis(&scores, 0), axis(&scores, 1));
        scores.storage_mut::<f32>().par_chunks_mut(keys * queries).for_each(|rows| {
            for (i, row) in rows.chunks_mut(keys).enumerate() {
                let seen = reach.of(i, queries, keys);
                let _ = softmax::softmax_row(&mut row[seen.clone()], scale);
                row[..seen.start].fill(0.0);
                row[seen.end..].fill(0.0);
            }
        });
        scores
    }

    fn adamw(w: FlexTensor, g: FlexTensor, m: FlexTensor, v: FlexTensor, step: [f32; 7]) -> (FlexTensor, FlexTensor, FlexTensor) {
        on_slices(w, g, m, v, Step::of(step))
    }

    fn product(a: FlexTensor, b: FlexTensor, transposed: bool) -> FlexTensor {
        if transposed { product(&a, &turned(&b)) } else { product(&a, &b) }
    }

    fn added(x: FlexTensor, y: FlexTensor, by: f32) -> FlexTensor {
        let (mut x, y) = (packed(x), packed(y));
        let parts = x.storage_mut::<f32>().par_chunks_mut(CHUNK).zip(y.storage::<f32>().par_chunks(CHUNK));
        parts.for_each(|(x, y)| entropy::add(x, y, by));
        x
    }

    fn low_rank(y: FlexTensor, x: FlexTensor, a: FlexTensor, b: FlexTensor, by: f32) -> FlexTensor {
        Self::low_rank_with_state(y, &x, &a, &b, by).0
    }

    fn carried(_: FlexTensor, _: FlexTensor) -> FlexTensor {
        scalar(0.0)
    }

    fn entropy(logits: FlexTensor, labels: FlexTensor, weights: FlexTensor) -> FlexTensor {
        Self::entropy_with_gradient(logits, labels, weights).0
    }
}

/// A row where some keys may not be seen: those that may are usually neighbours.
fn masked_row(row: &mut [f32], seen: &[u8], scale: f32) {
    let (Some(first), Some(last)) = (seen.iter().position(|s| *s != 0), seen.iter().rposition(|s| *s != 0)) else {
        // Nobody to look at: no weight, and so no gradient. (The plain form spreads its weight evenly, as finite and as meaningless.)
        return row.fill(0.0);
    };
    row[..first].fill(0.0);
    row[last + 1..].fill(0.0);
    let (row, seen) = (&mut row[first..=last], &seen[first..=last]);
    if seen.contains(&0) {
        for (x, s) in row.iter_mut().zip(seen) {
            if *s == 0 {
                *x = -1e9 / scale;
            }
        }
    }
    let _ = softmax::softmax_row(row, scale);
}

fn label_list(labels: &FlexTensor) -> Vec<usize> {
    match labels.dtype() {
        DType::I32 => labels.storage::<i32>().iter().map(|l| *l as usize).collect(),
        _ => labels.storage::<i64>().iter().map(|l| *l as usize).collect(),
    }
}

impl Gradients for Flex {
    fn gated_back(g: FlexTensor, u: FlexTensor, d: FlexTensor, gelu: bool) -> (FlexTensor, FlexTensor) {
        let (g, u, d) = (packed(g), packed(u), packed(d));
        let (mut dg, mut du) = (like(&g), like(&u));
        let outs = dg.storage_mut::<f32>().par_chunks_mut(CHUNK).zip(du.storage_mut::<f32>().par_chunks_mut(CHUNK));
        let ins = g.storage::<f32>().par_chunks(CHUNK).zip(u.storage::<f32>().par_chunks(CHUNK)).zip(d.storage::<f32>().par_chunks(CHUNK));
        outs.zip(ins).for_each(|((dg, du), ((g, u), d))| if gelu { gate::gelu_gate_back(g, u, d, dg, du) } else { gate::silu_gate_back(g, u, d, dg, du) });
        (dg, du)
    }

    fn normed_back(x: FlexTensor, w: FlexTensor, d: FlexTensor, epsilon: f32, centred: bool) -> (FlexTensor, FlexTensor) {
        let (x, w, d) = (packed(x), packed(w), packed(d));
        let mut dx = like(&x);
        let (weight, width) = (w.storage::<f32>(), axis(&x, 0));
        let block = width * ROWS;
        let parts = dx.storage_mut::<f32>().par_chunks_mut(block).zip(x.storage::<f32>().par_chunks(block)).zip(d.storage::<f32>().par_chunks(block));
        let sums: Vec<Vec<f32>> = parts
            .map(|((dx, x), d)| {
                let mut dw = vec![0f32; width];
                for ((dx, x), d) in dx.chunks_mut(width).zip(x.chunks(width)).zip(d.chunks(width)) {
                    norm::norm_row_back(x, weight, d, epsilon, centred, dx, &mut dw);
                }
                dw
            })
            .collect();
        let mut dw = FlexTensor::zeros(w.layout().shape().clone(), w.dtype());
        let total = dw.storage_mut::<f32>();
        sums.iter().for_each(|part| total.iter_mut().zip(part).for_each(|(t, p)| *t += p));
        (dx, dw)
    }

    fn softmax_back(weights: FlexTensor, d: FlexTensor, reach: Reach, scale: f32) -> FlexTensor {
        let (weights, mut d) = (packed(weights), packed(d));
        let (keys, queries) = (axis(&weights, 0), axis(&weights, 1));
        let block = keys * queries;
        let parts = d.storage_mut::<f32>().par_chunks_mut(block).zip(weights.storage::<f32>().par_chunks(block));
        parts.for_each(|(d, w)| {
            for (i, (d, w)) in d.chunks_mut(keys).zip(w.chunks(keys)).enumerate() {
                let seen = reach.of(i, queries, keys);
                softmax::softmax_row_back(&w[seen.clone()], &mut d[seen.clone()], scale);
                d[..seen.start].fill(0.0);
                d[seen.end..].fill(0.0);
            }
        });
        d
    }

    fn entropy_with_gradient(logits: FlexTensor, labels: FlexTensor, weights: FlexTensor) -> (FlexTensor, FlexTensor) {
        let (mut logits, labels, weights) = (packed(logits), straight(labels), packed(weights));
        let width = axis(&logits, 0);
        let labels = label_list(&labels);
        let rows = logits.storage_mut::<f32>().par_chunks_mut(width).zip(labels.par_iter()).zip(weights.storage::<f32>().par_iter());
        let nats: Vec<f32> = rows.map(|((row, label), weight)| entropy::entropy_row(row, *label, *weight)).collect();
        let sum: f64 = nats.iter().map(|n| f64::from(*n)).sum();
        (scalar(sum as f32), logits)
    }

    fn product_back(a: FlexTensor, b: FlexTensor, d: FlexTensor, transposed: bool, wanted: [bool; 2]) -> [Option<FlexTensor>; 2] {
        let left = || if transposed { product(&d, &b) } else { product(&d, &turned(&b)) };
        // For y = x Wᵀ the gradient of W comes out in W's own layout.
        let right = || if transposed { product(&turned(&d), &a) } else { product(&turned(&a), &d) };
        [wanted[0].then(left), wanted[1].then(right)]
    }

    fn low_rank_with_state(y: FlexTensor, x: &FlexTensor, a: &FlexTensor, b: &FlexTensor, by: f32) -> (FlexTensor, FlexTensor) {
        let inner = product(x, &turned(a)); // [n, r]
        let mut y = packed(y);
        add_product(y.storage_mut::<f32>(), &inner, &turned(b), by);
        (y, inner)
    }

    fn low_rank_back(held: LowRank<Self>, d: FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let LowRank { x, a, b, inner, by } = held;
        let at_inner = Self::scaled(product(&d, &b), by); // [n, r]
        [
            wanted[0].then(|| product(&at_inner, &a)),
            wanted[1].then(|| product(&turned(&at_inner), &x)),
            wanted[2].then(|| Self::scaled(product(&turned(&d), &inner), by)),
        ]
    }

    fn scaled(x: FlexTensor, by: f32) -> FlexTensor {
        let mut x = packed(x);
        if by != 1.0 {
            x.storage_mut::<f32>().par_chunks_mut(CHUNK).for_each(|x| entropy::times(x, by));
        }
        x
    }

    fn times(x: FlexTensor, by: FlexTensor) -> FlexTensor {
        let by = by.storage::<f32>()[by.layout().start_offset()];
        Self::scaled(x, by)
    }
}
