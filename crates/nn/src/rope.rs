//! Rotary position embeddings (Su et al. 2021), half-split layout, with the scalings of the Hugging Face files.

use serde_json::{Map, Value as Json};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::burn::tensor::Int;
use tongues_kernel::{Result, refuse};

/// How frequencies are changed for longer texts.
#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// All frequencies divided by a factor.
    Linear {
        /// The factor.
        factor: f64,
    },
    /// Llama 3: long wavelengths divided, short ones kept, a ramp between.
    Llama3 {
        /// The factor for long wavelengths.
        factor: f64,
        /// Wavelengths above `original / low` are divided.
        low: f64,
        /// Wavelengths below `original / high` are kept.
        high: f64,
        /// `original_max_position_embeddings`.
        original: f64,
    },
}

/// Frequencies of one head width.
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    /// Angle per position of each pair, `head_dim / 2` of them.
    pub frequencies: Vec<f64>,
}

impl Rope {
    /// Base frequency `theta`, for heads of `width`.
    pub fn new(theta: f64, width: usize, scaling: &RopeScaling) -> Self {
        let plain = (0..width / 2).map(|i| theta.powf(-2.0 * i as f64 / width as f64));
        Self { frequencies: plain.map(|f| scaling.scaled(f)).collect() }
    }

    /// cos and sin of positions `[batch, time]` → two of `[batch, 1, time, head_dim]`.
    pub fn tables(&self, positions: Tensor<2, Int>) -> (Tensor<4>, Tensor<4>) {
        let [batch, time] = positions.dims();
        let device = positions.device();
        let places = positions.clone().max().into_scalar::<i64>().max(0) as usize + 1;
        let width = self.frequencies.len() * 2;
        // The reference rounds frequencies and angles to f32, so equality needs the same.
        let angles: Vec<f32> = (0..places).flat_map(|p| self.frequencies.iter().map(move |f| (p as f32) * (*f as f32))).collect();
        let index = positions.reshape([batch * time]);
        let table = |of: fn(f32) -> f32| {
            let half: Vec<f32> = angles.iter().map(|a| of(*a)).collect();
            let half = Tensor::<2>::from_data(TensorData::new(half, [places, width / 2]), &device);
            Tensor::cat(vec![half.clone(), half], 1).select(0, index.clone()).reshape([batch, 1, time, width])
        };
        (table(f32::cos), table(f32::sin))
    }
}

impl RopeScaling {
    fn scaled(&self, frequency: f64) -> f64 {
        match self {
            Self::None => frequency,
            Self::Linear { factor } => frequency / factor,
            Self::Llama3 { factor, low, high, original } => {
                let wavelength = std::f64::consts::TAU / frequency;
                if wavelength < original / high {
                    frequency
                } else if wavelength > original / low {
                    frequency / factor
                } else {
                    let smooth = (original / wavelength - low) / (high - low);
                    (1.0 - smooth) * frequency / factor + smooth * frequency
                }
            }
        }
    }

    /// Reads theta and scaling from a Hugging Face configuration, in its older form (`rope_theta`, `rope_scaling`) and its
    /// newer one (`rope_parameters`); both may be present and must then agree.
    ///
    /// # Errors
    /// The two forms disagree, a needed key is missing, or the type is not known.
    pub fn read(config: &Map<String, Json>) -> Result<(f64, Self)> {
        let older = read_older(config)?;
        let newer = match config.get("rope_parameters").and_then(Json::as_object) {
            Some(map) => Some((map.get("rope_theta").and_then(Json::as_f64).or(older.0).unwrap_or(10_000.0), Self::of(map)?)),
            None => None,
        };
        match (older, newer) {
            ((theta, scaling), None) => Ok((theta.unwrap_or(10_000.0), scaling.unwrap_or(Self::None))),
            ((theta, scaling), Some(new)) => {
                if theta.is_some_and(|t| t != new.0) || scaling.is_some_and(|s| s != new.1) {
                    return refuse("config.json: rope_parameters", "the same as rope_theta and rope_scaling", "another value", "remove the wrong one");
                }
                Ok(new)
            }
        }
    }

    fn of(map: &Map<String, Json>) -> Result<Self> {
        let kind = map.get("rope_type").or_else(|| map.get("type")).and_then(Json::as_str).unwrap_or("default");
        let need = |key: &str| match map.get(key).and_then(Json::as_f64) {
            Some(value) => Ok(value),
            None => refuse(format!("config.json: rope_scaling.{key}"), "a number", "none", format!("rope type {kind} needs it")),
        };
        match kind {
            "default" => Ok(Self::None),
            "linear" => Ok(Self::Linear { factor: need("factor")? }),
            "llama3" => {
                let (factor, original) = (need("factor")?, need("original_max_position_embeddings")?);
                Ok(Self::Llama3 { factor, low: need("low_freq_factor")?, high: need("high_freq_factor")?, original })
            }
            other => refuse("config.json: rope_scaling.rope_type", "default, linear or llama3", other, "other scalings are not built yet"),
        }
    }
}

fn read_older(config: &Map<String, Json>) -> Result<(Option<f64>, Option<RopeScaling>)> {
    let theta = config.get("rope_theta").and_then(Json::as_f64);
    let scaling = config.get("rope_scaling").and_then(Json::as_object).map(RopeScaling::of).transpose()?;
    Ok((theta, scaling))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Json) -> Result<(f64, RopeScaling)> {
        RopeScaling::read(value.as_object().expect("an object"))
    }

    #[test]
    fn both_forms_mean_the_same_and_a_conflict_is_refused() {
        let old = read(json!({"rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 2.0}})).expect("older form");
        let new = read(json!({"rope_parameters": {"rope_theta": 5e5, "rope_type": "linear", "factor": 2.0}})).expect("newer form");
        assert_eq!(old, new);
        let error = read(json!({"rope_theta": 1e4, "rope_parameters": {"rope_theta": 5e5, "rope_type": "default"}})).expect_err("conflict");
        assert!(error.to_string().contains("rope_parameters"), "{error}");
    }

    #[test]
    fn llama3_keeps_short_waves_and_divides_long_ones() {
        let scaling = RopeScaling::Llama3 { factor: 8.0, low: 1.0, high: 4.0, original: 16.0 };
        assert_eq!(scaling.scaled(3.0), 3.0);
        assert_eq!(scaling.scaled(0.1), 0.1 / 8.0);
        let between = scaling.scaled(1.0);
        assert!(between < 1.0 && between > 1.0 / 8.0);
    }
}
