//! Gated units: an activation of the gate times the other half.
#![allow(unsafe_code)]

use super::{exp, tanh};
use crate::simd::vectorised;

/// √(2/π).
const ROOT: f32 = 0.797_884_6;
const CUBIC: f32 = 0.044_715;

/// Value and slope of `gelu_tanh`.
#[inline(always)]
fn gelu<const FMA: bool>(x: f32) -> (f32, f32) {
    let t = tanh::<FMA>(ROOT * (x + CUBIC * x * x * x));
    let slope = 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * ROOT * (1.0 + 3.0 * CUBIC * x * x);
    (0.5 * x * (1.0 + t), slope)
}

vectorised! {
    /// `silu(g) · u`.
    pub fn silu_gate(g: &[f32], u: &[f32], out: &mut [f32]) {
        for ((o, g), u) in out.iter_mut().zip(g).zip(u) {
            *o = g * (1.0 / (1.0 + exp::<FMA>(-g))) * u;
        }
    }
    /// Gradients of [`silu_gate`] from that of its result.
    pub fn silu_gate_back(g: &[f32], u: &[f32], d: &[f32], dg: &mut [f32], du: &mut [f32]) {
        for ((((dg, du), g), u), d) in dg.iter_mut().zip(du).zip(g).zip(u).zip(d) {
            let s = 1.0 / (1.0 + exp::<FMA>(-g));
            *du = d * g * s;
            *dg = d * u * (s + g * s * (1.0 - s));
        }
    }
    /// `gelu_tanh(g) · u`.
    pub fn gelu_gate(g: &[f32], u: &[f32], out: &mut [f32]) {
        for ((o, g), u) in out.iter_mut().zip(g).zip(u) {
            *o = gelu::<FMA>(*g).0 * u;
        }
    }
    /// Gradients of [`gelu_gate`].
    pub fn gelu_gate_back(g: &[f32], u: &[f32], d: &[f32], dg: &mut [f32], du: &mut [f32]) {
        for ((((dg, du), g), u), d) in dg.iter_mut().zip(du).zip(g).zip(u).zip(d) {
            let (value, slope) = gelu::<FMA>(*g);
            *du = d * value;
            *dg = d * u * slope;
        }
    }
}
