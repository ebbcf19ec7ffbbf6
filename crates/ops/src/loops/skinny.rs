//! Few rows through a large weight, as in generation: every weight is read once, and nothing else costs.
#![allow(unsafe_code)]

use super::{LANES, dotted, madd};
use crate::simd::vectorised;

/// Rows of the weight that are taken together, so that their sums do not wait for each other.
pub const TOGETHER: usize = 4;

vectorised! {
    /// `out[o] = w[o] · x` for [`TOGETHER`] rows `w` of the weight, each as long as `x`.
    pub fn dots(w: &[f32], x: &[f32], out: &mut [f32; TOGETHER]) {
        let n = x.len();
        let [mut a, mut b, mut c, mut d] = [[0f32; LANES]; TOGETHER];
        let (w0, w) = w.split_at(n);
        let (w1, w) = w.split_at(n);
        let (w2, w3) = w.split_at(n);
        let (x, x_rest) = x.as_chunks::<LANES>();
        let rows = w0.as_chunks::<LANES>().0.iter().zip(w1.as_chunks::<LANES>().0).zip(w2.as_chunks::<LANES>().0).zip(w3.as_chunks::<LANES>().0);
        for ((((w0, w1), w2), w3), x) in rows.zip(x) {
            for l in 0..LANES {
                a[l] = madd::<FMA>(w0[l], x[l], a[l]);
                b[l] = madd::<FMA>(w1[l], x[l], b[l]);
                c[l] = madd::<FMA>(w2[l], x[l], c[l]);
                d[l] = madd::<FMA>(w3[l], x[l], d[l]);
            }
        }
        let whole = n - x_rest.len();
        for ((out, sum), w) in out.iter_mut().zip([a, b, c, d]).zip([w0, w1, w2, w3]) {
            *out = sum.iter().sum::<f32>() + w[whole..].iter().zip(x_rest).map(|(w, x)| w * x).sum::<f32>();
        }
    }
    /// One dot product.
    pub fn dot(w: &[f32], x: &[f32]) -> f32 {
        dotted::<FMA>(w, x)
    }
}
