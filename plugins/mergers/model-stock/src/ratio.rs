//! The interpolation ratio from the angles between changes.

use tongues_kernel::Slice;
use tongues_kernel::merging::{PIECE, fold};

/// Products of lengths below it count as it.
const SHORT: f64 = 1e-6;

/// Equation 8 for every row of `row` numbers.
pub fn ratios(base: Slice<'_>, models: &[Slice<'_>], row: usize) -> Vec<f64> {
    let rows = base.len().div_ceil(row);
    let n = models.len();
    let mut cosines = vec![0.0; rows];
    for i in 0..n {
        for other in &models[i + 1..] {
            let pair = products([base, models[i], *other], row);
            cosines.iter_mut().zip(pair).for_each(|(sum, [aa, bb, ab])| *sum += (ab / (aa.sqrt() * bb.sqrt()).max(SHORT)).clamp(-1.0, 1.0));
        }
    }
    let pairs = (n * (n - 1) / 2) as f64;
    cosines.iter().map(|sum| ratio(sum / pairs, n as f64)).collect()
}

fn ratio(cosine: f64, n: f64) -> f64 {
    let denominator = 1.0 + (n - 1.0) * cosine;
    // Changes that oppose each other cancel out: there is no estimate, and the base stays.
    if denominator.abs() < 1e-6 { 0.0 } else { n * cosine / denominator }
}

/// For every row, the products of two models' changes with themselves and with each other.
fn products(slices: [Slice<'_>; 3], row: usize) -> Vec<[f64; 3]> {
    if row == slices[0].len() {
        return vec![fold(&slices, |_, x| of_changes(x[0], x[1], x[2]))];
    }
    let (mut all, mut buffers) = (vec![], [vec![], vec![], vec![]]);
    let band = (PIECE / row).max(1) * row;
    for start in (0..slices[0].len()).step_by(band) {
        for (buffer, slice) in buffers.iter_mut().zip(slices) {
            buffer.resize(band.min(slice.len() - start), 0.0);
            slice.read(start, buffer);
        }
        let [base, a, b] = &buffers;
        all.extend(base.chunks(row).zip(a.chunks(row)).zip(b.chunks(row)).map(|((base, a), b)| of_changes(base, a, b)));
    }
    all
}

fn of_changes(base: &[f32], a: &[f32], b: &[f32]) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for ((base, a), b) in base.iter().zip(a).zip(b) {
        let (a, b) = (f64::from(a - base), f64::from(b - base));
        sums[0] += a * a;
        sums[1] += b * b;
        sums[2] += a * b;
    }
    sums
}
