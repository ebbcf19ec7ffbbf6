//! How rotary frequencies are changed for longer texts.

use std::f64::consts::TAU;

/// How frequencies are changed for longer texts.
#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// All frequencies divided by a factor (Chen et al. 2023, arXiv 2306.15595).
    Linear {
        /// The factor.
        factor: f64,
    },
    /// A larger base for texts longer than `length` ("NTK-aware" scaling, bloc97 and emozilla 2023).
    Dynamic {
        /// How much longer texts may become.
        factor: f64,
        /// `max_position_embeddings`: shorter texts are not scaled.
        length: f64,
    },
    /// YaRN (Peng et al. 2023, arXiv 2309.00071, §3.2): long wavelengths divided, short ones kept, a ramp over the pairs between.
    Yarn {
        /// The factor for long wavelengths.
        factor: f64,
        /// `original_max_position_embeddings`.
        original: f64,
        /// Pairs that turn more often than this in the original length are kept.
        fast: f64,
        /// Pairs that turn less often than this are divided.
        slow: f64,
        /// Factor of cos and sin.
        attention: f64,
        /// The ramp begins and ends at whole pairs.
        truncate: bool,
    },
    /// LongRoPE (Ding et al. 2024, arXiv 2402.13753): a divisor for each pair, one list for short texts and one for long.
    Longrope {
        /// Divisors up to the original length.
        short: Vec<f64>,
        /// Divisors beyond it.
        long: Vec<f64>,
        /// `original_max_position_embeddings`.
        original: f64,
        /// How much longer texts may become.
        factor: f64,
        /// Factor of cos and sin.
        attention: f64,
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

impl RopeScaling {
    /// Angle per position of each of `width / 2` pairs, in texts of `length` tokens.
    pub fn frequencies(&self, theta: f64, width: usize, length: usize) -> Vec<f64> {
        let theta = self.base(theta, width as f64, length as f64);
        let plain = (0..width / 2).map(|i| theta.powf(-2.0 * i as f64 / width as f64));
        plain.enumerate().map(|(i, f)| self.scaled(f, i, (theta, width), length)).collect()
    }

    /// Factor of cos and sin.
    pub fn attention_factor(&self) -> f64 {
        match self {
            Self::Yarn { attention, .. } | Self::Longrope { attention, .. } => *attention,
            _ => 1.0,
        }
    }

    /// The longest text that the scaling is made for, at least `positions`.
    pub fn reach(&self, positions: usize) -> usize {
        let scaled = match self {
            Self::None | Self::Llama3 { .. } => 0.0,
            Self::Linear { factor } => factor * positions as f64,
            Self::Dynamic { factor, length } => factor * length,
            Self::Yarn { factor, original, .. } | Self::Longrope { factor, original, .. } => factor * original,
        };
        (scaled as usize).max(positions)
    }

    fn base(&self, theta: f64, width: f64, length: f64) -> f64 {
        match self {
            Self::Dynamic { factor, length: own } => theta * (factor * length.max(*own) / own - (factor - 1.0)).powf(width / (width - 2.0)),
            _ => theta,
        }
    }

    fn scaled(&self, frequency: f64, pair: usize, (theta, width): (f64, usize), length: usize) -> f64 {
        match self {
            Self::None | Self::Dynamic { .. } => frequency,
            Self::Linear { factor } => frequency / factor,
            Self::Yarn { factor, .. } => {
                let divided = self.ramp(theta, width, pair);
                frequency / factor * divided + frequency * (1.0 - divided)
            }
            Self::Longrope { short, long, original, .. } => {
                let divisors = if length as f64 > *original { long } else { short };
                frequency / divisors.get(pair).copied().unwrap_or(1.0)
            }
            Self::Llama3 { factor, low, high, original } => {
                let wavelength = TAU / frequency;
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

    /// How far a pair is divided under YaRN: 0 for those that turn fast, 1 for those that turn slowly.
    fn ramp(&self, theta: f64, width: usize, pair: usize) -> f64 {
        let Self::Yarn { original, fast, slow, truncate, .. } = self else { return 0.0 };
        let width = width as f64;
        let pair_that_turns = |times: f64| width * (original / (times * TAU)).ln() / (2.0 * theta.ln());
        let (mut start, mut end) = (pair_that_turns(*fast), pair_that_turns(*slow));
        if *truncate {
            (start, end) = (start.floor(), end.ceil());
        }
        let (start, mut end) = (start.max(0.0), end.min(width - 1.0));
        if start == end {
            end += 0.001; // as in the reference, against a division by zero
        }
        ((pair as f64 - start) / (end - start)).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn llama3_keeps_short_waves_and_divides_long_ones() {
        let scaling = RopeScaling::Llama3 { factor: 8.0, low: 1.0, high: 4.0, original: 16.0 };
        let scaled = |f| scaling.scaled(f, 0, (1e4, 8), 4);
        assert_eq!(scaled(3.0), 3.0);
        assert_eq!(scaled(0.1), 0.1 / 8.0);
        let between = scaled(1.0);
        assert!(between < 1.0 && between > 1.0 / 8.0);
    }

    #[test]
    fn short_texts_are_not_scaled_where_the_length_decides() {
        let plain = RopeScaling::None.frequencies(1e4, 8, 10);
        let dynamic = RopeScaling::Dynamic { factor: 4.0, length: 10.0 };
        assert_eq!(dynamic.frequencies(1e4, 8, 10), plain);
        assert!(dynamic.frequencies(1e4, 8, 11)[1] < plain[1]);
        let long = RopeScaling::Longrope { short: vec![1.0; 4], long: vec![2.0; 4], original: 10.0, factor: 2.0, attention: 1.0 };
        assert_eq!(long.frequencies(1e4, 8, 10), plain);
        assert_eq!(long.frequencies(1e4, 8, 11)[1], plain[1] / 2.0);
        assert_eq!((dynamic.reach(10), long.reach(10)), (40, 20));
    }
}
