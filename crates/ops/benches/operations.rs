//! Each fused operation beside its plain form, forwards and backwards: `cargo bench --bench operations`.
#![allow(missing_docs)]

use burn::prelude::*;
use burn::tensor::{Distribution, Int};
use criterion::{Criterion, criterion_group, criterion_main};
use tongues_ops::{self as ops, Scores, plain};

fn tensor<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex().autodiff()).require_grad()
}

fn both<const D: usize>(c: &mut Criterion, name: &str, mut fused: impl FnMut() -> Tensor<D>, mut plain: impl FnMut() -> Tensor<D>) {
    let mut group = c.benchmark_group(name);
    group.bench_function("fused", |b| b.iter(|| fused().sum().backward()));
    group.bench_function("plain", |b| b.iter(|| plain().sum().backward()));
    group.finish();
}

fn operations(c: &mut Criterion) {
    let (x, y, w) = (tensor([8, 128, 672]), tensor([8, 128, 672]), tensor([672]));
    both(c, "swiglu", || ops::swiglu(x.clone(), y.clone()), || plain::swiglu(x.clone(), y.clone()));
    both(c, "rms_norm", || ops::rms_norm(x.clone(), w.clone(), 1e-5), || plain::rms_norm(x.clone(), w.clone(), 1e-5));
    let [q, k, v] = [(); 3].map(|()| tensor([8, 4, 128, 64]));
    let how = Scores { scale: 0.125, causal: true, ..Scores::default() };
    both(c, "causal attention", || ops::attention(q.clone(), k.clone(), v.clone(), &how), || plain::attention(q.clone(), k.clone(), v.clone(), &how));
    let (rows, weight) = (tensor([1024, 256]), tensor([672, 256]));
    both(c, "linear", || ops::linear(rows.clone(), weight.clone()), || rows.clone().matmul(weight.clone().transpose()));
    let logits = tensor([1024, 4096]);
    let labels = Tensor::<1, Int>::arange(0..1024, &Device::flex());
    let weights = Tensor::<1>::ones([1024], &Device::flex());
    let loss = |f: fn(Tensor<2>, Tensor<1, Int>, Tensor<1>) -> Tensor<1>| f(logits.clone(), labels.clone(), weights.clone());
    both(c, "cross entropy", || loss(ops::cross_entropy_sum), || loss(plain::cross_entropy_sum));
}

criterion_group! { name = all; config = Criterion::default().sample_size(20); targets = operations }
criterion_main!(all);
