//! # slerp
//!
//! A place on the arc between two models.
//! Paper: Shoemake 1985, "Animating rotation with quaternion curves" (SIGGRAPH, §3.3), with a tensor in the place of the quaternion.
//!
//! ## What it does
//! With θ the angle between the tensors a of the base model and b of the other one, taken as vectors,
//! `sin((1 − t) θ) / sin θ · a + sin(t θ) / sin θ · b`: at `t = 0` the base, at `t = 1` the other, between them without the loss of
//! length that a mean has. Where the vectors are nearly parallel (|cos θ| above 0.9995) the formula divides by almost nothing, and the
//! straight line is taken instead.
//!
//! ## When to use
//! Between two models that went far from each other, with `t` by layer: `t = [0, 0.5, 1]` goes from the base at the bottom to the other at
//! the top. Models of one base that were trained briefly are nearly parallel: this is then the same as `linear`.
//!
//! ## Differences from the paper
//! Vectors of any length instead of unit quaternions: the arc is taken between directions, the lengths come along, as in mergekit's
//! `slerp`, whose names and bounds these are. Lengths and angle are computed in 64 bits.
//!
//! ## Reproduces
//! No published number. The tests compare with arcs worked out by hand and with tensors that mergekit merged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::merging::{Range, fold};
use tongues_kernel::{Context, MergeInputs, MergePlan, Merged, Merger, Piece, Planned, Result, Setting, Slice, refuse, register};

/// Above it two directions count as parallel.
const PARALLEL: f64 = 0.9995;
/// A vector that is not longer counts as of length 1.
const SHORT: f64 = 1e-8;

/// An interpolation on the arc between the base and another model.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slerp {
    /// How far from the base, 0, to the other model, 1. Required here or with every slice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub t: Option<Setting>,
}

impl Slerp {
    fn place(&self, out: &Planned) -> Result<f64> {
        let missing = || refuse(format!("slerp: t, tensor {}", out.name), "a number", "none", "give `t`; a list of filters may end in an entry without one");
        out.whole("t", self.t.as_ref()).map_or_else(missing, Ok)
    }

    /// The reads of the base and of the other model.
    fn pair(out: &Planned) -> Result<(usize, usize)> {
        let base = out.base_read("slerp")?;
        let others: Vec<usize> = out.others().collect();
        match others.as_slice() {
            [other] => Ok((base, *other)),
            _ => refuse(format!("slerp: tensor {}", out.name), "the base and one other model", format!("{} models", others.len() + 1), ""),
        }
    }
}

impl Merger for Slerp {
    fn plan(&self, inputs: &MergeInputs, cx: &mut dyn Context) -> Result<MergePlan> {
        inputs.check("slerp", "t", self.t.as_ref(), Range::Finite)?;
        let plan = inputs.aligned(cx)?;
        for out in &plan.outputs {
            Self::pair(out)?;
            self.place(out)?;
        }
        Ok(plan)
    }

    fn merge<'m>(&'m self, out: &'m Planned, slices: &[Slice<'m>], _: &mut dyn Context) -> Result<Merged<'m>> {
        let (base, other) = Self::pair(out)?;
        let cosine = cosine(slices[base], slices[other]);
        let (a, b) = factors(cosine, self.place(out)?);
        let rule = move |piece: Piece<'_>| {
            let (from, to) = (piece.inputs[base], piece.inputs[other]);
            for ((out, x), y) in piece.out.iter_mut().zip(from).zip(to) {
                *out = (a * f64::from(*x) + b * f64::from(*y)) as f32;
            }
        };
        Ok(Merged::elements(rule))
    }
}

/// The cosine of the angle between two tensors.
fn cosine(a: Slice<'_>, b: Slice<'_>) -> f64 {
    let product = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    let [aa, bb, ab] = fold(&[a, b], |_, x| [product(x[0], x[0]), product(x[1], x[1]), product(x[0], x[1])]);
    let length = |square: f64| if square.sqrt() > SHORT { square.sqrt() } else { 1.0 };
    (ab / (length(aa) * length(bb))).clamp(-1.0, 1.0)
}

/// What the tensors of the base and of the other model are multiplied with.
fn factors(cosine: f64, t: f64) -> (f64, f64) {
    if cosine.abs() > PARALLEL {
        return (1.0 - t, t);
    }
    let theta = cosine.acos();
    (((1.0 - t) * theta).sin() / theta.sin(), (t * theta).sin() / theta.sin())
}

register!(Merger, "slerp", "Interpolates between two models on the arc between them", Slerp);
