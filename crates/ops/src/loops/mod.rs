//! The loops over slices, one file an operation. Each is compiled for every vector level.

pub mod adamw;
pub mod entropy;
pub mod gate;
pub mod narrow;
pub mod norm;
pub mod rotary;
pub mod skinny;
pub mod softmax;

/// Numbers that are summed side by side, so that sums vectorise and are the same at every level.
pub const LANES: usize = 16;

/// `a · b + c`, in one instruction where the level has it: elsewhere a fused one would be a slow call.
#[inline(always)]
pub fn madd<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// eˣ in 32 bits (Cephes' `expf`: reduction by ln 2 and a polynomial of degree 5), below 3 units in the last place.
#[inline(always)]
pub fn exp<const FMA: bool>(x: f32) -> f32 {
    // Below −87 the result is 0 for all purposes, above 88 it would be infinite.
    let x = x.clamp(-87.0, 88.0);
    // Adding 1.5 · 2²³ rounds to the nearest whole number.
    let n = madd::<FMA>(x, std::f32::consts::LOG2_E, 12_582_912.0) - 12_582_912.0;
    let r = madd::<FMA>(-n, 355.0 / 512.0, x);
    let r = madd::<FMA>(n, 2.121_944_4e-4, r);
    let p = madd::<FMA>(1.987_569_1e-4, r, 1.398_2e-3);
    let p = madd::<FMA>(p, r, 8.333_452e-3);
    let p = madd::<FMA>(p, r, 4.166_579_6e-2);
    let p = madd::<FMA>(p, r, 1.666_666_5e-1);
    let p = madd::<FMA>(p, r, 5e-1);
    let p = madd::<FMA>(p, r * r, r) + 1.0;
    // n is a whole number between −126 and 127, for x was clamped; a NaN gives 0 here and is kept by `p`.
    f32::from_bits(((n as i32 + 127) << 23) as u32) * p
}

/// tanh through [`exp`]; exact to about 1e-7.
#[inline(always)]
pub fn tanh<const FMA: bool>(x: f32) -> f32 {
    let e = exp::<FMA>(-2.0 * x.abs());
    ((1.0 - e) / (1.0 + e)).copysign(x)
}

/// Σ a · b, in an order that depends on the length only.
#[inline(always)]
pub fn dotted<const FMA: bool>(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0f32; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            lanes[i] = madd::<FMA>(a[i], b[i], lanes[i]);
        }
    }
    for (i, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        lanes[i] = madd::<FMA>(*a, *b, lanes[i]);
    }
    lanes.iter().sum()
}

/// Σ f(a, b), in an order that depends on the length only.
#[inline(always)]
pub fn summed(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            lanes[i] += f(a[i], b[i]);
        }
    }
    for (i, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        lanes[i] += f(*a, *b);
    }
    lanes.iter().sum()
}

/// The largest of a row.
#[inline(always)]
pub fn largest(x: &[f32]) -> f32 {
    let mut lanes = [f32::MIN; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] = lanes[i].max(chunk[i]);
        }
    }
    rest.iter().chain(&lanes).fold(f32::MIN, |m, v| m.max(*v))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_near_the_exact_one() {
        for i in -86_000..88_000 {
            let x = i as f32 / 1000.0;
            let exact = f64::from(x).exp();
            for found in [exp::<false>(x), exp::<true>(x)] {
                assert!((f64::from(found) - exact).abs() <= 3e-7 * exact, "{x}: {found} {exact}");
            }
        }
        assert!(exp::<true>(-1e30) < 1e-37 && exp::<false>(f32::NAN).is_nan() && exp::<true>(0.0) == 1.0);
    }

    #[test]
    fn tanh_is_near_the_exact_one() {
        for i in -20_000..20_000 {
            let x = i as f32 / 1000.0;
            assert!((f64::from(tanh::<true>(x)) - f64::from(x).tanh()).abs() < 3e-7, "{x}");
        }
    }
}
