//! Decompositions on the host, in f64: the largest singular triplets, and the first columns of QR.

use rayon::prelude::*;

/// Sweeps of rotations; ten are enough in practice.
const SWEEPS: usize = 60;
/// Cosine between two vectors below which they count as orthogonal.
const ORTHOGONAL: f64 = 1e-13;

/// Matrices by rows: left factor `[out, r]`, right factor `[r, in]`.
pub struct Factors {
    /// `[out, r]`.
    pub left: Vec<f64>,
    /// `[r, in]`.
    pub right: Vec<f64>,
}

/// The `r` largest singular triplets of `w` `[out, in]`: U `[out, r]`, S, Vᵀ `[r, in]`, by one-sided Jacobi rotations
/// (Hestenes 1958) of the rows of the shorter side, all disjoint pairs of a round at once. Signs are free.
pub fn singular<E: Copy + Into<f64> + Sync>(w: &[E], [out, width]: [usize; 2], r: usize) -> (Factors, Vec<f64>) {
    let lies = out > width;
    let (k, length) = if lies { (width, out) } else { (out, width) };
    let at = |i: usize, j: usize| -> f64 { if lies { w[j * width + i] } else { w[i * width + j] }.into() };
    // Each vector carries its row of the rotations behind it.
    let whole = |i: usize| (0..length).map(|j| at(i, j)).chain((0..k).map(|j| f64::from(u8::from(i == j)))).collect();
    let mut vectors: Vec<Vec<f64>> = (0..k).map(whole).collect();
    if k % 2 == 1 {
        vectors.push(vec![0.0; length + k]);
    }
    for _ in 0..SWEEPS {
        if sweep(&mut vectors, length) <= ORTHOGONAL {
            break;
        }
    }
    let norm = |v: &Vec<f64>| v[..length].iter().map(|x| x * x).sum::<f64>().sqrt();
    let mut found: Vec<(f64, &Vec<f64>)> = vectors.iter().map(|v| (norm(v), v)).collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.truncate(r);
    let values: Vec<f64> = found.iter().map(|(s, _)| *s).collect();
    let long: Vec<Vec<f64>> = found.iter().map(|(s, v)| v[..length].iter().map(|x| if *s > 0.0 { x / s } else { 0.0 }).collect()).collect();
    let short: Vec<Vec<f64>> = found.iter().map(|(_, v)| v[length..].to_vec()).collect();
    let (left, right) = if lies { (long, short) } else { (short, long) };
    (Factors { left: by_columns(&left, out), right: right.concat() }, values)
}

/// One round of every pair (a tournament: one stays, the others move on by one seat); the largest cosine that was seen.
fn sweep(vectors: &mut Vec<Vec<f64>>, length: usize) -> f64 {
    let k = vectors.len();
    let mut worst = 0.0f64;
    for _ in 1..k {
        let seen = vectors.par_chunks_mut(2).map(|pair| rotate(pair, length)).reduce(|| 0.0, f64::max);
        worst = worst.max(seen);
        let mut old: Vec<Vec<f64>> = std::mem::take(vectors);
        // Seats are (0, 1), (2, 3), …: the upper row moves right, the lower row left, the first stays.
        let mut seat = |i: usize| std::mem::take(&mut old[i]);
        let pairs = k / 2;
        for p in 0..pairs {
            let upper = if p == 0 {
                seat(0)
            } else if p == 1 {
                seat(1)
            } else {
                seat(2 * (p - 1))
            };
            let lower = if p + 1 < pairs {
                seat(2 * (p + 1) + 1)
            } else if pairs > 1 {
                seat(2 * (pairs - 1))
            } else {
                seat(1)
            };
            vectors.extend([upper, lower]);
        }
    }
    worst
}

/// Turns a pair until it is orthogonal in its first entries; the cosine it had.
fn rotate(pair: &mut [Vec<f64>], length: usize) -> f64 {
    let [p, q] = pair else { return 0.0 };
    let dot = |x: &[f64], y: &[f64]| x[..length].iter().zip(&y[..length]).map(|(a, b)| a * b).sum::<f64>();
    let (a, b, c) = (dot(p, p), dot(q, q), dot(p, q));
    let cosine = c.abs() / (a * b).sqrt();
    if cosine.is_nan() || cosine <= ORTHOGONAL {
        return 0.0;
    }
    let zeta = (b - a) / (2.0 * c);
    let t = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
    let cos = 1.0 / (1.0 + t * t).sqrt();
    let sin = cos * t;
    for (x, y) in p.iter_mut().zip(q) {
        (*x, *y) = (cos * *x - sin * *y, sin * *x + cos * *y);
    }
    cosine
}

/// The first `r` columns of Q `[out, r]` and the first `r` rows of R `[r, in]` of `w` `[out, in]` (Gram and Schmidt, each vector
/// twice). R's diagonal is positive; the reference's may be negative, with the same product.
pub fn orthogonal<E: Copy + Into<f64> + Sync>(w: &[E], [out, width]: [usize; 2], r: usize) -> Factors {
    let mut q: Vec<Vec<f64>> = vec![];
    for j in 0..r {
        let mut column: Vec<f64> = (0..out).map(|i| w[i * width + j].into()).collect();
        let length = |c: &[f64]| c.iter().map(|x| x * x).sum::<f64>().sqrt();
        let before = length(&column);
        for other in q.iter().chain(&q) {
            let along: f64 = column.iter().zip(other).map(|(x, y)| x * y).sum();
            column.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
        }
        // A column that depends on those before it adds no direction.
        let norm = length(&column);
        let by = if norm > before * 1e-12 { 1.0 / norm } else { 0.0 };
        q.push(column.into_iter().map(|x| x * by).collect());
    }
    let mut right = vec![0.0; r * width];
    right.par_chunks_mut(width).zip(&q).for_each(|(row, q)| {
        for (i, q) in q.iter().enumerate() {
            row.iter_mut().zip(&w[i * width..]).for_each(|(x, w)| *x += q * (*w).into());
        }
    });
    Factors { left: by_columns(&q, out), right }
}

/// Vectors of that length as columns, row by row.
fn by_columns(vectors: &[Vec<f64>], length: usize) -> Vec<f64> {
    (0..length).flat_map(|i| vectors.iter().map(move |v| v[i])).collect()
}
