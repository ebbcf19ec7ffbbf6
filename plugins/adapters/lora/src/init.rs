//! How the matrices start.

use crate::attach::onto;
use crate::decompose::{Factors, orthogonal, singular};
use crate::pair::Start;
use crate::{LoraOptions, Pair};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Draws, Error, Result, SiteInfo, refuse, values};

/// How the matrices start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Init {
    /// `true`: A uniform within 1/√in, B zero. `false`: B uniform within 1/√r too, so that the model changes at once.
    Plain(bool),
    /// A named way.
    Way(Way),
}

/// A named way to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// A normal with standard deviation 1/r, B zero.
    Gaussian,
    /// The largest singular triplets of the weight (PiSSA), which count as taken out of it.
    Pissa,
    /// The first columns of Q and rows of R of the weight (OLoRA), which count as taken out of it.
    Olora,
}

impl Default for Init {
    fn default() -> Self {
        Self::Plain(true)
    }
}

impl Init {
    /// It starts as a part of the weight.
    pub fn takes_out(&self) -> bool {
        matches!(self, Self::Way(Way::Pissa | Way::Olora))
    }
}

/// Matrices for a projection with this weight `[out, in]`.
///
/// # Errors
/// A start out of the weight with a rank above its own, or of a weight that is not finite.
pub fn fresh(options: &LoraOptions, info: &SiteInfo, (r, scale): (usize, f64), weight: Option<&Tensor<2>>, device: &Device, draws: Draws) -> Result<Pair> {
    let [width, out] = info.width;
    let a = || draws.uniform_tensor([r, width], 1.0 / (width as f64).sqrt(), device);
    let zeros = || Tensor::zeros([out, r], device);
    let pair = match options.init_lora_weights {
        Init::Plain(true) => Pair::new(a(), zeros()),
        Init::Plain(false) => Pair::new(a(), draws.stream("b").uniform_tensor([out, r], 1.0 / (r as f64).sqrt(), device)),
        Init::Way(Way::Gaussian) => Pair::new(draws.normal_tensor([r, width], 1.0 / r as f64, device), zeros()),
        Init::Way(way) => {
            let weight = weight.ok_or_else(|| Error::input(&info.path, "the weight that it starts out of", "none", ""))?;
            let start = start(way, info, (r, scale), weight, device)?;
            Pair::new(start.a.clone(), start.b.clone()).with_start(Some(start))
        }
    };
    let bias = options.lora_bias.then(|| Tensor::zeros([out], device));
    let magnitude = weight.filter(|_| options.use_dora).map(|w| onto(pair.norm(w, scale), device));
    Ok(pair.with_bias(bias).with_magnitude(magnitude))
}

/// The factors that a way takes out of a weight: A `[r, in]`, B `[out, r]`, as PEFT computes them.
///
/// # Errors
/// As [`fresh`].
pub fn start(way: Way, info: &SiteInfo, (r, scale): (usize, f64), weight: &Tensor<2>, device: &Device) -> Result<Start> {
    let [width, out] = info.width;
    let place = || format!("lora: init_lora_weights at {}", info.path);
    if r > width.min(out) {
        return refuse(place(), format!("a rank of at most {}, that of the weight", width.min(out)), r, "lower r, or give this place its own in rank_pattern");
    }
    let held = values(weight.clone());
    if held.iter().any(|x| !x.is_finite()) {
        return refuse(place(), "a finite weight", "one that is not", "use another base model");
    }
    let factors = match way {
        Way::Olora => orthogonal(&held, [out, width], r),
        _ => {
            let (Factors { left, right }, s) = singular(&held, [out, width], r);
            // PiSSA, eq. 2 and 3: the square root of each singular value on either side, less the factor of the product.
            let root: Vec<f64> = s.iter().map(|s| (s / scale).sqrt()).collect();
            let left = left.chunks(r).flat_map(|row| row.iter().zip(&root).map(|(x, s)| x * s).collect::<Vec<_>>()).collect();
            let right = right.chunks(width).zip(&root).flat_map(|(row, s)| row.iter().map(|x| x * s).collect::<Vec<_>>()).collect();
            Factors { left, right }
        }
    };
    let tensor = |values: Vec<f64>, shape: [usize; 2]| {
        Tensor::<2>::from_data(TensorData::new(values.into_iter().map(|x| x as f32).collect::<Vec<f32>>(), shape), device)
    };
    Ok(Start { a: tensor(factors.right, [r, width]), b: tensor(factors.left, [out, r]) })
}
