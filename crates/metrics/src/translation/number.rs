//! Numbers in which scores are computed.
//!
//! Scores of a corpus are computed in double precision. Scores of resamples are not: sacrebleu sums up statistics as numpy's
//! float32, and what follows is single or double precision as numpy decides. [`Single`] decides the same way, so that resampled
//! scores, and with them p-values and intervals, are the same numbers.

use std::ops::{Add, Div, Mul, Sub};

/// A number of one of these kinds.
pub trait Real: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> {
    /// A number that stands in the formula.
    fn literal(value: f64) -> Self;
    /// In double precision.
    fn wide(self) -> f64;
}

impl Real for f64 {
    fn literal(value: f64) -> Self {
        value
    }

    fn wide(self) -> f64 {
        self
    }
}

/// A number of numpy's float32, or a Python number that becomes one as soon as it meets one (NEP 50).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Single {
    /// Python's, in double precision.
    Weak(f64),
    /// numpy's.
    Strong(f32),
}

impl Single {
    fn narrow(self) -> f32 {
        match self {
            Self::Weak(v) => v as f32,
            Self::Strong(v) => v,
        }
    }

    fn with(self, other: Self, double: fn(f64, f64) -> f64, single: fn(f32, f32) -> f32) -> Self {
        match (self, other) {
            (Self::Weak(a), Self::Weak(b)) => Self::Weak(double(a, b)),
            (a, b) => Self::Strong(single(a.narrow(), b.narrow())),
        }
    }
}

impl Real for Single {
    fn literal(value: f64) -> Self {
        Self::Weak(value)
    }

    fn wide(self) -> f64 {
        match self {
            Self::Weak(v) => v,
            Self::Strong(v) => f64::from(v),
        }
    }
}

macro_rules! operator {
    ($($name:ident $function:ident),*) => {
        $(impl $name for Single {
            type Output = Self;
            fn $function(self, other: Self) -> Self {
                self.with(other, <f64 as $name>::$function, <f32 as $name>::$function)
            }
        })*
    };
}
operator!(Add add, Sub sub, Mul mul, Div div);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_numbers_stay_wide_until_they_meet_a_narrow_one() {
        let tenth = Single::literal(0.1);
        assert_eq!((tenth * Single::literal(3.0)).wide(), 0.1 * 3.0);
        assert_eq!(tenth * Single::Strong(3.0), Single::Strong(0.1f32 * 3.0));
        assert_eq!(Single::Strong(1.0) / Single::literal(3.0), Single::Strong(1.0 / 3.0));
    }
}
