//! Fused forms against plain ones: values and gradients, odd shapes, extreme values.
#![allow(missing_docs)]

use burn::prelude::*;
use burn::tensor::{Bool, Int};
use proptest::prelude::*;
use tongues_ops::{self as ops, AdamWStep, Moments, Scores, plain};

/// Standard normal numbers from a seed (Box and Muller over a multiplicative generator).
struct Draws(u64);

impl Draws {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }
    fn normal(&self, n: usize) -> Vec<f32> {
        let mut state = self.0;
        let mut unit = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f64 + 0.5) / f64::from(1u32 << 24)
        };
        (0..n).map(|_| ((-2.0 * unit().ln()).sqrt() * (std::f64::consts::TAU * unit()).cos()) as f32).collect()
    }
    fn normal_tensor<const D: usize>(&self, shape: [usize; D], std: f32, device: &Device) -> Tensor<D> {
        let data: Vec<f32> = self.normal(shape.iter().product()).into_iter().map(|x| x * std).collect();
        Tensor::from_data(TensorData::new(data, shape), device)
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("f32")
}

fn device() -> Device {
    Device::flex().autodiff()
}

/// Numbers around zero; every seventh is far out where `extreme` asks for it.
fn leaf<const D: usize>(seed: u64, shape: [usize; D], extreme: f32) -> Tensor<D> {
    let n: usize = shape.iter().product();
    let far = |(i, x): (usize, f32)| if i % 7 == 3 { x * extreme } else { x };
    let data: Vec<f32> = Draws::new(seed).normal(n).into_iter().enumerate().map(far).collect();
    Tensor::<D>::from_data(TensorData::new(data, shape), &device()).require_grad()
}

/// The largest difference over the root mean square of what is expected.
fn apart<const D: usize>(found: Tensor<D>, expected: Tensor<D>) -> f64 {
    assert_eq!(found.dims(), expected.dims());
    let (found, expected) = (values(found), values(expected));
    let norm = (expected.iter().map(|e| f64::from(*e).powi(2)).sum::<f64>() / expected.len() as f64).sqrt().max(1e-6);
    found.iter().zip(&expected).map(|(f, e)| (f64::from(*f) - f64::from(*e)).abs()).fold(0.0, f64::max) / norm
}

/// Values and the gradients at every leaf, with the same random gradient coming in.
fn same<const D: usize, const O: usize>(leaves: [Tensor<D>; 2], fused: impl Fn([Tensor<D>; 2]) -> Tensor<O>, plain: impl Fn([Tensor<D>; 2]) -> Tensor<O>) {
    let (a, b) = (fused(leaves.clone()), plain(leaves.clone()));
    assert!(apart(a.clone(), b.clone()) < 1e-5, "values {}", apart(a, b));
    let arriving = Draws::new(99).normal_tensor(a.dims(), 1.0, &Device::flex());
    let arriving = Tensor::<O>::from_inner(arriving);
    let (ga, gb) = ((a * arriving.clone()).sum().backward(), (b * arriving).sum().backward());
    for leaf in leaves {
        if let (Some(a), Some(b)) = (leaf.grad(&ga), leaf.grad(&gb)) {
            assert!(apart(a.clone(), b.clone()) < 3e-5, "gradient {}", apart(a, b));
        }
    }
}

fn shape3() -> impl Strategy<Value = [usize; 3]> {
    (1usize..4, 1usize..70, 4usize..67).prop_map(|(a, b, c)| [a, b, c])
}

fn extreme() -> impl Strategy<Value = f32> {
    prop_oneof![Just(1.0f32), Just(30.0), Just(1000.0)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gated_units(shape in shape3(), seed in 0u64..1000, far in extreme()) {
        let leaves = || [leaf(seed, shape, far), leaf(seed + 1, shape, 1.0)];
        same(leaves(), |[g, u]| ops::swiglu(g, u), |[g, u]| plain::swiglu(g, u));
        same(leaves(), |[g, u]| ops::geglu(g, u), |[g, u]| plain::geglu(g, u));
    }

    #[test]
    fn norms(shape in shape3(), seed in 0u64..1000, far in prop_oneof![Just(1.0f32), Just(30.0)]) {
        let x = leaf(seed, shape, far);
        let w = leaf(seed + 1, [1, 1, shape[2]], 1.0);
        let flat = |w: Tensor<3>| w.reshape([shape[2]]);
        same([x.clone(), w.clone()], |[x, w]| ops::rms_norm(x, flat(w), 1e-5), |[x, w]| plain::rms_norm(x, flat(w), 1e-5));
        {
            let b = || Tensor::<1>::full([shape[2]], 0.25, &device());
            same([x, w], |[x, w]| ops::layer_norm(x, flat(w), b(), 1e-3), |[x, w]| plain::layer_norm(x, flat(w), b(), 1e-3));
        }
    }

    #[test]
    fn rotations(batch in 1usize..3, heads in 1usize..4, time in 1usize..20, half in 1usize..20, each in any::<bool>(), seed in 0u64..1000) {
        let angles = Draws::new(seed).normal_tensor::<4>([if each { batch } else { 1 }, 1, time, half], 3.0, &Device::flex());
        let angles = Tensor::cat(vec![angles.clone(), angles], 3).expand([batch, 1, time, 2 * half]);
        let tables = (angles.clone().cos(), angles.sin());
        let x = leaf(seed, [batch, heads, time, 2 * half], 1.0);
        let turned = |t: Tensor<4>| t.swap_dims(1, 2).swap_dims(1, 2);
        same([x.clone(), x], |[x, _]| ops::rotate_half_split(turned(x), tables.0.clone(), tables.1.clone()),
            |[x, _]| plain::rotate_half_split(x, tables.0.clone(), tables.1.clone()));
    }

    #[test]
    fn attention_in_all_its_forms(
        batch in 1usize..3, heads in 1usize..3, queries in 1usize..20, past in 0usize..9, width in 1usize..20, kind in 0usize..7, seed in 0u64..1000, far in extreme(),
    ) {
        let keys = queries + past;
        let how = form(kind, batch, heads, queries, keys, seed);
        let q = leaf(seed, [batch, heads, queries, width], far);
        let k = leaf(seed + 1, [batch, heads, keys, width], 1.0);
        let v = Tensor::<4>::from_inner(Draws::new(seed + 2).normal_tensor([batch, heads, keys, width], 1.0, &Device::flex()));
        // Scores of thousands have no digits left after the point; the two forms multiply the factor at different places.
        prop_assume!(far < 100.0);
        let (a, b) = (ops::attention(q.clone(), k.clone(), v.clone(), &how), plain::attention(q.clone(), k.clone(), v.clone(), &how));
        prop_assert!(apart(a.clone(), b.clone()) < 3e-4, "{}", apart(a, b));
        if far == 1.0 {
            let arriving = Tensor::<4>::from_inner(Draws::new(5).normal_tensor(a.dims(), 1.0, &Device::flex()));
            let (ga, gb) = ((a * arriving.clone()).sum().backward(), (b * arriving).sum().backward());
            for leaf in [q, k] {
                let (a, b) = (leaf.grad(&ga).expect("a gradient"), leaf.grad(&gb).expect("a gradient"));
                prop_assert!(apart(a.clone(), b.clone()) < 3e-5, "gradient {}", apart(a, b));
            }
        }
    }

    #[test]
    fn attention_within_a_window(
        queries in 1usize..70, past in 0usize..20, width in 1usize..20, window in prop_oneof![Just(1usize), 2usize..20, 60usize..100],
        causal in any::<bool>(), more in 0usize..3, seed in 0u64..1000,
    ) {
        let (batch, heads, keys) = (2, 2, queries + past);
        let [q, k, v] = [queries, keys, keys].map(|rows| leaf(seed + rows as u64, [batch, heads, rows, width], 1.0));
        let bias = (more == 1).then(|| Tensor::from_inner(Draws::new(seed).normal_tensor([1, heads, queries, keys], 1.0, &Device::flex())));
        let how = Scores { scale: 0.4, causal, window: Some(window), softcap: (more == 2).then_some(2.5), bias, allowed: None };
        let (a, b) = (ops::attention(q.clone(), k.clone(), v.clone(), &how), plain::attention(q.clone(), k.clone(), v.clone(), &how));
        prop_assert!(apart(a.clone(), b.clone()) < 3e-5, "{}", apart(a, b));
        // The same said key by key.
        let near = |q: usize, k: usize| k + window > q && if causal { k <= q } else { q + window > k };
        let flags: Vec<bool> = (0..queries).flat_map(|q| (0..keys).map(move |k| near(q + past, k))).collect();
        let allowed = Some(Tensor::<4, Bool>::from_data(TensorData::new(flags, [1, 1, queries, keys]), &Device::flex()));
        let c = plain::attention(q.clone(), k.clone(), v.clone(), &Scores { allowed, window: None, ..how });
        prop_assert!(apart(b.clone(), c.clone()) < 1e-6, "{}", apart(b, c));
        let arriving = Tensor::<4>::from_inner(Draws::new(5).normal_tensor(a.dims(), 1.0, &Device::flex()));
        let (ga, gc) = ((a * arriving.clone()).sum().backward(), (c * arriving).sum().backward());
        for leaf in [q, k, v] {
            let (a, c) = (leaf.grad(&ga).expect("a gradient"), leaf.grad(&gc).expect("a gradient"));
            prop_assert!(apart(a.clone(), c.clone()) < 3e-5, "gradient {}", apart(a, c));
        }
    }

    #[test]
    fn products(rows in 1usize..90, inner in 1usize..70, out in 1usize..50, seed in 0u64..1000) {
        let (x, w) = (leaf(seed, [rows, inner], 1.0), leaf(seed + 1, [out, inner], 1.0));
        let (a, b) = (ops::linear(x.clone(), w.clone()), x.clone().matmul(w.clone().transpose()));
        prop_assert!(apart(a.clone(), b.clone()) < 1e-5);
        let arriving = Tensor::<2>::from_inner(Draws::new(5).normal_tensor(a.dims(), 1.0, &Device::flex()));
        let (ga, gb) = ((a * arriving.clone()).sum().backward(), (b * arriving).sum().backward());
        for leaf in [x.clone(), w.clone()] {
            prop_assert!(apart(leaf.grad(&ga).expect("a gradient"), leaf.grad(&gb).expect("a gradient")) < 1e-5);
        }
        // A frozen weight gets none, and the other side's is the same.
        let frozen = w.clone().detach().set_require_grad(false);
        let still = ops::linear(x.clone(), frozen.clone()).sum().backward();
        let all = ops::linear(x.clone(), w).sum().backward();
        prop_assert!(frozen.grad(&still).is_none());
        prop_assert_eq!(values(x.grad(&still).expect("a gradient")), values(x.grad(&all).expect("a gradient")));
        let rank = 1 + rows % 5;
        let (lx, ly) = (leaf(seed, [1, rows, inner], 1.0), leaf(seed + 4, [1, rows, out], 1.0));
        let (down, up) = (leaf(seed + 5, [rank, inner], 1.0), leaf(seed + 6, [out, rank], 1.0));
        let a = ops::add_low_rank(ly.clone(), lx.clone(), down.clone(), up.clone(), 0.7);
        let flat = lx.clone().reshape([rows, inner]).matmul(down.clone().transpose()).matmul(up.clone().transpose()) * 0.7;
        let b = ly.clone() + flat.reshape([1, rows, out]);
        prop_assert!(apart(a.clone(), b.clone()) < 1e-5);
        let arriving = Tensor::<3>::from_inner(Draws::new(6).normal_tensor(a.dims(), 1.0, &Device::flex()));
        let (ga, gb) = ((a * arriving.clone()).sum().backward(), (b * arriving).sum().backward());
        for leaf in [lx, ly] {
            prop_assert!(apart(leaf.grad(&ga).expect("a gradient"), leaf.grad(&gb).expect("a gradient")) < 1e-5);
        }
        for leaf in [down, up] {
            prop_assert!(apart(leaf.grad(&ga).expect("a gradient"), leaf.grad(&gb).expect("a gradient")) < 1e-5);
        }
        let (y, z) = (leaf(seed, [2, rows, inner], 1.0), leaf(seed + 3, [2, rows, inner], 1.0));
        same([y, z], |[y, z]| ops::add_scaled(y, z, 0.3), |[y, z]| y + z * 0.3);
    }

    #[test]
    fn cross_entropy(rows in 1usize..40, vocabulary in 2usize..90, seed in 0u64..1000, far in extreme()) {
        let logits = leaf(seed, [rows, vocabulary], far);
        let (labels, weights) = (labels(rows, vocabulary, seed), weights(rows));
        let a = ops::cross_entropy_sum(logits.clone(), labels.clone(), weights.clone());
        let b = plain::cross_entropy_sum(logits.clone(), labels, weights);
        let (found, expected) = (values(a.clone())[0], values(b.clone())[0]);
        // A loss near zero is the difference of numbers the size of the logits.
        prop_assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{found} {expected}");
        let (ga, gb) = ((a * 0.37).backward(), (b * 0.37).backward());
        prop_assert!(apart(logits.grad(&ga).expect("a gradient"), logits.grad(&gb).expect("a gradient")) < 1e-5);
    }

    #[test]
    fn adamw_steps(n in 1usize..40_000, seed in 0u64..1000, half in any::<bool>()) {
        let draw = |k: u64| Draws::new(seed + k).normal_tensor::<1>([n], 1.0, &Device::flex());
        let step = AdamWStep { gradient_scale: 0.5, beta1: 0.9, beta2: 0.99, rate: 0.01, second_correction: 50.0, epsilon: 1e-8, keep: 0.999 };
        let (w, g) = (draw(0), draw(1));
        let moments = || Moments { first: draw(2), second: draw(3).square() };
        let (fused, m) = ops::adamw(w.clone(), g.clone(), moments(), step);
        let found = values(fused);
        // The plain form runs where a tensor is not of 32-bit floats on the CPU; here its formula stands on its own.
        let (w, g, m0, v0) = (values(w), values(g), values(moments().first), values(moments().second));
        for i in (0..n).step_by(if half { 1 } else { 97 }) {
            let g = g[i] * 0.5;
            let (first, second) = (0.9 * m0[i] + 0.1 * g, 0.99 * v0[i] + 0.01 * g * g);
            let expected = w[i] * 0.999 - 0.01 * first / ((second * 50.0).sqrt() + 1e-8);
            prop_assert!((found[i] - expected).abs() < 1e-5);
        }
        prop_assert!(values(m.second).iter().all(|v| v.is_finite() && *v >= 0.0));
    }
}

#[test]
fn a_query_that_sees_no_one_stays_finite_and_moves_nothing() {
    let [q, k, v] = [1, 2, 3].map(|seed| leaf(seed, [1, 1, 3, 4], 1.0));
    let flags = [true, false, false, false, false, false, true, true, true];
    let allowed = Tensor::<4, Bool>::from_data(TensorData::new(flags.to_vec(), [1, 1, 3, 3]), &Device::flex());
    let how = Scores { scale: 0.5, allowed: Some(allowed), ..Scores::default() };
    let out = ops::attention(q.clone(), k, v, &how);
    assert!(values(out.clone()).iter().all(|x| x.is_finite()));
    let gradient = values(q.grad(&out.sum().backward()).expect("a gradient"));
    assert!(gradient.iter().all(|x| x.is_finite()) && gradient[4..8].iter().all(|x| *x == 0.0), "{gradient:?}");
}

fn labels(rows: usize, vocabulary: usize, seed: u64) -> Tensor<1, Int> {
    let labels: Vec<i64> = (0..rows).map(|r| (r * 31 + seed as usize) as i64 % vocabulary as i64).collect();
    Tensor::from_data(TensorData::new(labels, [rows]), &Device::flex())
}

fn weights(rows: usize) -> Tensor<1> {
    let weights: Vec<f32> = (0..rows).map(|r| [1.0, 0.0, 0.5][r % 3]).collect();
    Tensor::from_data(TensorData::new(weights, [rows]), &Device::flex())
}

/// Open, causal, windowed, packed, masked at random, biased, capped.
fn form(kind: usize, batch: usize, heads: usize, queries: usize, keys: usize, seed: u64) -> Scores {
    let base = Scores { scale: 0.4, causal: true, ..Scores::default() };
    let mask = |sees: &dyn Fn(usize, usize, usize) -> bool| {
        let all = (0..batch).flat_map(|b| (0..queries).flat_map(move |q| (0..keys).map(move |k| (b, q, k))));
        let flags: Vec<bool> = all.map(|(b, q, k)| sees(b, q + keys - queries, k)).collect();
        Some(Tensor::<4, Bool>::from_data(TensorData::new(flags, [batch, 1, queries, keys]), &Device::flex()))
    };
    match kind {
        0 => Scores { causal: false, ..base },
        1 => base,
        2 => Scores { allowed: mask(&|_, q, k| k <= q && q < k + 3), ..base },
        3 => Scores { allowed: mask(&|b, q, k| k <= q && k / (3 + b) == q / (3 + b)), ..base },
        4 => Scores { allowed: mask(&|b, q, k| k == 0 || (q * 7 + k * 5 + b + seed as usize).is_multiple_of(3)), ..base },
        5 => Scores { bias: Some(Tensor::from_inner(Draws::new(seed).normal_tensor([batch, heads, queries, keys], 1.0, &Device::flex()))), ..base },
        _ => Scores { softcap: Some(2.5), allowed: mask(&|_, q, k| k <= q), ..base },
    }
}
